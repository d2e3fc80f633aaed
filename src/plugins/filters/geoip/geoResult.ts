import { EncodedMap } from '../../../event/encodedMap.ts';
import { parseEncodedJson } from '../../../event/json.ts';
import type { ValueMap } from '../../../event/value.ts';
import { TextBuffer } from '../../../util/textBuffer.ts';

const COMMA = 0x2c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** The result for one address: what all of its network have in common, and in front the address itself where it is wanted. */
export class GeoResult extends EncodedMap {
  readonly #ip: string | undefined;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;

  /**
   * @param ip has nothing that a JSON text escapes
   * @param bytes hold from `start` up to `end` the other fields as JSON, without braces
   */
  constructor(ip: string | undefined, bytes: Buffer, start: number, end: number) {
    super();
    this.#ip = ip;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  override toMap(): ValueMap {
    const out = new TextBuffer();
    this.write(out);
    return parseEncodedJson(out.take().toString()) as ValueMap;
  }

  override write(out: TextBuffer): void {
    if (this.#ip === undefined) {
      out.appendByte(OPEN);
    } else {
      out.appendAscii('{"ip":"');
      out.appendAscii(this.#ip);
      out.appendAscii('"');
      if (this.#end > this.#start) out.appendByte(COMMA);
    }
    out.appendBytes(this.#bytes, this.#start, this.#end);
    out.appendByte(CLOSE);
  }
}

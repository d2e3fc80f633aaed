import { EncodedMap } from '../../../event/encodedMap.ts';
import { parseEncodedJson } from '../../../event/json.ts';
import type { ValueMap } from '../../../event/value.ts';
import { TextBuffer } from '../../../util/textBuffer.ts';

const IP = Buffer.from('{"ip":');

/** The result for one address: in front the address itself where it is wanted, then what all of its network have in common. */
export class GeoResult extends EncodedMap {
  readonly #ip: Buffer | undefined;
  readonly #ipStart: number;
  readonly #ipEnd: number;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;

  /**
   * @param ip has from `ipStart` up to `ipEnd` the address in quotes
   * @param bytes have from `start` up to `end` the JSON of the other fields and the closing brace; in front of them stands a
   * comma, or the opening brace when there is no `ip`
   */
  constructor(ip: Buffer | undefined, ipStart: number, ipEnd: number, bytes: Buffer, start: number, end: number) {
    super();
    this.#ip = ip;
    this.#ipStart = ipStart;
    this.#ipEnd = ipEnd;
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
    if (this.#ip !== undefined) {
      out.appendBytes(IP, 0, IP.length);
      out.appendBytes(this.#ip, this.#ipStart, this.#ipEnd);
    }
    out.appendBytes(this.#bytes, this.#start, this.#end);
  }
}

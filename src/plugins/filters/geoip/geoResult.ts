import { EncodedMap } from '../../../event/encodedMap.ts';
import { encodeJson } from '../../../event/json.ts';
import type { ValueMap } from '../../../event/value.ts';
import type { TextBuffer } from '../../../util/textBuffer.ts';
import type { Coordinates } from './result.ts';

const IP_START = '{"ip":"';

/** What all addresses of one network have in common; `ip` comes first, and is empty, where it is wanted. */
export class NetworkResult {
  readonly #fields: ValueMap;
  readonly #wantsIp: boolean;
  /** The JSON text; where `ip` is wanted, what stands behind it. */
  readonly #json: Buffer;

  constructor(fields: ValueMap, wantsIp: boolean) {
    this.#fields = fields;
    this.#wantsIp = wantsIp;
    const json = encodeJson(fields);
    this.#json = Buffer.from(wantsIp ? json.slice(IP_START.length) : json);
  }

  /** `Object.assign` keeps its pace where spreading slows down: with the many sets of keys that records have. */
  toMap(ip: string): ValueMap {
    const copy: ValueMap = Object.assign({}, this.#fields);
    if (this.#wantsIp) copy['ip'] = ip;
    const location = this.#fields['location'] as Coordinates | undefined;
    if (location !== undefined) copy['location'] = { lat: location.lat, lon: location.lon };
    return copy;
  }

  write(ip: string, out: TextBuffer): void {
    if (this.#wantsIp) {
      out.appendAscii(IP_START);
      out.appendAscii(ip);
    }
    out.appendBytes(this.#json, 0, this.#json.length);
  }
}

/** That of one address, which is a number in text form: nothing in it needs an escape. */
export class GeoResult extends EncodedMap {
  readonly #network: NetworkResult;
  readonly #ip: string;

  constructor(network: NetworkResult, ip: string) {
    super();
    this.#network = network;
    this.#ip = ip;
  }

  override toMap(): ValueMap {
    return this.#network.toMap(this.#ip);
  }

  override write(out: TextBuffer): void {
    this.#network.write(this.#ip, out);
  }
}

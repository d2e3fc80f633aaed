import type { Address } from './address.ts';
import type { Database } from './database.ts';
import type { GeoKey } from './databaseKinds.ts';
import { GeoResult } from './geoResult.ts';
import { Description } from './result.ts';
import { ResultText } from './resultText.ts';
import { TextCache } from './textCache.ts';

/** Why there is no result: no record worth having, or bytes that make no sense. */
type Miss = 'not_found' | 'damaged';

const OPEN = 0x7b;
const CLOSE = Buffer.from('}');

/** Answers one filter's questions from a database. Results are kept by record, which many addresses share. */
export class Lookup {
  readonly #database: Database;
  readonly #description: Description;
  readonly #wantsIp: boolean;
  readonly #texts: TextCache;
  readonly #text = new ResultText();

  constructor(database: Database, keys: readonly GeoKey[], cacheSize: number) {
    this.#database = database;
    this.#description = new Description(database.kind, keys);
    this.#wantsIp = keys.includes('ip');
    this.#texts = new TextCache(cacheSize);
  }

  /** The fields to set; else why there are none. */
  find(address: Address): GeoResult | Miss {
    const ip = Buffer.from(`"${address.text}"`);
    return this.#result(this.#database.tree.find(address), ip, 0, ip.length);
  }

  /** The same of an IPv4 address whose text stands in quotes at `start` to `end` of the bytes, which do not change any more. */
  findIpv4(ipv4: number, bytes: Buffer, start: number, end: number): GeoResult | Miss {
    return this.#result(this.#database.tree.findIpv4(ipv4), bytes, start, end);
  }

  #result(offset: number, ip: Buffer, ipStart: number, ipEnd: number): GeoResult | Miss {
    if (offset < 0) return 'not_found';
    const texts = this.#texts;
    const isDamaged = !texts.find(offset) && !this.#prepare(offset);
    if (isDamaged) return 'damaged';
    if (texts.start === texts.end) return 'not_found';
    return new GeoResult(this.#wantsIp ? ip : undefined, ipStart, ipEnd, texts.bytes, texts.start, texts.end);
  }

  /** Puts the text into the cache, an empty one when there is none. False for a record that makes no sense. */
  #prepare(offset: number): boolean {
    const text = this.#text;
    text.clear();
    try {
      this.#write(offset, text);
    } catch {
      return false;
    }
    this.#texts.set(offset, text.bytes, 0, text.length);
    return true;
  }

  #write(offset: number, text: ResultText): void {
    const hasFields = this.#description.write(this.#database.reader, offset, text);
    if (!hasFields || (text.length === 0 && !this.#wantsIp)) return;
    text.append(CLOSE);
    if (!this.#wantsIp) text.bytes[0] = OPEN;
  }
}

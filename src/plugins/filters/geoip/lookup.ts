import type { Address } from './address.ts';
import type { Database } from './database.ts';
import type { GeoKey } from './databaseKinds.ts';
import { GeoResult } from './geoResult.ts';
import { Wanted } from './recordDecoder.ts';
import { compileDescription, type Describe, wantedPaths } from './result.ts';
import { TextCache } from './textCache.ts';

/** Why there is no result: no record worth having, or bytes that make no sense. */
type Miss = 'nothing' | 'damaged';

/** Answers one filter's questions from a database. Results are kept by record, which many addresses share. */
export class Lookup {
  readonly #database: Database;
  readonly #wanted: Wanted;
  readonly #describe: Describe;
  readonly #wantsIp: boolean;
  readonly #texts: TextCache;

  constructor(database: Database, keys: readonly GeoKey[], cacheSize: number) {
    this.#database = database;
    this.#wanted = Wanted.of(wantedPaths(database.kind, keys));
    this.#describe = compileDescription(database.kind, keys);
    this.#wantsIp = keys.includes('ip');
    this.#texts = new TextCache(cacheSize);
  }

  /** The fields to set; else why there are none. */
  find(address: Address): GeoResult | Miss {
    const offset = this.#database.tree.find(address);
    if (offset < 0) return 'nothing';
    const texts = this.#texts;
    const miss = texts.find(offset) ? undefined : this.#prepare(offset);
    return miss ?? new GeoResult(this.#wantsIp ? address.text : undefined, texts.bytes, texts.start, texts.end);
  }

  /** Puts the text into the cache, if there is one. */
  #prepare(offset: number): Miss | undefined {
    let text: string | undefined;
    try {
      text = this.#describe(this.#database.decoder.decode(offset, this.#wanted));
    } catch {
      return 'damaged';
    }
    if (text === undefined || (text === '' && !this.#wantsIp)) return 'nothing';
    this.#texts.set(offset, text);
    return undefined;
  }
}

import type { Address } from './address.ts';
import type { Database } from './database.ts';
import type { GeoKey } from './databaseKinds.ts';
import { GeoResult } from './geoResult.ts';
import { Description } from './result.ts';
import { ResultText } from './resultText.ts';
import { TextCache } from './textCache.ts';

/** Why there is no result: no record worth having, or bytes that make no sense. */
type Miss = 'nothing' | 'damaged';

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
    const offset = this.#database.tree.find(address);
    if (offset < 0) return 'nothing';
    const texts = this.#texts;
    const miss = texts.find(offset) ? undefined : this.#prepare(offset);
    return miss ?? new GeoResult(this.#wantsIp ? address.text : undefined, texts.bytes, texts.start, texts.end);
  }

  /** Puts the text into the cache, if there is one. */
  #prepare(offset: number): Miss | undefined {
    const text = this.#text;
    text.clear();
    try {
      if (!this.#description.write(this.#database.reader, offset, text)) return 'nothing';
    } catch {
      return 'damaged';
    }
    if (text.length === 0 && !this.#wantsIp) return 'nothing';
    // The first field has a comma in front, too.
    this.#texts.set(offset, text.bytes, Math.min(1, text.length), text.length);
    return undefined;
  }
}

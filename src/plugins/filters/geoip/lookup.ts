import type { Address } from './address.ts';
import type { Database } from './database.ts';
import type { GeoKey } from './databaseKinds.ts';
import { GeoResult, NetworkResult } from './geoResult.ts';
import { OffsetCache } from './offsetCache.ts';
import { Wanted } from './recordDecoder.ts';
import { compileShape, type Shape, wantedPaths } from './result.ts';

/** What a record gives: its fields, none worth having, or bytes that make no sense. */
type Prepared = NetworkResult | 'nothing' | 'damaged';

/** Answers one filter's questions from a database. Results are kept by record, which many addresses share. */
export class Lookup {
  readonly #database: Database;
  readonly #wanted: Wanted;
  readonly #shape: Shape;
  readonly #wantsIp: boolean;
  readonly #prepared: OffsetCache<Prepared>;

  constructor(database: Database, keys: readonly GeoKey[], cacheSize: number) {
    this.#database = database;
    this.#wanted = Wanted.of(wantedPaths(database.kind, keys));
    this.#shape = compileShape(database.kind, keys);
    this.#wantsIp = keys.includes('ip');
    this.#prepared = new OffsetCache(cacheSize);
  }

  /** The fields to set; else why there are none. */
  find(address: Address): GeoResult | 'nothing' | 'damaged' {
    const offset = this.#database.tree.find(address);
    if (offset < 0) return 'nothing';
    let prepared = this.#prepared.get(offset);
    if (prepared === undefined) {
      prepared = this.#prepare(offset);
      this.#prepared.set(offset, prepared);
    }
    return typeof prepared === 'string' ? prepared : new GeoResult(prepared, address.text);
  }

  #prepare(offset: number): Prepared {
    try {
      const fields = this.#shape(this.#database.decoder.decode(offset, this.#wanted));
      return fields === undefined ? 'nothing' : new NetworkResult(fields, this.#wantsIp);
    } catch {
      return 'damaged';
    }
  }
}

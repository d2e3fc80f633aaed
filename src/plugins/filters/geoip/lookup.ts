import type { ValueMap } from '../../../event/value.ts';
import type { Address } from './address.ts';
import type { Database } from './database.ts';
import type { GeoKey } from './databaseKinds.ts';
import { OffsetCache } from './offsetCache.ts';
import { Wanted } from './recordDecoder.ts';
import { type Coordinates, compileShape, type Shape, wantedPaths } from './result.ts';

/** What a record gives: its fields, none worth having, or bytes that make no sense. */
type Prepared = ValueMap | 'nothing' | 'damaged';

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

  /** The fields to set, the caller's to change; else why there are none. */
  find(address: Address): Prepared {
    const offset = this.#database.tree.find(address);
    if (offset < 0) return 'nothing';
    let prepared = this.#prepared.get(offset);
    if (prepared === undefined) {
      prepared = this.#prepare(offset);
      this.#prepared.set(offset, prepared);
    }
    return typeof prepared === 'string' ? prepared : this.#copy(prepared, address);
  }

  /** `Object.assign` keeps its pace where spreading slows down: with the many sets of keys that records have. */
  #copy(prepared: ValueMap, address: Address): ValueMap {
    const copy: ValueMap = Object.assign({}, prepared);
    if (this.#wantsIp) copy['ip'] = address.text;
    const location = prepared['location'] as Coordinates | undefined;
    if (location !== undefined) copy['location'] = { lat: location.lat, lon: location.lon };
    return copy;
  }

  #prepare(offset: number): Prepared {
    try {
      return this.#shape(this.#database.decoder.decode(offset, this.#wanted)) ?? 'nothing';
    } catch {
      return 'damaged';
    }
  }
}

import type { ValueMap } from '../../../event/value.ts';
import type { Address } from './address.ts';
import type { Database } from './database.ts';
import type { GeoKey } from './databaseKinds.ts';
import { RecentMap } from './recentMap.ts';
import { Wanted } from './recordDecoder.ts';
import { compileShape, type Shape, wantedPaths } from './result.ts';

/** What a record gives: its fields, none worth having, or bytes that make no sense. */
type Prepared = ValueMap | 'nothing' | 'damaged';

/** Answers one filter's questions from a database. Results are kept by record, which many addresses share. */
export class Lookup {
  readonly #database: Database;
  readonly #wanted: Wanted;
  readonly #shape: Shape;
  readonly #wantsIp: boolean;
  readonly #prepared: RecentMap<number, Prepared>;

  constructor(database: Database, keys: readonly GeoKey[], cacheSize: number) {
    this.#database = database;
    this.#wanted = Wanted.of(wantedPaths(database.kind, keys));
    this.#shape = compileShape(database.kind, keys);
    this.#wantsIp = keys.includes('ip');
    this.#prepared = new RecentMap(cacheSize);
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

  #copy(prepared: ValueMap, address: Address): ValueMap {
    const copy = { ...prepared };
    if (this.#wantsIp) copy['ip'] = address.text;
    const { location } = prepared;
    if (location !== undefined) copy['location'] = { ...(location as ValueMap) };
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

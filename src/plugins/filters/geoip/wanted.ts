import { OffsetCache, PlaceCache } from './offsetCache.ts';

/** A map has some ten keys. */
const KEYS_SIZE = 64;
/** Countries and regions fit in; cities take turns. */
const MEMO_SIZE = 4096;
/** Stands in a path for the last element of a list. */
export const LAST_ELEMENT = '[]';

/** Which part of a record is wanted: some of a map's values, a list's last element, or a plain value when it has no parts. */
export class Wanted {
  readonly key: string;
  readonly parts = new Map<string, Wanted>();
  /** What a key of the file, by its place, asks for. */
  readonly partAt = new OffsetCache<Wanted | 'skip'>(KEYS_SIZE);
  /** Plain values of this part are those numbered from `first` up to `end`. */
  first = 0;
  end = 0;
  #memo: PlaceCache | undefined;

  private constructor(key: string) {
    this.key = key;
  }

  /** @param paths such as `country.names.en` and `subdivisions.[].iso_code` */
  static of(paths: readonly string[]): Wanted {
    const root = new Wanted('');
    for (const path of paths) root.#add(path.split('.'));
    root.#numberFrom(0);
    return root;
  }

  /** A list has this part only. */
  get element(): Wanted | undefined {
    return this.parts.get(LAST_ELEMENT);
  }

  /** Where plain values stand, by place of this part in the file: a country is looked through once for all its networks. */
  get memo(): PlaceCache {
    this.#memo ??= new PlaceCache(MEMO_SIZE, this.end - this.first);
    return this.#memo;
  }

  /** The number of the plain value at a path. */
  numberOf(path: string): number {
    let part: Wanted | undefined = this;
    for (const key of path.split('.')) part = part?.parts.get(key);
    if (part === undefined) throw new Error(`${path} is not wanted`);
    return part.first;
  }

  #add(path: readonly string[]): void {
    const [key, ...rest] = path;
    if (key === undefined) return;
    const part = this.parts.get(key) ?? new Wanted(key);
    this.parts.set(key, part);
    part.#add(rest);
  }

  #numberFrom(first: number): void {
    this.first = first;
    this.end = this.parts.size === 0 ? first + 1 : first;
    for (const part of this.parts.values()) {
      part.#numberFrom(this.end);
      this.end = part.end;
    }
  }
}

/**
 * Decodes the wanted parts of records in the data section of a MaxMind DB file and skips the rest, above all the names in
 * languages that nobody asked for. `maxmind` decodes all of a record, which takes ten times as long.
 */

import { OffsetCache } from './offsetCache.ts';

/** Thrown where the bytes are no valid data section. */
export class DamagedRecord extends Error {
  override name = 'DamagedRecord';
}

/** Countries and regions fit in; cities and postal codes take turns. */
const MEMO_SIZE = 4096;
/** A map has some ten keys. */
const KEYS_SIZE = 64;

/** Which part of a record is wanted: a map's keys, or a plain value when it has none. A list takes it for its elements. */
export class Wanted {
  readonly key: string;
  readonly parts = new Map<string, Wanted>();
  /** What a key of the file, by its place, asks for. */
  readonly partAt = new OffsetCache<Wanted | 'skip'>(KEYS_SIZE);
  /** Decoded before, by place in the file: a country is decoded once for all its networks. */
  readonly memo = new OffsetCache<unknown>(MEMO_SIZE);

  constructor(key: string) {
    this.key = key;
  }

  /** @param paths such as `country.names.en` */
  static of(paths: readonly string[]): Wanted {
    const root = new Wanted('');
    for (const path of paths) {
      let node = root;
      for (const key of path.split('.')) {
        const next = node.parts.get(key) ?? new Wanted(key);
        node.parts.set(key, next);
        node = next;
      }
    }
    return root;
  }
}

const POINTER = 1;
const STRING = 2;
const DOUBLE = 3;
const UINT16 = 5;
const UINT32 = 6;
const MAP = 7;
const ARRAY = 11;
const BOOLEAN = 14;
const FLOAT = 15;

export class RecordDecoder {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;
  #position = 0;
  /** Of the value whose control byte was read last; of a pointer, where it leads. */
  #size = 0;

  /** The data section is at `start` to `end` of the file. */
  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  /**
   * The value at an offset of the file; what is not wanted is left out.
   * @throws DamagedRecord, or a RangeError from the buffer or the stack
   */
  decode(offset: number, wanted: Wanted): unknown {
    this.#position = offset;
    return this.#value(wanted, this.#control(), true);
  }

  #next(wanted: Wanted, isLast: boolean): unknown {
    const type = this.#control();
    if (type !== POINTER) return this.#value(wanted, type, isLast);
    const target = this.#size;
    const { memo } = wanted;
    const known = memo.get(target);
    if (known !== undefined) return known;
    const after = this.#position;
    const value = this.decode(target, wanted);
    this.#position = after;
    memo.set(target, value);
    return value;
  }

  /** `isLast`: nothing behind this value is wanted, so that it need not be read to its end. */
  #value(wanted: Wanted, type: number, isLast: boolean): unknown {
    if (type === MAP) return this.#map(wanted, isLast);
    if (type === ARRAY) return this.#array(wanted, isLast);
    if (type === POINTER) throw new DamagedRecord(`a pointer to a pointer at ${this.#position}`);
    const start = this.#position;
    this.#skipBody(type);
    if (wanted.parts.size > 0) return undefined;
    if (type === STRING) return this.#bytes.toString('utf8', start, this.#position);
    if (type === DOUBLE || type === FLOAT) return this.#fraction(type, start);
    return type === UINT16 || type === UINT32 ? this.#unsigned(start) : undefined;
  }

  #fraction(type: number, start: number): number {
    const bytes = type === DOUBLE ? 8 : 4;
    if (this.#position - start !== bytes)
      throw new DamagedRecord(`a fraction of ${this.#position - start} bytes at ${start}`);
    return type === DOUBLE ? this.#bytes.readDoubleBE(start) : this.#bytes.readFloatBE(start);
  }

  #unsigned(start: number): number {
    let value = 0;
    for (let i = start; i < this.#position; i++) value = value * 256 + (this.#bytes[i] as number);
    return value;
  }

  #map(wanted: Wanted, isLast: boolean): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    let wantedLeft = wanted.parts.size;
    for (let left = this.#count(); left > 0; left--) {
      const part = this.#part(wanted);
      if (part === 'skip') this.#skip();
      else {
        wantedLeft--;
        const isEnough = isLast && wantedLeft === 0;
        map[part.key] = this.#next(part, isEnough);
        if (isEnough) break;
      }
    }
    return map;
  }

  /** Reads a key and gives what is wanted of its value. */
  #part(wanted: Wanted): Wanted | 'skip' {
    const type = this.#control();
    if (type !== POINTER) return wanted.parts.get(this.#text(type)) ?? 'skip';
    const target = this.#size;
    const known = wanted.partAt.get(target);
    if (known !== undefined) return known;
    const after = this.#position;
    this.#position = target;
    const part = wanted.parts.get(this.#text(this.#control())) ?? 'skip';
    this.#position = after;
    wanted.partAt.set(target, part);
    return part;
  }

  #text(type: number): string {
    if (type !== STRING) throw new DamagedRecord(`a key that is no text at ${this.#position}`);
    const start = this.#position;
    this.#skipBody(STRING);
    return this.#bytes.toString('utf8', start, this.#position);
  }

  #array(wanted: Wanted, isLast: boolean): unknown[] {
    const list: unknown[] = [];
    for (let left = this.#count(); left > 0; left--) list.push(this.#next(wanted, isLast && left === 1));
    return list;
  }

  #skip(): void {
    const type = this.#control();
    if (type === MAP || type === ARRAY) {
      const count = this.#count();
      for (let left = type === MAP ? count * 2 : count; left > 0; left--) this.#skip();
    } else if (type !== POINTER) this.#skipBody(type);
  }

  #skipBody(type: number): void {
    if (type !== BOOLEAN) this.#position += this.#size;
    if (this.#position > this.#end) throw new DamagedRecord(`a value that ends behind the data at ${this.#position}`);
  }

  /** Each element takes a byte at least: a larger count is damage, not work for minutes. */
  #count(): number {
    if (this.#size > this.#end - this.#position) throw new DamagedRecord(`${this.#size} elements at ${this.#position}`);
    return this.#size;
  }

  /** Reads a control byte with what belongs to it, and gives the type. */
  #control(): number {
    const control = this.#byte();
    const type = control >>> 5;
    const size = control & 31;
    if (type === POINTER) this.#pointer(control);
    else if (type !== 0 && size < 29) this.#size = size;
    else return this.#rareControl(type, size);
    return type;
  }

  #rareControl(type: number, size: number): number {
    const extended = type === 0 ? 7 + this.#byte() : type;
    if (extended > FLOAT) throw new DamagedRecord(`a value of unknown type ${extended} at ${this.#position}`);
    if (size < 29) this.#size = size;
    else if (size === 29) this.#size = 29 + this.#byte();
    else if (size === 30) this.#size = 285 + this.#integer(2);
    else this.#size = 65_821 + this.#integer(3);
    return extended;
  }

  #pointer(control: number): void {
    const high = control & 7;
    const extra = (control >>> 3) & 3;
    let value: number;
    if (extra === 0) value = high * 2 ** 8 + this.#byte();
    else if (extra === 1) value = 2048 + high * 2 ** 16 + this.#integer(2);
    else if (extra === 2) value = 526_336 + high * 2 ** 24 + this.#integer(3);
    else value = this.#integer(4);
    this.#size = this.#start + value;
  }

  #integer(bytes: number): number {
    let value = 0;
    for (let i = 0; i < bytes; i++) value = value * 256 + this.#byte();
    return value;
  }

  #byte(): number {
    if (this.#position >= this.#end) throw new DamagedRecord(`a value behind the data at ${this.#position}`);
    return this.#bytes[this.#position++] as number;
  }
}

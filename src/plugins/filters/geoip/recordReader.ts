/**
 * Finds the wanted values of records in the data section of a MaxMind DB file without making objects of them, and skips the
 * rest, above all the names in languages that nobody asked for. `maxmind` decodes all of a record, which takes many times as
 * long.
 */
import type { Wanted } from './wanted.ts';

/** Thrown where the bytes are no valid data section. */
export class DamagedRecord extends Error {
  override name = 'DamagedRecord';
}

/** The place of a value that a record lacks. */
export const NOWHERE = -1;

const POINTER = 1;
const STRING = 2;
const DOUBLE = 3;
const UINT16 = 5;
const UINT32 = 6;
const MAP = 7;
const ARRAY = 11;
const BOOLEAN = 14;
const FLOAT = 15;

export class RecordReader {
  readonly bytes: Buffer;
  /** Where the text stands that was read last. */
  textStart = 0;
  textEnd = 0;
  readonly #start: number;
  readonly #end: number;
  #places: Int32Array = new Int32Array(0);
  #position = 0;
  /** Of the value whose control byte was read last; of a pointer, where it leads. */
  #size = 0;

  /** The data section is at `start` to `end` of the file. */
  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  /**
   * Writes to `places` where the wanted plain values of the record at an offset of the file stand, each under its number.
   * @throws DamagedRecord, or a RangeError from the buffer or the stack
   */
  locate(offset: number, wanted: Wanted, places: Int32Array): void {
    this.#places = places;
    const type = this.#controlAt(offset);
    if (type !== MAP) throw new DamagedRecord(`a record that is no map at ${offset}`);
    this.#inside(wanted, type, true);
  }

  /** Whether a text stands there. @throws DamagedRecord */
  readText(place: number): boolean {
    if (place === NOWHERE || this.#controlAt(place) !== STRING) return false;
    this.textStart = this.#position;
    this.#skipBody(STRING);
    this.textEnd = this.#position;
    return true;
  }

  /** The number that stands there, if one does. @throws DamagedRecord, or a RangeError from the buffer */
  readNumber(place: number): number | undefined {
    if (place === NOWHERE) return undefined;
    const type = this.#controlAt(place);
    const start = this.#position;
    if (type === DOUBLE || type === FLOAT) return this.#fraction(type, start);
    if (type !== UINT16 && type !== UINT32) return undefined;
    this.#skipBody(type);
    return this.#unsigned(start);
  }

  #controlAt(place: number): number {
    this.#position = place;
    const type = this.#control();
    if (type === POINTER) throw new DamagedRecord(`a pointer to a pointer at ${place}`);
    return type;
  }

  #fraction(type: number, start: number): number {
    this.#skipBody(type);
    const bytes = type === DOUBLE ? 8 : 4;
    if (this.#size !== bytes) throw new DamagedRecord(`a fraction of ${this.#size} bytes at ${start}`);
    return type === DOUBLE ? this.bytes.readDoubleBE(start) : this.bytes.readFloatBE(start);
  }

  #unsigned(start: number): number {
    let value = 0;
    for (let i = start; i < this.#position; i++) value = value * 256 + (this.bytes[i] as number);
    return value;
  }

  /** What is wanted of the next value. `isLast`: nothing behind it is, so that it need not be read to its end. */
  #next(wanted: Wanted, isLast: boolean): void {
    const place = this.#position;
    const type = this.#control();
    if (type === POINTER) this.#follow(wanted);
    else if (wanted.parts.size > 0) this.#inside(wanted, type, isLast);
    else {
      this.#places[wanted.first] = place;
      if (!isLast) this.#skipValue(type);
    }
  }

  #follow(wanted: Wanted): void {
    const target = this.#size;
    const places = this.#places;
    if (wanted.parts.size === 0) {
      if (target >= this.#end) throw new DamagedRecord(`a pointer behind the data at ${this.#position}`);
      places[wanted.first] = target;
      return;
    }
    const { memo } = wanted;
    if (memo.copyTo(target, places, wanted.first)) return;
    const after = this.#position;
    this.#inside(wanted, this.#controlAt(target), true);
    this.#position = after;
    memo.set(target, places, wanted.first);
  }

  #inside(wanted: Wanted, type: number, isLast: boolean): void {
    const { element } = wanted;
    for (let number = wanted.first; number < wanted.end; number++) this.#places[number] = NOWHERE;
    if (type === MAP && element === undefined) this.#map(wanted, isLast);
    else if (type === ARRAY && element !== undefined) this.#list(element, isLast);
    else this.#skipValue(type);
  }

  #map(wanted: Wanted, isLast: boolean): void {
    let wantedLeft = wanted.parts.size;
    for (let left = this.#count(); left > 0; left--) {
      const part = this.#part(wanted);
      if (part === 'skip') this.#skip();
      else {
        wantedLeft--;
        const isEnough = isLast && wantedLeft === 0;
        this.#next(part, isEnough);
        if (isEnough) break;
      }
    }
  }

  #list(element: Wanted, isLast: boolean): void {
    const count = this.#count();
    for (let left = count; left > 1; left--) this.#skip();
    if (count > 0) this.#next(element, isLast);
  }

  /** Reads a key and gives what is wanted of its value. */
  #part(wanted: Wanted): Wanted | 'skip' {
    const type = this.#control();
    if (type !== POINTER) return wanted.parts.get(this.#key(type)) ?? 'skip';
    const target = this.#size;
    const known = wanted.partAt.get(target);
    if (known !== undefined) return known;
    const after = this.#position;
    const part = wanted.parts.get(this.#key(this.#controlAt(target))) ?? 'skip';
    this.#position = after;
    wanted.partAt.set(target, part);
    return part;
  }

  #key(type: number): string {
    if (type !== STRING) throw new DamagedRecord(`a key that is no text at ${this.#position}`);
    const start = this.#position;
    this.#skipBody(STRING);
    return this.bytes.toString('utf8', start, this.#position);
  }

  #skip(): void {
    this.#skipValue(this.#control());
  }

  /** What belongs to a control byte that was read. */
  #skipValue(type: number): void {
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
    return this.bytes[this.#position++] as number;
  }
}

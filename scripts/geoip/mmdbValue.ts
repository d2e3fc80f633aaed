/** Values of a MaxMind DB data section, and their encoding. */

/** A number with its type in the file; plain JavaScript numbers do not say theirs. */
export class TypedNumber {
  readonly type: 'uint16' | 'uint32' | 'double';
  readonly value: number;

  constructor(type: TypedNumber['type'], value: number) {
    this.type = type;
    this.value = value;
  }
}

export const uint16 = (value: number) => new TypedNumber('uint16', value);
export const uint32 = (value: number) => new TypedNumber('uint32', value);
export const double = (value: number) => new TypedNumber('double', value);

export type MmdbValue = string | boolean | bigint | TypedNumber | readonly MmdbValue[] | MmdbMap;

export interface MmdbMap {
  readonly [key: string]: MmdbValue;
}

/** The types that the format numbers 1 to 7 fit the control byte; larger ones follow it less 7. */
const TYPE = { pointer: 1, string: 2, double: 3, uint16: 5, uint32: 6, map: 7, uint64: 9, array: 11, boolean: 14 };

/**
 * Appends values to a growing buffer. A text, and a map or list that is the same object, is written once and pointed to
 * from then on: real databases shrink tenfold by it.
 */
export class DataSection {
  #bytes = Buffer.alloc(1 << 16);
  #length = 0;
  readonly #offsets = new Map<string | object, number>();

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Gives the offset of a value that is not a pointer itself, as the search tree needs it. */
  add(value: MmdbMap): number {
    const known = this.#offsets.get(value);
    if (known !== undefined) return known;
    const offset = this.#length;
    this.#offsets.set(value, offset);
    this.#writeBody(value);
    return offset;
  }

  #write(value: MmdbValue): void {
    const known = isShared(value) ? this.#offsets.get(value) : undefined;
    if (known !== undefined) {
      for (const byte of pointerBytes(known)) this.#writeByte(byte);
      return;
    }
    if (isShared(value)) this.#offsets.set(value, this.#length);
    this.#writeBody(value);
  }

  #writeBody(value: MmdbValue): void {
    if (typeof value === 'string') {
      const bytes = Buffer.from(value, 'utf8');
      this.#writeControl(TYPE.string, bytes.length);
      this.#reserve(bytes.length);
      bytes.copy(this.#bytes, this.#length);
      this.#length += bytes.length;
    } else if (typeof value === 'boolean') this.#writeControl(TYPE.boolean, value ? 1 : 0);
    else if (typeof value === 'bigint') this.#writeUnsigned(TYPE.uint64, value);
    else if (value instanceof TypedNumber) this.#writeNumber(value);
    else if (isList(value)) {
      this.#writeControl(TYPE.array, value.length);
      for (const element of value) this.#write(element);
    } else {
      const keys = Object.keys(value);
      this.#writeControl(TYPE.map, keys.length);
      for (const key of keys) {
        this.#write(key);
        this.#write(value[key] as MmdbValue);
      }
    }
  }

  #writeNumber({ type, value }: TypedNumber): void {
    if (type !== 'double') {
      this.#writeUnsigned(TYPE[type], BigInt(value));
      return;
    }
    this.#writeControl(TYPE.double, 8);
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleBE(value, this.#length);
  }

  /** As few bytes as the number needs, none for zero. */
  #writeUnsigned(type: number, value: bigint): void {
    const hex = value === 0n ? '' : value.toString(16);
    const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
    this.#writeControl(type, bytes.length);
    for (const byte of bytes) this.#writeByte(byte);
  }

  #writeControl(type: number, size: number): void {
    const extended = type > 7;
    const [code, more] = sizeCode(size);
    this.#writeByte(((extended ? 0 : type) << 5) | code);
    if (extended) this.#writeByte(type - 7);
    for (const byte of more) this.#writeByte(byte);
  }

  #writeByte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(this.#bytes.length * 2, this.#length + size));
    this.#bytes.copy(larger);
    this.#bytes = larger;
  }
}

/** A pointer takes two bytes at least, so that pointing to a short text saves nothing. */
function isShared(value: MmdbValue): value is string | readonly MmdbValue[] | MmdbMap {
  return typeof value === 'string' ? value.length > 1 : typeof value === 'object' && !(value instanceof TypedNumber);
}

function isList(value: MmdbValue): value is readonly MmdbValue[] {
  return Array.isArray(value);
}

function sizeCode(size: number): [code: number, more: number[]] {
  if (size < 29) return [size, []];
  if (size < 285) return [29, [size - 29]];
  if (size < 65_821) return [30, bigEndian(size - 285, 2)];
  return [31, bigEndian(size - 65_821, 3)];
}

function pointerBytes(offset: number): number[] {
  const control = TYPE.pointer << 5;
  if (offset < 2048) return [control | (offset >> 8), offset & 0xff];
  if (offset < 526_336) {
    const rest = offset - 2048;
    return [control | (1 << 3) | (rest >> 16), ...bigEndian(rest & 0xffff, 2)];
  }
  if (offset < 134_744_064) {
    const rest = offset - 526_336;
    return [control | (2 << 3) | (rest >> 24), ...bigEndian(rest & 0xffffff, 3)];
  }
  return [control | (3 << 3), ...bigEndian(offset, 4)];
}

function bigEndian(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => (value >>> (8 * (bytes - 1 - i))) & 0xff);
}

/**
 * Bounded caches by place in the file. Each place has one slot and takes it from whatever was there: no lists to keep in
 * order, no growing, and next to no cost where look-ups never repeat.
 */
export class OffsetCache<V> {
  readonly #slots: Slots;
  readonly #values: (V | undefined)[];

  /** @param size rounded up to a power of two, two at least */
  constructor(size: number) {
    this.#slots = new Slots(size);
    this.#values = new Array<V | undefined>(this.#slots.count).fill(undefined);
  }

  get(offset: number): V | undefined {
    const slot = this.#slots.find(offset);
    return slot < 0 ? undefined : this.#values[slot];
  }

  set(offset: number, value: V): void {
    this.#values[this.#slots.take(offset)] = value;
  }
}

/** As many numbers for each place as were told, in one array. */
export class PlaceCache {
  readonly #slots: Slots;
  readonly #width: number;
  readonly #values: Int32Array;

  constructor(size: number, width: number) {
    this.#slots = new Slots(size);
    this.#width = width;
    this.#values = new Int32Array(this.#slots.count * width);
  }

  /** Copies the numbers into `out`, the first one to `at`; false when they are not known. */
  copyTo(offset: number, out: Int32Array, at: number): boolean {
    const slot = this.#slots.find(offset);
    if (slot < 0) return false;
    const width = this.#width;
    for (let i = 0; i < width; i++) out[at + i] = this.#values[slot * width + i] as number;
    return true;
  }

  set(offset: number, from: Int32Array, at: number): void {
    const slot = this.#slots.take(offset);
    const width = this.#width;
    for (let i = 0; i < width; i++) this.#values[slot * width + i] = from[at + i] as number;
  }
}

/** More slots than any database has records. */
const SIZE_MAX = 2 ** 24;

class Slots {
  readonly count: number;
  readonly #shift: number;
  /** 0 where the slot is free: no value stands at the front of a file. Offsets beyond 32 bits are never found. */
  readonly #offsets: Uint32Array;

  constructor(size: number) {
    const bits = Math.ceil(Math.log2(Math.min(Math.max(size, 2), SIZE_MAX)));
    this.count = 2 ** bits;
    this.#shift = 32 - bits;
    this.#offsets = new Uint32Array(this.count);
  }

  /** -1 when it has none. */
  find(offset: number): number {
    const slot = this.#slot(offset);
    return this.#offsets[slot] === offset ? slot : -1;
  }

  take(offset: number): number {
    const slot = this.#slot(offset);
    this.#offsets[slot] = offset;
    return slot;
  }

  /** Multiplying by the golden ratio spreads neighbours evenly. */
  #slot(offset: number): number {
    return Math.imul(offset, 0x9e3779b1) >>> this.#shift;
  }
}

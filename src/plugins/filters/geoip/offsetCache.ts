/**
 * A bounded cache by place in the file. Each place has one slot and takes it from whatever was there: no lists to keep in
 * order, no growing, and next to no cost where look-ups never repeat.
 */
export class OffsetCache<V> {
  readonly #shift: number;
  /** 0 where the slot is free: no value stands at the front of a file. Offsets beyond 32 bits are never found. */
  readonly #offsets: Uint32Array;
  readonly #values: (V | undefined)[];

  /** @param size rounded up to a power of two, two at least */
  constructor(size: number) {
    const bits = Math.ceil(Math.log2(Math.min(Math.max(size, 2), SIZE_MAX)));
    this.#shift = 32 - bits;
    this.#offsets = new Uint32Array(2 ** bits);
    this.#values = new Array<V | undefined>(2 ** bits).fill(undefined);
  }

  get(offset: number): V | undefined {
    const slot = this.#slot(offset);
    return this.#offsets[slot] === offset ? this.#values[slot] : undefined;
  }

  set(offset: number, value: V): void {
    const slot = this.#slot(offset);
    this.#offsets[slot] = offset;
    this.#values[slot] = value;
  }

  /** Multiplying by the golden ratio spreads neighbours evenly. */
  #slot(offset: number): number {
    return Math.imul(offset, 0x9e3779b1) >>> this.#shift;
  }
}

/** More slots than any database has records. */
const SIZE_MAX = 2 ** 24;

/**
 * A bounded cache of texts by place in the file, which the garbage collector hardly sees: the texts stand one behind the
 * other in a few large segments, and the oldest segment gives way to the newest. Whoever was given a text may keep it.
 */
const SEGMENT_BYTES = 128 * 1024;
/** What a result takes, more or less. */
const TEXT_BYTES = 384;
/** More than any database has records. */
const TEXTS_MAX = 2 ** 23;
const NO_BYTES = Buffer.alloc(0);

/** Numbers of a slot: whose text it is, and where that stands. Beside each other, since memory is slower than all else here. */
const SLOT = 4;
const OFFSET = 0;
/** One that has given way is no longer among the last segments. */
const SEGMENT = 1;
const START = 2;
const END = 3;
/** How many slots a text may stand in, from that on which its place in the file leads to. */
const PROBES = 8;

export class TextCache {
  /** Where the text stands that was found or set last. */
  bytes: Buffer = NO_BYTES;
  start = 0;
  end = 0;
  readonly #shift: number;
  readonly #slots: Uint32Array;
  readonly #segments: Buffer[];
  #segment = 0;
  #used = 0;

  /** @param size of texts, more or less */
  constructor(size: number) {
    const texts = Math.min(Math.max(size, 1), TEXTS_MAX);
    const bits = Math.ceil(Math.log2(Math.max(texts * 2, PROBES)));
    this.#shift = 32 - bits;
    this.#slots = new Uint32Array(SLOT * 2 ** bits);
    this.#segments = new Array<Buffer>(Math.max(2, Math.ceil((texts * TEXT_BYTES) / SEGMENT_BYTES)));
  }

  find(offset: number): boolean {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#slotOf(offset);
    for (let probe = 1; slots[slot] !== offset; probe++) {
      if (probe === PROBES || slots[slot] === 0) return false;
      slot = (slot + SLOT) & mask;
    }
    const number = slots[slot + SEGMENT] as number;
    if (this.#segment - number >= this.#segments.length) return false;
    this.bytes = this.#segments[number % this.#segments.length] as Buffer;
    this.start = slots[slot + START] as number;
    this.end = slots[slot + END] as number;
    return true;
  }

  /** The text is what stands at `from` to `to` of `source`. */
  set(offset: number, source: Buffer, from: number, to: number): void {
    const bytes = this.#room(to - from);
    const start = this.#used;
    const end = start + source.copy(bytes, start, from, to);
    this.#used = end;
    this.#fill(this.#slotToTake(offset), offset, start, end);
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  #fill(slot: number, offset: number, start: number, end: number): void {
    const slots = this.#slots;
    slots[slot + OFFSET] = offset;
    slots[slot + SEGMENT] = this.#segment;
    slots[slot + START] = start;
    slots[slot + END] = end;
  }

  /** The one that it had or that is free, else the one that was filled first. */
  #slotToTake(offset: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#slotOf(offset);
    let oldest = slot;
    for (let probe = 0; probe < PROBES; probe++) {
      if (slots[slot] === offset || slots[slot] === 0) return slot;
      if (this.#age(slot) < this.#age(oldest)) oldest = slot;
      slot = (slot + SLOT) & mask;
    }
    return oldest;
  }

  #age(slot: number): number {
    return (this.#slots[slot + SEGMENT] as number) * 2 ** 32 + (this.#slots[slot + END] as number);
  }

  #room(length: number): Buffer {
    const index = this.#segment % this.#segments.length;
    const segment = this.#segments[index];
    if (segment !== undefined && this.#used + length <= segment.length) return segment;
    if (segment !== undefined) this.#segment += 1;
    this.#used = 0;
    const next = Buffer.allocUnsafeSlow(Math.max(SEGMENT_BYTES, length));
    this.#segments[this.#segment % this.#segments.length] = next;
    return next;
  }

  /** Multiplying by the golden ratio spreads neighbours evenly. Place 0 never holds a value: a free slot is never found. */
  #slotOf(offset: number): number {
    return (Math.imul(offset, 0x9e3779b1) >>> this.#shift) * SLOT;
  }
}

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

export class TextCache {
  /** Where the text stands that was found or set last. */
  bytes: Buffer = NO_BYTES;
  start = 0;
  end = 0;
  readonly #shift: number;
  readonly #offsets: Uint32Array;
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  /** Number of the segment; one that has given way is no longer among the last ones. */
  readonly #segmentOf: Uint32Array;
  readonly #segments: Buffer[];
  #segment = 0;
  #used = 0;

  /** @param size of texts, more or less */
  constructor(size: number) {
    const texts = Math.min(Math.max(size, 1), TEXTS_MAX);
    const bits = Math.ceil(Math.log2(texts * 2));
    this.#shift = 32 - bits;
    this.#offsets = new Uint32Array(2 ** bits);
    this.#starts = new Int32Array(2 ** bits);
    this.#ends = new Int32Array(2 ** bits);
    this.#segmentOf = new Uint32Array(2 ** bits);
    this.#segments = new Array<Buffer>(Math.max(2, Math.ceil((texts * TEXT_BYTES) / SEGMENT_BYTES)));
  }

  find(offset: number): boolean {
    let slot = this.#slot(offset);
    if (this.#offsets[slot] !== offset) {
      slot ^= 1;
      if (this.#offsets[slot] !== offset) return false;
    }
    const number = this.#segmentOf[slot] as number;
    if (this.#segment - number >= this.#segments.length) return false;
    this.bytes = this.#segments[number % this.#segments.length] as Buffer;
    this.start = this.#starts[slot] as number;
    this.end = this.#ends[slot] as number;
    return true;
  }

  set(offset: number, text: string): void {
    const bytes = this.#room(text.length * 3);
    const start = this.#used;
    const end = start + bytes.write(text, start);
    this.#used = end;
    const slot = this.#olderSlot(this.#slot(offset));
    this.#offsets[slot] = offset;
    this.#starts[slot] = start;
    this.#ends[slot] = end;
    this.#segmentOf[slot] = this.#segment;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  /** Each place has two slots to stand in, of which the one gives way that was filled earlier. */
  #olderSlot(slot: number): number {
    const [here = 0, there = 0] = [this.#segmentOf[slot], this.#segmentOf[slot ^ 1]];
    if (here !== there) return here < there ? slot : slot ^ 1;
    return (this.#ends[slot] as number) <= (this.#ends[slot ^ 1] as number) ? slot : slot ^ 1;
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
  #slot(offset: number): number {
    return Math.imul(offset, 0x9e3779b1) >>> this.#shift;
  }
}

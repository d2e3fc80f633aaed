const FIRST_BYTES = 16 * 1024;

/** Gathers text as UTF-8 in one growing buffer, which costs half of joining strings. */
export class TextBuffer {
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  readonly #firstBytes: number;
  /** What was taken last is what will be gathered next, more or less. */
  #expected: number;

  constructor(firstBytes = FIRST_BYTES) {
    this.#firstBytes = firstBytes;
    this.#expected = firstBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Gives the number of bytes that were added. */
  append(text: string): number {
    // No text needs more than three bytes a character; only near the end of the buffer it pays to count them.
    if (this.#length + text.length * 3 > this.#bytes.length) this.#grow(Buffer.byteLength(text));
    const written = this.#bytes.write(text, this.#length);
    this.#length += written;
    return written;
  }

  /** What was gathered. The next call may change these bytes. */
  peek(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What was gathered; the buffer is empty then, and does not touch these bytes again. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#expected = Math.max(this.#firstBytes, Math.ceil(this.#length * 1.125));
    this.#bytes = Buffer.alloc(0);
    this.#length = 0;
    return taken;
  }

  #grow(textBytes: number): void {
    const needed = this.#length + textBytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#expected, this.#bytes.length * 2, needed));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

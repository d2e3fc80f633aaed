const FIRST_BYTES = 16 * 1024;
/** A short text should not keep much that others could use. */
const SPARE_EXCESS = 4;
const ZERO = 0x30;
const INTEGER_DIGITS_MAX = 10;

/** How often, in any buffer, bytes may have given way to others since somebody was told where they stand. */
let overwrites = 0;

/** Bytes that were taken from buffers and that nobody needs any more, for buffers that grow. */
export class SpareBytes {
  readonly #bytesMax: number;
  readonly #spares: Buffer[] = [];
  #bytes = 0;

  /** `bytesMax`: how many are kept; what was given last is kept in any case. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Gives those that were given last, when they are enough, and not far more than is wanted. */
  take(needed: number, wanted: number): Buffer | undefined {
    const last = this.#spares.at(-1);
    if (last === undefined || last.length < needed || last.length > wanted * SPARE_EXCESS) return undefined;
    this.#spares.pop();
    this.#bytes -= last.length;
    return last;
  }

  give(taken: Buffer): void {
    overwrites += 1;
    const spare = Buffer.from(taken.buffer);
    this.#spares.push(spare);
    this.#bytes += spare.length;
    while (this.#bytes > this.#bytesMax && this.#spares.length > 1) this.#bytes -= this.#spares.shift()?.length ?? 0;
  }
}

/** Gathers text as UTF-8 in one growing buffer, which costs half of joining strings. */
export class TextBuffer {
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  readonly #firstBytes: number;
  /** What was taken last is what will be gathered next, more or less. */
  #expected: number;
  #spares: SpareBytes | undefined;

  /** `spares`: shared with other buffers. */
  constructor(firstBytes = FIRST_BYTES, spares?: SpareBytes) {
    this.#firstBytes = firstBytes;
    this.#spares = spares;
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

  /** For short texts of ASCII only, where a call into the engine costs more than the text. */
  appendAscii(text: string): void {
    const { length } = text;
    this.#grow(length);
    const bytes = this.#bytes;
    const start = this.#length;
    for (let i = 0; i < length; i++) bytes[start + i] = text.charCodeAt(i);
    this.#length = start + length;
  }

  /** A whole number from 0 to below 2^32. */
  appendInteger(value: number): void {
    this.#grow(INTEGER_DIGITS_MAX);
    const bytes = this.#bytes;
    let end = this.#length + 1;
    for (let bound = 10; value >= bound; bound *= 10) end += 1;
    this.#length = end;
    let rest = value;
    do {
      const tens = (rest / 10) >>> 0;
      bytes[--end] = ZERO + rest - tens * 10;
      rest = tens;
    } while (rest > 0);
  }

  appendByte(byte: number): void {
    this.#grow(1);
    this.#bytes[this.#length++] = byte;
  }

  /** The bytes of `source` from `start` up to `end`. */
  appendBytes(source: Buffer, start: number, end: number): void {
    const length = end - start;
    this.#grow(length);
    if (length < LOOP_BYTES_MAX) {
      const bytes = this.#bytes;
      const at = this.#length;
      for (let i = 0; i < length; i++) bytes[at + i] = source[start + i] as number;
    } else {
      source.copy(this.#bytes, this.#length, start, end);
    }
    this.#length += length;
  }

  /** The one that was appended last. */
  get lastByte(): number | undefined {
    return this.#bytes[this.#length - 1];
  }

  /** Changes a byte that was appended before. */
  setByte(index: number, byte: number): void {
    this.#bytes[index] = byte;
  }

  /** The bytes from `start` on, for as long as nothing overwrites them. */
  placeFrom(start: number): TextPlace {
    return new TextPlace(this.#bytes, start, this.#length);
  }

  /** Takes back all that was appended behind the first `length` bytes. */
  truncate(length: number): void {
    overwrites += 1;
    this.#length = Math.min(this.#length, length);
  }

  /** What was gathered. The next call may change these bytes. */
  peek(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What was gathered; the buffer is empty then, and does not touch these bytes again. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#expected = Math.max(this.#firstBytes, Math.ceil(this.#length * 1.125));
    this.#bytes = Buffer.alloc(0);
    this.#length = 0;
    return taken;
  }

  /** Gives bytes back that were taken and that nobody needs any more: the next ones go there. */
  reuse(taken: Buffer): void {
    this.#spares ??= new SpareBytes(0);
    this.#spares.give(taken);
  }

  #grow(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed > this.#bytes.length) this.#moveTo(needed);
  }

  #moveTo(needed: number): void {
    const wanted = Math.max(this.#expected, this.#bytes.length * 2, needed);
    const grown = this.#spares?.take(needed, wanted) ?? Buffer.allocUnsafeSlow(wanted);
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** Where a text stands that was appended to some buffer. */
export class TextPlace {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;
  readonly #overwrites = overwrites;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  /** False when the text may not be there any more: nothing was appended. */
  copyTo(out: TextBuffer): boolean {
    if (this.#overwrites !== overwrites) return false;
    out.appendBytes(this.#bytes, this.#start, this.#end);
    return true;
  }
}

/** Below it a loop is faster than a call into the engine. */
const LOOP_BYTES_MAX = 24;

/** Decodes bytes as `charset`; malformed bytes become U+FFFD. A byte order mark stays, so that JSON refuses it. */
export function textDecoder(charset: string): (data: Uint8Array) => string {
  if (isUtf8Charset(charset)) return decodeUtf8;
  const decoder = new TextDecoder(charset, { ignoreBOM: true });
  return (data) => decoder.decode(data);
}

export function decodeUtf8(data: Uint8Array): string {
  return asBuffer(data).toString('utf8');
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}

export function isUtf8Charset(charset: string): boolean {
  return /^utf-?8$/i.test(charset);
}

/** The same bytes as a buffer. */
export function asBuffer(data: Uint8Array): Buffer {
  return data instanceof Buffer ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

const NEWLINE = 0x0a;

/** Gives the whole lines of a growing stream of bytes, and keeps the unfinished one. */
export class LineBlocks {
  #tail: Buffer[] = [];

  /** Blocks of whole lines, each with its newline. */
  push(data: Buffer): Buffer[] {
    const last = data.lastIndexOf(NEWLINE);
    if (last < 0) {
      this.#tail.push(data);
      return [];
    }
    const blocks: Buffer[] = [];
    let start = 0;
    if (this.#tail.length > 0) {
      start = data.indexOf(NEWLINE) + 1;
      blocks.push(Buffer.concat([...this.#tail, data.subarray(0, start)]));
    }
    if (start <= last) blocks.push(data.subarray(start, last + 1));
    this.#tail = last + 1 < data.length ? [data.subarray(last + 1)] : [];
    return blocks;
  }

  /** The line that no newline ended. */
  flush(): Buffer {
    const tail = Buffer.concat(this.#tail);
    this.#tail = [];
    return tail;
  }
}

/** Splits a growing stream of bytes into texts at a delimiter, and keeps the unfinished one. */
export class DelimitedText {
  readonly #delimiter: string;
  /** Keeps the first bytes of a character until the others come. */
  readonly #decoder: TextDecoder;
  #tail = '';

  constructor(charset: string, delimiter: string) {
    this.#decoder = new TextDecoder(charset, { ignoreBOM: true });
    this.#delimiter = delimiter;
  }

  push(data: Uint8Array): string[] {
    return this.#split(this.#decoder.decode(data, { stream: true }));
  }

  /** The text that no delimiter ended; empty when there is none. */
  flush(): string {
    const tail = this.#tail + this.#decoder.decode();
    this.#tail = '';
    return tail;
  }

  #split(text: string): string[] {
    const parts = (this.#tail + text).split(this.#delimiter);
    this.#tail = parts.pop() ?? '';
    return parts;
  }
}

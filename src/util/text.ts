/** Decodes bytes as `charset`; malformed bytes become U+FFFD. A byte order mark stays, so that JSON refuses it. */
export function textDecoder(charset: string): (data: Uint8Array) => string {
  if (/^utf-?8$/i.test(charset)) return decodeUtf8;
  const decoder = new TextDecoder(charset, { ignoreBOM: true });
  return (data) => decoder.decode(data);
}

export function decodeUtf8(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}

/** Splits a growing text at a delimiter and keeps the unfinished tail. */
export class DelimitedText {
  readonly #delimiter: string;
  #tail = '';

  constructor(delimiter: string) {
    this.#delimiter = delimiter;
  }

  push(text: string): string[] {
    const parts = (this.#tail + text).split(this.#delimiter);
    this.#tail = parts.pop() ?? '';
    return parts;
  }

  /** The tail, which no delimiter ended; empty when there is none. */
  flush(): string {
    const tail = this.#tail;
    this.#tail = '';
    return tail;
  }
}

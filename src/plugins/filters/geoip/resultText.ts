import { jsonText } from '../../../event/jsonWriter.ts';
import { floatValue } from '../../../event/value.ts';

const FIRST_BYTES = 1024;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;
const FIRST_BEYOND_ASCII = 0x7f;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
/** Decimals of the coordinates in MaxMind's databases. */
const DECIMALS = 4;
const SCALE = 10 ** DECIMALS;
/** Above it a double has no room for that many decimals. */
const DEGREES_MAX = 1000;

/** A JSON text in the making, as UTF-8 bytes. */
export class ResultText {
  bytes: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  append(source: Buffer): void {
    const { length } = source;
    this.#reserve(length);
    this.#copy(source, 0, length);
  }

  /** The text that stands as UTF-8 at `start` to `end` of `source`. */
  appendText(source: Buffer, start: number, end: number): void {
    this.#reserve(end - start + 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = QUOTE;
    for (let i = start; i < end; i++) {
      const byte = source[i] as number;
      if (byte < FIRST_PRINTABLE || byte >= FIRST_BEYOND_ASCII || byte === QUOTE || byte === BACKSLASH) {
        this.#appendString(jsonText(source.toString('utf8', start, end)));
        return;
      }
      bytes[at++] = byte;
    }
    bytes[at++] = QUOTE;
    this.length = at;
  }

  appendInteger(value: number): void {
    this.#appendString(jsonText(value));
  }

  /** With a fraction even where it is whole. */
  appendDouble(value: number): void {
    const magnitude = Math.abs(value);
    const scaled = Math.round(magnitude * SCALE);
    // Then these few digits are the shortest that give the double, which is what the engine would find with more work.
    if (scaled > 0 && magnitude < DEGREES_MAX && scaled / SCALE === magnitude) this.#appendScaled(scaled, value < 0);
    else this.#appendString(jsonText(floatValue(value)));
  }

  #appendScaled(scaled: number, isNegative: boolean): void {
    this.#reserve(SCALED_BYTES_MAX);
    if (isNegative) this.bytes[this.length++] = MINUS;
    const whole = Math.floor(scaled / SCALE);
    if (whole >= 100) this.#digit(Math.floor(whole / 100));
    if (whole >= 10) this.#digit(Math.floor(whole / 10) % 10);
    this.#digit(whole % 10);
    this.bytes[this.length++] = DOT;
    let rest = scaled % SCALE;
    let unit = SCALE / 10;
    do {
      this.#digit(Math.floor(rest / unit));
      rest %= unit;
      unit /= 10;
    } while (rest > 0);
  }

  #digit(digit: number): void {
    this.bytes[this.length++] = ZERO + digit;
  }

  #appendString(text: string): void {
    this.#reserve(text.length * 3);
    this.length += this.bytes.write(text, this.length);
  }

  #copy(source: Buffer, start: number, end: number): void {
    const { bytes } = this;
    const at = this.length - start;
    for (let i = start; i < end; i++) bytes[at + i] = source[i] as number;
    this.length += end - start;
  }

  #reserve(length: number): void {
    if (this.length + length <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + length));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

/** A sign, three digits, a dot, and the decimals. */
const SCALED_BYTES_MAX = 5 + DECIMALS;

/**
 * Finds where the fields of a JSON object begin and end, and that it is one, without decoding them. All that it does not
 * know for sure it leaves to a full parse: malformed text above all, which is then refused in one place.
 */
import { ESCAPED, FLAG_BITS, JsonFields, REWRITTEN, WIDE } from './jsonFields.ts';
import { JsonShape, KEYS_MAX } from './jsonShape.ts';

const BLANK = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** What a byte is inside quotes. */
const PLAIN = 0;
const END = 1;
const ESCAPE = 2;
const HIGH = 3;
const CONTROL = 4;
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === QUOTE) return END;
  if (byte === 0x5c) return ESCAPE;
  return byte < 0x20 ? CONTROL : byte < 0x80 ? PLAIN : HIGH;
});

const LITERALS: ReadonlyMap<number | undefined, Buffer> = new Map(
  ['true', 'false', 'null'].map((text) => [text.charCodeAt(0), Buffer.from(text)]),
);

/** Deeper nesting is rare, and the full parse has a bound of its own. */
const DEPTH_MAX = 32;
/** Offsets stand beside flags in 32 bits. */
const BYTES_MAX = 2 ** (31 - FLAG_BITS);
/** Numbers of a tape, two a field. A tape lives as long as an event that was read onto it. */
const TAPE_LENGTH = 8192;
/** A double has as many digits that count. */
const DIGITS_MAX = 15;
const NONE = -1;

/** Reads objects of one source, whose keys it learns. */
export class JsonScanner {
  readonly #empty = JsonShape.empty();
  #tape = new Int32Array(TAPE_LENGTH);
  #tapeEnd = 0;
  #flags = 0;
  #end = 0;
  #sawBlank = false;
  /** Nothing is read from here on. */
  #limit = 0;

  /** Where the object that was scanned last ends. */
  get end(): number {
    return this.#end;
  }

  /** Whether there was a blank in it, outside of texts. */
  get sawBlank(): boolean {
    return this.#sawBlank;
  }

  /** The object that begins at `start` and ends at or before `end`. The bytes must be valid UTF-8. */
  scan(bytes: Buffer, start: number, end: number): JsonFields | undefined {
    if (bytes[start] !== OPEN_OBJECT || end >= BYTES_MAX) return undefined;
    if (this.#tapeEnd + 2 * KEYS_MAX > TAPE_LENGTH) {
      this.#tape = new Int32Array(TAPE_LENGTH);
      this.#tapeEnd = 0;
    }
    this.#limit = end;
    const tape = this.#tape;
    const tapeStart = this.#tapeEnd;
    let tapeEnd = tapeStart;
    let shape = this.#empty;
    let isSpaced = false;
    this.#sawBlank = false;
    let i = start + 1;
    if (isBlank(bytes[i])) {
      i = skipBlanks(bytes, i);
      isSpaced = true;
    }
    while (bytes[i] === QUOTE) {
      const next = this.#key(bytes, i + 1, shape);
      if (next === undefined) return undefined;
      shape = next;
      i = this.#end;
      if (bytes[i] !== COLON || isBlank(bytes[i + 1])) {
        i = skipBlanks(bytes, i);
        if (bytes[i] !== COLON) return undefined;
        i = skipBlanks(bytes, i + 1) - 1;
        isSpaced = true;
      }
      i += 1;
      tape[tapeEnd] = i;
      this.#flags = 0;
      i = bytes[i] === QUOTE ? this.#text(bytes, i + 1) : this.#value(bytes, i, shape, 1);
      if (i === NONE) return undefined;
      tape[tapeEnd + 1] = (i << FLAG_BITS) | this.#flags;
      tapeEnd += 2;
      if (isBlank(bytes[i])) {
        i = skipBlanks(bytes, i);
        isSpaced = true;
      }
      if (bytes[i] !== COMMA) break;
      i += 1;
      if (isBlank(bytes[i])) {
        i = skipBlanks(bytes, i);
        isSpaced = true;
      }
      // An object ends behind a field, not behind a comma.
      if (bytes[i] !== QUOTE) return undefined;
    }
    if (bytes[i] !== CLOSE_OBJECT || i >= end) return undefined;
    this.#end = i + 1;
    this.#tapeEnd = tapeEnd;
    this.#sawBlank ||= isSpaced;
    return new JsonFields(bytes, start, i + 1, tape, tapeStart, shape, isSpaced);
  }

  /** The shape with the key whose bytes begin here; `#end` is then behind its closing quote. */
  #key(bytes: Buffer, start: number, before: JsonShape): JsonShape | undefined {
    const { next } = before;
    if (next !== undefined) {
      const { quotedEnd } = next;
      const { length } = quotedEnd;
      let n = 0;
      while (n < length && bytes[start + n] === quotedEnd[n]) n += 1;
      if (n === length) {
        this.#end = start + length;
        return next.isPlain ? next : undefined;
      }
    }
    this.#flags = 0;
    const end = this.#text(bytes, start);
    if (end === NONE || (this.#flags & ESCAPED) !== 0) return undefined;
    this.#end = end;
    const shape = before.with(bytes.utf8Slice(start, end - 1));
    return shape?.isPlain ? shape : undefined;
  }

  /** Behind the closing quote of a text whose first byte is at `start`. */
  #text(bytes: Buffer, start: number): number {
    const limit = this.#limit;
    let i = start;
    // One read behind the end would make the engine compile this loop anew, five times slower for all events to come.
    while (i < limit) {
      const kind = KINDS[bytes[i] as number];
      if (kind === PLAIN) {
        i += 1;
      } else if (kind === END) {
        return i + 1;
      } else if (kind === HIGH) {
        this.#flags |= WIDE;
        i += 1;
      } else if (kind === ESCAPE) {
        i = this.#escape(bytes, i + 1);
        if (i === NONE) return NONE;
      } else {
        return NONE;
      }
    }
    return NONE;
  }

  #escape(bytes: Buffer, at: number): number {
    this.#flags |= ESCAPED;
    switch (bytes[at]) {
      case 0x22:
      case 0x5c:
      case 0x62:
      case 0x66:
      case 0x6e:
      case 0x72:
      case 0x74:
        return at + 1;
      case 0x2f:
        this.#flags |= REWRITTEN;
        return at + 1;
      case 0x75: {
        this.#flags |= REWRITTEN;
        for (let n = 1; n <= 4; n++) if (!isHexDigit(bytes[at + n])) return NONE;
        return at + 5;
      }
      default:
        return NONE;
    }
  }

  /** Behind any value but a text at the top. */
  #value(bytes: Buffer, start: number, shape: JsonShape, depth: number): number {
    const first = bytes[start];
    if (first === QUOTE) return this.#text(bytes, start + 1);
    if (first === OPEN_OBJECT) return depth > DEPTH_MAX ? NONE : this.#object(bytes, start + 1, shape.nested, depth);
    if (first === OPEN_LIST) return depth > DEPTH_MAX ? NONE : this.#list(bytes, start + 1, shape, depth);
    const literal = LITERALS.get(first);
    if (literal === undefined) return this.#number(bytes, start);
    for (let n = 1; n < literal.length; n++) if (bytes[start + n] !== literal[n]) return NONE;
    return start + literal.length;
  }

  #object(bytes: Buffer, start: number, empty: JsonShape, depth: number): number {
    let shape = empty;
    let i = this.#blanks(bytes, start);
    if (bytes[i] === CLOSE_OBJECT) return i + 1;
    for (;;) {
      if (bytes[i] !== QUOTE) return NONE;
      const flags = this.#flags;
      const next = this.#key(bytes, i + 1, shape);
      if (next === undefined) return NONE;
      this.#flags |= flags;
      shape = next;
      i = this.#blanks(bytes, this.#end);
      if (bytes[i] !== COLON) return NONE;
      i = this.#value(bytes, this.#blanks(bytes, i + 1), shape, depth + 1);
      if (i === NONE) return NONE;
      i = this.#blanks(bytes, i);
      if (bytes[i] === CLOSE_OBJECT) return i + 1;
      if (bytes[i] !== COMMA) return NONE;
      i = this.#blanks(bytes, i + 1);
    }
  }

  #list(bytes: Buffer, start: number, shape: JsonShape, depth: number): number {
    let i = this.#blanks(bytes, start);
    if (bytes[i] === CLOSE_LIST) return i + 1;
    for (;;) {
      i = this.#value(bytes, i, shape, depth + 1);
      if (i === NONE) return NONE;
      i = this.#blanks(bytes, i);
      if (bytes[i] === CLOSE_LIST) return i + 1;
      if (bytes[i] !== COMMA) return NONE;
      i = this.#blanks(bytes, i + 1);
    }
  }

  /** Blanks inside of a value do not stay when it is written. */
  #blanks(bytes: Buffer, start: number): number {
    if (!isBlank(bytes[start])) return start;
    this.#sawBlank = true;
    this.#flags |= REWRITTEN;
    return skipBlanks(bytes, start);
  }

  /** A number stays as it is when it is written just as a double with its value prints. */
  #number(bytes: Buffer, start: number): number {
    const isNegative = bytes[start] === MINUS;
    const whole = isNegative ? start + 1 : start;
    let i = skipDigits(bytes, whole);
    const isZero = bytes[whole] === ZERO;
    if (i === whole || (isZero && i > whole + 1)) return NONE;
    let digits = i - whole;
    if (bytes[i] === DOT) {
      const fraction = i + 1;
      i = skipDigits(bytes, fraction);
      if (i === fraction) return NONE;
      digits += i - fraction;
      const isTiny = isZero && bytes[fraction] === ZERO && bytes[fraction + 1] === ZERO;
      if (bytes[i - 1] === ZERO || isTiny) this.#flags |= REWRITTEN;
    } else if (isZero && isNegative) {
      this.#flags |= REWRITTEN;
    }
    if (digits > DIGITS_MAX) this.#flags |= REWRITTEN;
    if (bytes[i] !== 0x65 && bytes[i] !== 0x45) return i;
    this.#flags |= REWRITTEN;
    const isSigned = bytes[i + 1] === MINUS || bytes[i + 1] === 0x2b;
    const exponent = isSigned ? i + 2 : i + 1;
    const end = skipDigits(bytes, exponent);
    return end === exponent ? NONE : end;
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte !== undefined && byte <= BLANK && (byte === BLANK || byte === 0x0a || byte === 0x0d || byte === 0x09);
}

export function skipBlanks(bytes: Uint8Array, start: number): number {
  let i = start;
  while (isBlank(bytes[i])) i += 1;
  return i;
}

function skipDigits(bytes: Uint8Array, start: number): number {
  let i = start;
  for (let byte = bytes[i]; byte !== undefined && byte >= ZERO && byte <= NINE; byte = bytes[i]) i += 1;
  return i;
}

function isHexDigit(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const letter = byte | 0x20;
  return (byte >= ZERO && byte <= NINE) || (letter >= 0x61 && letter <= 0x66);
}

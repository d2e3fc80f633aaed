/** The records in the bytes of an answer to GetRecords: found at once, but made one by one, so that few stand in memory. */
import type { _Record } from '@aws-sdk/client-kinesis';

const QUOTE = 0x22;
const COMMA = 0x2c;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const EQUALS = 0x3d;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** The fields of a record that are read, in the order in which Kinesis gives them. */
const NAMES = ['"ApproximateArrivalTimestamp":', '"Data":"', '"PartitionKey":"', '"SequenceNumber":"'].map((name) =>
  Buffer.from(name),
);
const ARRIVAL = 0;
const DATA = 1;
const PARTITION_KEY = 2;
const SEQUENCE_NUMBER = 3;

/** What is noted of a record: where each of its fields begins, 0 for none, and where it ends. */
const NOTES = 2 * NAMES.length;
const NONE = -1;
/** At first there is room for so many bytes a record; most answers hold none. */
const RECORD_BYTES_FIRST = 512;

/** Data is decoded into blocks, which live as long as an event of them. */
const BLOCK_BYTES = 64 * 1024;
const NO_BYTES = Buffer.alloc(0);

/**
 * The records of the list whose first byte is at `start`, in bytes that have no escape; nothing for one that is not in the form
 * that Kinesis has.
 * @param release called when the records were given, or nobody wants more of them: the bytes are not needed then
 */
export function scanRecords(bytes: Buffer, start: number, release: () => void): ScannedRecords | undefined {
  const scanner = new Scanner(bytes, start);
  return scanner.scan() ? new ScannedRecords(bytes, scanner, release) : undefined;
}

export class ScannedRecords implements Iterable<_Record> {
  readonly length: number;
  /** Of their data and partition keys. */
  readonly storedBytes: number;
  /** Where the list ends. */
  readonly end: number;
  readonly #notes: Int32Array;
  readonly #arrivalsMs: Float64Array;
  /** These two are absent when all were given: who waits for the next answer still has this one. */
  #release: (() => void) | undefined;
  #bytes: Buffer | undefined;
  #block = NO_BYTES;
  #blockEnd = 0;

  constructor(bytes: Buffer, { count, storedBytes, end, notes, arrivalsMs }: Scanner, release: () => void) {
    this.#release = release;
    this.length = count;
    this.storedBytes = storedBytes;
    this.end = end;
    this.#bytes = bytes;
    this.#notes = notes;
    this.#arrivalsMs = arrivalsMs;
  }

  /** As that of an array, but only before all were given. */
  at(index: number): _Record | undefined {
    const place = index < 0 ? this.length + index : index;
    if (this.#bytes === undefined || place < 0 || place >= this.length) return undefined;
    return this.#record(this.#bytes, place);
  }

  *[Symbol.iterator](): Generator<_Record> {
    const bytes = this.#bytes;
    if (bytes === undefined) throw new Error('the records were given before');
    try {
      for (let index = 0; index < this.length; index++) yield this.#record(bytes, index);
    } finally {
      const release = this.#release;
      this.#bytes = undefined;
      this.#block = NO_BYTES;
      this.#release = undefined;
      release?.();
    }
  }

  #record(bytes: Buffer, index: number): _Record {
    const note = index * NOTES;
    const arrivalMs = this.#arrivalsMs[index] as number;
    return {
      SequenceNumber: this.#text(bytes, note + 2 * SEQUENCE_NUMBER),
      Data: this.#data(bytes, note + 2 * DATA),
      PartitionKey: this.#text(bytes, note + 2 * PARTITION_KEY),
      ApproximateArrivalTimestamp: Number.isNaN(arrivalMs) ? undefined : new Date(arrivalMs),
    };
  }

  #text(bytes: Buffer, note: number): string | undefined {
    const start = this.#notes[note] as number;
    return start === 0 ? undefined : bytes.utf8Slice(start, this.#notes[note + 1] as number);
  }

  #data(bytes: Buffer, note: number): Buffer | undefined {
    const start = this.#notes[note] as number;
    if (start === 0) return undefined;
    const text = bytes.latin1Slice(start, this.#notes[note + 1] as number);
    const from = this.#roomFor((text.length * 3) >> 2);
    this.#blockEnd += this.#block.write(text, from, 'base64');
    return this.#block.subarray(from, this.#blockEnd);
  }

  /** Gives where in the block there is room now. */
  #roomFor(bytes: number): number {
    if (this.#blockEnd + bytes > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, bytes));
      this.#blockEnd = 0;
    }
    return this.#blockEnd;
  }
}

class Scanner {
  readonly #bytes: Buffer;
  count = 0;
  storedBytes = 0;
  end: number;
  notes: Int32Array;
  arrivalsMs: Float64Array;
  /** The field that is likely to come. */
  #next = 0;

  constructor(bytes: Buffer, start: number) {
    const capacity = Math.ceil(bytes.length / RECORD_BYTES_FIRST);
    this.#bytes = bytes;
    this.end = start;
    this.notes = new Int32Array(capacity * NOTES);
    this.arrivalsMs = new Float64Array(capacity);
  }

  /** False for a list in another form. */
  scan(): boolean {
    let at = this.end;
    if (this.#bytes[at] !== CLOSE_LIST) {
      do at = this.#record(at);
      while (at !== NONE && this.#bytes[at++] === COMMA);
      at -= 1;
    }
    this.end = at;
    return this.#bytes[at] === CLOSE_LIST;
  }

  /** Gives where it ends, as those below. */
  #record(start: number): number {
    const bytes = this.#bytes;
    if (bytes[start] !== OPEN_OBJECT) return NONE;
    if (this.count === this.arrivalsMs.length) this.#grow();
    this.arrivalsMs[this.count] = Number.NaN;
    let at = start;
    do at = this.#field(bytes, at + 1);
    while (bytes[at] === COMMA);
    this.count += 1;
    return bytes[at] === CLOSE_OBJECT ? at + 1 : NONE;
  }

  #field(bytes: Buffer, at: number): number {
    for (let tried = 0; tried < NAMES.length; tried++) {
      const field = this.#next;
      const name = NAMES[field] as Buffer;
      this.#next = field + 1 === NAMES.length ? 0 : field + 1;
      if (isAt(bytes, at, name)) return this.#value(bytes, at + name.length, field);
    }
    return otherTextEnd(bytes, at);
  }

  #value(bytes: Buffer, start: number, field: number): number {
    if (field === ARRIVAL) return this.#arrival(bytes, start);
    let end = start;
    if (field === DATA) end = bytes.indexOf(QUOTE, start);
    else while (end < bytes.length && bytes[end] !== QUOTE) end++;
    const note = this.count * NOTES + field * 2;
    this.notes[note] = start;
    this.notes[note + 1] = end;
    if (field === DATA) this.storedBytes += decodedLength(bytes, start, end);
    else if (field === PARTITION_KEY) this.storedBytes += end - start;
    return end === NONE ? NONE : end + 1;
  }

  #arrival(bytes: Buffer, start: number): number {
    let end = start;
    while (end < bytes.length && bytes[end] !== COMMA && bytes[end] !== CLOSE_OBJECT) end++;
    const seconds = plainNumber(bytes, start, end) ?? Number(bytes.latin1Slice(start, end) || 'x');
    this.arrivalsMs[this.count] = Math.round(seconds * 1_000);
    return Number.isNaN(seconds) ? NONE : end;
  }

  #grow(): void {
    const { notes, arrivalsMs } = this;
    this.notes = new Int32Array(notes.length * 2);
    this.notes.set(notes);
    this.arrivalsMs = new Float64Array(arrivalsMs.length * 2);
    this.arrivalsMs.set(arrivalsMs);
  }
}

function isAt(bytes: Buffer, at: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return false;
  return true;
}

/** Of a field that nobody asks for, such as the kind of encryption. */
function otherTextEnd(bytes: Buffer, at: number): number {
  const nameEnd = bytes[at] === QUOTE ? bytes.indexOf(QUOTE, at + 1) : NONE;
  if (nameEnd === NONE || bytes[nameEnd + 1] !== COLON || bytes[nameEnd + 2] !== QUOTE) return NONE;
  const end = bytes.indexOf(QUOTE, nameEnd + 3);
  return end === NONE ? NONE : end + 1;
}

function decodedLength(bytes: Buffer, start: number, end: number): number {
  const padding = bytes[end - 1] !== EQUALS ? 0 : bytes[end - 2] === EQUALS ? 2 : 1;
  return Math.floor(((end - start) * 3) / 4) - padding;
}

/** Integers up to here are doubles, and so are powers of ten up to 22: their quotient is the nearest double, as JSON has it. */
const DIGITS_MAX = 15;

/** Nothing for one that is not just digits and a dot. */
function plainNumber(bytes: Buffer, start: number, end: number): number | undefined {
  if (end - start > DIGITS_MAX) return undefined;
  let digits = 0;
  let divisor = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte >= ZERO && byte <= NINE) {
      digits = digits * 10 + byte - ZERO;
      divisor *= 10;
    } else if (byte === DOT && divisor === 0 && i > start) divisor = 1;
    else return undefined;
  }
  return end === start ? undefined : digits / (divisor || 1);
}

/**
 * Reads the answer to GetRecords from its bytes. An answer of 10 MB holds thousands of records, of which the SDK makes texts
 * first and checks each of them letter by letter: that costs more than all that is done with the records afterwards.
 */
import type { _Record, ChildShard } from '@aws-sdk/client-kinesis';

export interface RecordsAnswer {
  Records: _Record[] | undefined;
  NextShardIterator?: string | undefined;
  MillisBehindLatest?: number | undefined;
  ChildShards?: ChildShard[] | undefined;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/** @throws SyntaxError when the bytes are no such answer */
export function parseRecordsAnswer(bytes: Buffer): RecordsAnswer {
  return new AnswerReader(bytes).read();
}

class AnswerReader {
  readonly #bytes: Buffer;
  /** Of all records, one behind the other: never more than three bytes of four letters. */
  readonly #data: Buffer;
  #dataEnd = 0;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#data = Buffer.allocUnsafeSlow(Math.ceil((bytes.length * 3) / 4));
  }

  read(): RecordsAnswer {
    const answer: RecordsAnswer = { Records: undefined };
    this.#object((key) => {
      if (key === 'Records' && this.#peek() === OPEN_LIST) answer.Records = this.#records();
      else Object.assign(answer, { [key]: this.#value() ?? undefined });
    });
    return answer;
  }

  #records(): _Record[] {
    const records: _Record[] = [];
    this.#list(() => records.push(this.#record()));
    return records;
  }

  #record(): _Record {
    const record: _Record = { SequenceNumber: undefined, Data: undefined, PartitionKey: undefined };
    this.#object((key) => {
      if (key === 'Data') record.Data = this.#base64();
      else if (key === 'SequenceNumber') record.SequenceNumber = this.#text();
      else if (key === 'PartitionKey') record.PartitionKey = this.#text();
      else if (key === 'ApproximateArrivalTimestamp') record.ApproximateArrivalTimestamp = this.#time();
      else Object.assign(record, { [key]: this.#value() ?? undefined });
    });
    return record;
  }

  #time(): Date {
    const seconds = this.#value();
    if (typeof seconds !== 'number') throw this.#fault();
    return new Date(Math.round(seconds * 1000));
  }

  #base64(): Buffer {
    const text = this.#quoted();
    const start = this.#dataEnd;
    this.#dataEnd += this.#data.write(text, start, 'base64');
    return this.#data.subarray(start, this.#dataEnd);
  }

  #text(): string {
    const start = this.#at;
    const text = this.#quoted();
    if (!NOT_ASCII.test(text)) return text;
    this.#at = start;
    return String(this.#value());
  }

  /** A text of ASCII; of another, nothing that means something. */
  #quoted(): string {
    const end = this.#bytes[this.#at] === QUOTE ? this.#bytes.indexOf(QUOTE, this.#at + 1) : -1;
    if (end < 0) throw this.#fault();
    const text = this.#bytes.latin1Slice(this.#at + 1, end);
    if (text.includes('\\')) return String(this.#value());
    this.#at = end + 1;
    return text;
  }

  /** Any value, in one piece. */
  #value(): unknown {
    const start = this.#at;
    let depth = 0;
    do {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw this.#fault();
      if (byte === QUOTE) this.#at = this.#textEnd(this.#at + 1);
      else this.#at += 1;
      if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth += 1;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) depth -= 1;
    } while (depth > 0 || !this.#isBehindValue());
    return JSON.parse(this.#bytes.utf8Slice(start, this.#at));
  }

  #isBehindValue(): boolean {
    const byte = this.#bytes[this.#at];
    return byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_LIST;
  }

  #textEnd(start: number): number {
    for (let i = start; i < this.#bytes.length; i++) {
      if (this.#bytes[i] === BACKSLASH) i += 1;
      else if (this.#bytes[i] === QUOTE) return i + 1;
    }
    throw this.#fault();
  }

  #object(field: (key: string) => void): void {
    this.#expect(OPEN_OBJECT);
    if (this.#peek() !== CLOSE_OBJECT) {
      do {
        this.#peek();
        const key = this.#text();
        this.#expect(COLON);
        this.#peek();
        field(key);
      } while (this.#skips(COMMA));
    }
    this.#expect(CLOSE_OBJECT);
  }

  #list(element: () => void): void {
    this.#expect(OPEN_LIST);
    if (this.#peek() !== CLOSE_LIST) {
      do {
        this.#peek();
        element();
      } while (this.#skips(COMMA));
    }
    this.#expect(CLOSE_LIST);
  }

  /** The next byte that is no blank. */
  #peek(): number | undefined {
    let byte = this.#bytes[this.#at];
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = this.#bytes[++this.#at];
    return byte;
  }

  #skips(byte: number): boolean {
    if (this.#peek() !== byte) return false;
    this.#at += 1;
    return true;
  }

  #expect(byte: number): void {
    if (!this.#skips(byte)) throw this.#fault();
  }

  #fault(): SyntaxError {
    return new SyntaxError(`the answer to GetRecords is malformed at byte ${this.#at} of ${this.#bytes.length}`);
  }
}

const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const NOT_ASCII = /[^\0-\x7f]/;

/**
 * Takes the user records out of a record that the Kinesis Producer Library, or Fluent Bit with `aggregation`, has put
 * together: magic bytes, a protobuf message, its MD5 digest.
 */
import { hash } from 'node:crypto';

/** Tables, and the user records that point into them. Producers are known to write wrong keys, and indices beyond the tables. */
export interface KplContainer {
  readonly partitionKeys: readonly string[];
  /** Decimal numbers of 128 bits, where a producer gave them. */
  readonly explicitHashKeys: readonly string[];
  readonly records: readonly KplUserRecord[];
}

export interface KplUserRecord {
  readonly partitionKeyIndex: number;
  readonly explicitHashKeyIndex: number | undefined;
  /** A view of the container's bytes. */
  readonly data: Uint8Array;
}

const MAGIC = [0xf3, 0x89, 0x9a, 0xc2] as const;
const DIGEST_BYTES = 16;

/**
 * The container, its user records in their order, or `undefined` for whatever is no sound one: a wrong digest, a malformed
 * message, or none inside. As in the KCL such a record is an ordinary one.
 */
export function deaggregate(record: Uint8Array): KplContainer | undefined {
  if (record[0] !== MAGIC[0] || record[1] !== MAGIC[1] || record[2] !== MAGIC[2] || record[3] !== MAGIC[3]) {
    return undefined;
  }
  const end = record.length - DIGEST_BYTES;
  if (end <= MAGIC.length) return undefined;
  const digest = hash('md5', record.subarray(MAGIC.length, end), 'buffer');
  if (!digest.equals(record.subarray(end))) return undefined;
  try {
    const container = readContainer(new WireReader(record, MAGIC.length, end));
    return container.records.length === 0 ? undefined : container;
  } catch {
    return undefined;
  }
}

class MalformedMessage extends Error {}

/** Field numbers of KPL's `AggregatedRecord` and of its `Record`. */
const PARTITION_KEY_TABLE = 1;
const EXPLICIT_HASH_KEY_TABLE = 2;
const RECORDS = 3;
const PARTITION_KEY_INDEX = 1;
const EXPLICIT_HASH_KEY_INDEX = 2;
const DATA = 3;

/** Wire types of protobuf. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

function readContainer(message: WireReader): KplContainer {
  const partitionKeys: string[] = [];
  const explicitHashKeys: string[] = [];
  const records: KplUserRecord[] = [];
  while (message.hasMore) {
    const tag = message.varint();
    const field = fieldOf(tag);
    if (typeOf(tag) !== LENGTH_DELIMITED) message.skip(typeOf(tag));
    else if (field === RECORDS) records.push(readRecord(message.part()));
    else if (field === PARTITION_KEY_TABLE) partitionKeys.push(message.text());
    else if (field === EXPLICIT_HASH_KEY_TABLE) explicitHashKeys.push(message.text());
    else message.skip(LENGTH_DELIMITED);
  }
  return { partitionKeys, explicitHashKeys, records };
}

function readRecord(message: WireReader): KplUserRecord {
  let partitionKeyIndex = 0;
  let explicitHashKeyIndex: number | undefined;
  let data: Uint8Array | undefined;
  while (message.hasMore) {
    const tag = message.varint();
    const field = fieldOf(tag);
    const type = typeOf(tag);
    if (field === DATA && type === LENGTH_DELIMITED) data = message.view();
    else if (field === PARTITION_KEY_INDEX && type === VARINT) partitionKeyIndex = message.varint();
    else if (field === EXPLICIT_HASH_KEY_INDEX && type === VARINT) explicitHashKeyIndex = message.varint();
    else message.skip(type);
  }
  if (data === undefined) throw new MalformedMessage();
  return { partitionKeyIndex, explicitHashKeyIndex, data };
}

function fieldOf(tag: number): number {
  return Math.floor(tag / 8);
}

function typeOf(tag: number): number {
  return tag % 8;
}

/** Reads one protobuf message in place, without a copy. @throws MalformedMessage from all that reads */
class WireReader {
  readonly #bytes: Uint8Array;
  #position: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  get hasMore(): boolean {
    return this.#position < this.#end;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 64; factor *= 128) {
      if (this.#position === this.#end) throw new MalformedMessage();
      const byte = this.#bytes[this.#position++] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new MalformedMessage();
  }

  /** The bytes of a field that has a length. */
  view(): Uint8Array {
    const start = this.#pass(this.varint());
    return this.#bytes.subarray(start, this.#position);
  }

  text(): string {
    const { buffer, byteOffset, length } = this.view();
    return Buffer.from(buffer, byteOffset, length).toString('utf8');
  }

  /** A message inside this one. */
  part(): WireReader {
    const start = this.#pass(this.varint());
    return new WireReader(this.#bytes, start, this.#position);
  }

  skip(type: number): void {
    if (type === VARINT) this.varint();
    else if (type === LENGTH_DELIMITED) this.#pass(this.varint());
    else if (type === FIXED64) this.#pass(8);
    else if (type === FIXED32) this.#pass(4);
    else throw new MalformedMessage();
  }

  /** Moves on, and gives where it was. */
  #pass(length: number): number {
    const start = this.#position;
    if (length > this.#end - start) throw new MalformedMessage();
    this.#position = start + length;
    return start;
  }
}

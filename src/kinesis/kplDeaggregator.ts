/**
 * Takes the user records out of a record that the Kinesis Producer Library, or Fluent Bit with `aggregation`, has put
 * together: magic bytes, a protobuf message, its MD5 digest.
 */
import { createHash } from 'node:crypto';

export interface AggregatedUserRecord {
  /** As the container says; producers are known to write wrong ones. `undefined` when its table has no such entry. */
  readonly partitionKey: string | undefined;
  /** A view of the container's bytes. */
  readonly data: Uint8Array;
}

const MAGIC = [0xf3, 0x89, 0x9a, 0xc2] as const;
const DIGEST_BYTES = 16;

/**
 * The user records in their order, or `undefined` for whatever is no sound container: a wrong digest, a malformed
 * message, or none inside. As in the KCL such a record is an ordinary one. User records outside the shard's range of hash
 * keys are kept, unlike in the KCL: Fluent Bit writes keys that would make it drop events.
 */
export function deaggregate(record: Uint8Array): AggregatedUserRecord[] | undefined {
  if (!MAGIC.every((byte, index) => record[index] === byte)) return undefined;
  const end = record.length - DIGEST_BYTES;
  if (end <= MAGIC.length) return undefined;
  const message = record.subarray(MAGIC.length, end);
  const digest = createHash('md5').update(message).digest();
  if (!digest.equals(record.subarray(end))) return undefined;
  try {
    const records = readMessage(message);
    return records.length === 0 ? undefined : records;
  } catch (error) {
    if (error instanceof MalformedMessage) return undefined;
    throw error;
  }
}

class MalformedMessage extends Error {}

/** Field numbers of KPL's `AggregatedRecord` and of its `Record`. */
const PARTITION_KEY_TABLE = 1;
const RECORDS = 3;
const PARTITION_KEY_INDEX = 1;
const DATA = 3;

function readMessage(message: Uint8Array): AggregatedUserRecord[] {
  const keys: string[] = [];
  const records: { keyIndex: number; data: Uint8Array }[] = [];
  for (const { field, value } of fieldsOf(message)) {
    if (typeof value === 'number') continue;
    if (field === PARTITION_KEY_TABLE) keys.push(Buffer.from(value).toString('utf8'));
    else if (field === RECORDS) records.push(readRecord(value));
  }
  return records.map(({ keyIndex, data }) => ({ partitionKey: keys[keyIndex], data }));
}

function readRecord(message: Uint8Array): { keyIndex: number; data: Uint8Array } {
  let keyIndex = 0;
  let data: Uint8Array | undefined;
  for (const { field, value } of fieldsOf(message)) {
    if (field === PARTITION_KEY_INDEX && typeof value === 'number') keyIndex = value;
    else if (field === DATA && typeof value !== 'number') data = value;
  }
  if (data === undefined) throw new MalformedMessage();
  return { keyIndex, data };
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** The protobuf wire format: numbers for varints, views for what has a length. Fixed-width fields are passed over. */
function* fieldsOf(message: Uint8Array): Generator<{ field: number; value: number | Uint8Array }> {
  let position = 0;

  function varint(): number {
    let value = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = message[position++];
      if (byte === undefined) throw new MalformedMessage();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new MalformedMessage();
  }

  function bytes(length: number): Uint8Array {
    if (length > message.length - position) throw new MalformedMessage();
    position += length;
    return message.subarray(position - length, position);
  }

  while (position < message.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const type = tag % 8;
    if (type === VARINT) yield { field, value: varint() };
    else if (type === LENGTH_DELIMITED) yield { field, value: bytes(varint()) };
    else if (type === FIXED64) bytes(8);
    else if (type === FIXED32) bytes(4);
    else throw new MalformedMessage();
  }
}

/** Records as the Kinesis Producer Library puts them together: the other direction of `deaggregate`. */
import { createHash } from 'node:crypto';

export interface KplUserRecord {
  readonly key: string;
  readonly data: Uint8Array | string;
  /** Decides on the shard in place of the key: the KCL drops user records that belong to another shard than their container. */
  readonly hashKey?: string;
}

const MAGIC = Buffer.from('f3899ac2', 'hex');

/** One record of Kinesis that holds all of these. */
export function kplRecord(userRecords: readonly KplUserRecord[]): Buffer {
  const keys = [...new Set(userRecords.map(({ key }) => key))];
  const hashKeys = [...new Set(userRecords.flatMap(({ hashKey }) => hashKey ?? []))];
  return kplContainer(
    Buffer.concat([
      ...keys.map((key) => lengthDelimited(1, Buffer.from(key))),
      ...hashKeys.map((hashKey) => lengthDelimited(2, Buffer.from(hashKey))),
      ...userRecords.map(({ key, hashKey, data }) => {
        const hash = hashKey === undefined ? [] : [varintField(2, hashKeys.indexOf(hashKey))];
        const parts = [varintField(1, keys.indexOf(key)), ...hash, lengthDelimited(3, Buffer.from(data))];
        return lengthDelimited(3, Buffer.concat(parts));
      }),
    ]),
  );
}

/** Magic bytes, the message, its digest. */
export function kplContainer(message: Uint8Array): Buffer {
  return Buffer.concat([MAGIC, message, createHash('md5').update(message).digest()]);
}

/** A protobuf field that has a length: bytes, text, a message. */
export function lengthDelimited(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
}

function varintField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

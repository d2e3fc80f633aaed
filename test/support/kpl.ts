/** Records as the Kinesis Producer Library puts them together. */
import { createHash } from 'node:crypto';

export interface KplUserRecord {
  readonly key: string;
  readonly data: Uint8Array | string;
  /** Decides on the shard in place of the key: the KCL drops user records that belong to another shard than their container. */
  readonly hashKey?: string;
}

/** One record of Kinesis that holds all of these. */
export function kplRecord(userRecords: readonly KplUserRecord[]): Buffer {
  const keys = [...new Set(userRecords.map(({ key }) => key))];
  const hashKeys = [...new Set(userRecords.flatMap(({ hashKey }) => hashKey ?? []))];
  const parts = userRecords.map(({ key, hashKey, data }) => ({
    data,
    key: keys.indexOf(key),
    ...(hashKey !== undefined && { hashKey: hashKeys.indexOf(hashKey) }),
  }));
  return kplContainer(parts, keys, hashKeys);
}

export interface KplPart {
  readonly data: Uint8Array | string;
  /** Indices into the tables. */
  readonly key?: number;
  readonly hashKey?: number;
}

/** Sound or not: what stands in the tables and what points into them is given apart. */
export function kplContainer(
  parts: readonly KplPart[],
  partitionKeys: readonly string[] = ['key-0'],
  explicitHashKeys: readonly string[] = [],
): Buffer {
  return signed(
    Buffer.concat([
      ...partitionKeys.map((key) => field(1, Buffer.from(key))),
      ...explicitHashKeys.map((key) => field(2, Buffer.from(key))),
      ...parts.map(userRecord),
    ]),
  );
}

/** Magic bytes, the message and its digest. */
export function signed(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from('f3899ac2', 'hex'), message, createHash('md5').update(message).digest()]);
}

/** A length-delimited protobuf field. */
export function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes]);
}

function userRecord({ data, key = 0, hashKey }: KplPart): Buffer {
  const parts = [Buffer.from([1 << 3]), varint(key), field(3, Buffer.from(data))];
  if (hashKey !== undefined) parts.push(Buffer.from([2 << 3]), varint(hashKey));
  return field(3, Buffer.concat(parts));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

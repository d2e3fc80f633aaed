/** Records as the Kinesis Producer Library puts them together. */
import { createHash } from 'node:crypto';

export interface KplPart {
  readonly data: Uint8Array | string;
  /** Indices into the tables. */
  readonly key?: number;
  readonly hashKey?: number;
}

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

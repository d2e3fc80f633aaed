/** Which shard a record belongs to: a hash key is a number of 128 bits, and each shard has a range of them. */
import { hash } from 'node:crypto';
import type { KplContainer, KplUserRecord } from './kplDeaggregator.ts';
import type { HashKeyRange } from './lease.ts';

/** Decimal digits of the largest hash key. */
const HASH_KEY_DIGITS = 39;

export type ShardFilter = (container: KplContainer) => (record: KplUserRecord) => boolean;

/**
 * Gives, for a container, what tells whether one of its user records lies in the range: by its explicit hash key or else by
 * the MD5 of its partition key, as Kinesis reckons. Who has no such key in the tables, or one that is no number, lies inside.
 */
export function createShardFilter({ startingHashKey, endingHashKey }: HashKeyRange): ShardFilter {
  const [first, last] = [BigInt(startingHashKey), BigInt(endingHashKey)];
  const contains = (hashKey: bigint) => first <= hashKey && hashKey <= last;
  return ({ partitionKeys, explicitHashKeys }) => {
    const byPartitionKey = partitionKeys.map((key) => contains(BigInt(`0x${hash('md5', key)}`)));
    const byHashKey = explicitHashKeys.map((key) => !isHashKey(key) || contains(BigInt(key)));
    return ({ partitionKeyIndex, explicitHashKeyIndex }) =>
      (explicitHashKeyIndex === undefined ? byPartitionKey[partitionKeyIndex] : byHashKey[explicitHashKeyIndex]) ??
      true;
  };
}

function isHashKey(text: string): boolean {
  return text.length <= HASH_KEY_DIGITS && /^\d+$/.test(text);
}

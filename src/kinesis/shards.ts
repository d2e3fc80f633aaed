/** The shards of a stream and their family ties. */
import type { ChildShard, ListShardsCommandInput, Shard } from '@aws-sdk/client-kinesis';
import type { KinesisApi } from './awsApi.ts';
import type { HashKeyRange } from './lease.ts';
import type { InitialPosition } from './types.ts';

export interface KnownShard {
  readonly shardId: string;
  /** One, or two after a merge; they may be gone from the stream. */
  readonly parentShardIds: readonly string[];
  readonly hashKeyRange: HashKeyRange | null;
  readonly startingSequenceNumber: string;
  readonly isOpen: boolean;
}

/** All shards, or those that hold the data at and after the initial position, through all pages. */
export async function listShards(
  kinesis: KinesisApi,
  streamName: string,
  from: InitialPosition | undefined,
  signal?: AbortSignal,
): Promise<KnownShard[]> {
  const shards: KnownShard[] = [];
  let input: ListShardsCommandInput = { StreamName: streamName, ...(from && { ShardFilter: shardFilter(from) }) };
  for (;;) {
    const page = await kinesis.listShards(input, signal);
    for (const shard of page.Shards ?? []) shards.push(knownShard(shard));
    if (!page.NextToken) return shards;
    input = { NextToken: page.NextToken };
  }
}

function shardFilter(from: InitialPosition): NonNullable<ListShardsCommandInput['ShardFilter']> {
  if (from.type === 'LATEST') return { Type: 'AT_LATEST' };
  if (from.type === 'TRIM_HORIZON') return { Type: 'AT_TRIM_HORIZON' };
  return { Type: 'AT_TIMESTAMP', Timestamp: new Date(from.timestampMs) };
}

function knownShard(shard: Shard): KnownShard {
  const parents = [shard.ParentShardId, shard.AdjacentParentShardId];
  return {
    shardId: shard.ShardId ?? '',
    parentShardIds: parents.filter((id) => typeof id === 'string'),
    hashKeyRange: hashKeyRange(shard.HashKeyRange),
    startingSequenceNumber: shard.SequenceNumberRange?.StartingSequenceNumber ?? '',
    isOpen: !shard.SequenceNumberRange?.EndingSequenceNumber,
  };
}

/** A child as the last read of its parent names it. */
export function knownChild(child: ChildShard): KnownShard {
  return {
    shardId: child.ShardId ?? '',
    parentShardIds: child.ParentShards ?? [],
    hashKeyRange: hashKeyRange(child.HashKeyRange),
    startingSequenceNumber: '',
    isOpen: true,
  };
}

function hashKeyRange(range: Shard['HashKeyRange']): HashKeyRange | null {
  if (range?.StartingHashKey === undefined || range.EndingHashKey === undefined) return null;
  return { startingHashKey: range.StartingHashKey, endingHashKey: range.EndingHashKey };
}

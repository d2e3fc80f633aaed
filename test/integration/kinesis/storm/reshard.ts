/** One split or merge of a stream, by chance. */
import type { Shard } from '@aws-sdk/client-kinesis';
import { pick, type Random } from '../../../../scripts/geoip/random.ts';
import type { Lab } from '../harness.ts';

const SHARDS_MIN = 2;
const SHARDS_MAX = 8;

export function isOpen(shard: Shard): boolean {
  return shard.SequenceNumberRange?.EndingSequenceNumber === undefined;
}

/** Resolves when the stream is active again. */
export async function reshard(lab: Lab, streamName: string, random: Random): Promise<'split' | 'merge'> {
  const open = (await lab.shards(streamName)).filter(isOpen).sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1));
  const splits = open.length <= SHARDS_MIN || (open.length < SHARDS_MAX && random() < 0.5);
  if (splits) {
    await lab.split(streamName, pick(random, open).ShardId ?? '');
    return 'split';
  }
  const left = Math.floor(random() * (open.length - 1));
  await lab.merge(streamName, open[left]?.ShardId ?? '', open[left + 1]?.ShardId ?? '');
  return 'merge';
}

/** Open shards in the order of their hash keys are neighbours. */
function startOf(shard: Shard): bigint {
  return BigInt(shard.HashKeyRange?.StartingHashKey ?? 0);
}

/** The row of a shard in the lease table, as KCL 1.x writes it: attribute names, types and sentinels. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { HashKeyRange, InitialPosition, Lease, Position } from './types.ts';

export const SHARD_END = 'SHARD_END';
const SENTINELS: ReadonlySet<string> = new Set(['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP', SHARD_END]);

export type { HashKeyRange, Lease };

export type Item = Record<string, AttributeValue>;

export function isEnded(lease: Lease): boolean {
  return lease.checkpoint === SHARD_END;
}

/** Where the last owner got to; `null` when it has not read yet, or has ended. */
export function checkpointedPosition(lease: Lease): Position | null {
  if (SENTINELS.has(lease.checkpoint)) return null;
  return { sequenceNumber: lease.checkpoint, subSequenceNumber: lease.checkpointSubSequenceNumber };
}

/** A row for a shard nobody has read. `initialPosition` becomes its sentinel. */
export function newLease(
  shard: { shardId: string; parentShardIds: readonly string[]; hashKeyRange: HashKeyRange | null },
  initialPosition: InitialPosition['type'],
): Lease {
  return {
    leaseKey: shard.shardId,
    leaseOwner: null,
    leaseCounter: 0,
    ownerSwitchesSinceCheckpoint: 0,
    checkpoint: initialPosition,
    checkpointSubSequenceNumber: 0,
    parentShardIds: shard.parentShardIds,
    childShardIds: [],
    hashKeyRange: shard.hashKeyRange,
  };
}

/** Optional attributes are absent, never empty. */
export function toItem(lease: Lease): Item {
  return {
    leaseKey: { S: lease.leaseKey },
    leaseCounter: numberValue(lease.leaseCounter),
    ownerSwitchesSinceCheckpoint: numberValue(lease.ownerSwitchesSinceCheckpoint),
    checkpoint: { S: lease.checkpoint },
    checkpointSubSequenceNumber: numberValue(lease.checkpointSubSequenceNumber),
    ...(lease.leaseOwner !== null && { leaseOwner: { S: lease.leaseOwner } }),
    ...(lease.parentShardIds.length > 0 && { parentShardId: { SS: [...lease.parentShardIds] } }),
    ...(lease.childShardIds.length > 0 && { childShardIds: { SS: [...lease.childShardIds] } }),
    ...(lease.hashKeyRange && {
      startingHashKey: { S: lease.hashKeyRange.startingHashKey },
      endingHashKey: { S: lease.hashKeyRange.endingHashKey },
    }),
  };
}

/** Takes rows of older KCL releases too, which know no hash keys and no children. */
export function fromItem(item: Item): Lease {
  const [startingHashKey, endingHashKey] = [item['startingHashKey']?.S, item['endingHashKey']?.S];
  return {
    leaseKey: item['leaseKey']?.S ?? '',
    leaseOwner: item['leaseOwner']?.S ?? null,
    leaseCounter: numberOf(item['leaseCounter']),
    ownerSwitchesSinceCheckpoint: numberOf(item['ownerSwitchesSinceCheckpoint']),
    checkpoint: item['checkpoint']?.S ?? 'TRIM_HORIZON',
    checkpointSubSequenceNumber: numberOf(item['checkpointSubSequenceNumber']),
    parentShardIds: item['parentShardId']?.SS ?? [],
    childShardIds: item['childShardIds']?.SS ?? [],
    hashKeyRange: startingHashKey && endingHashKey ? { startingHashKey, endingHashKey } : null,
  };
}

export function numberValue(value: number): AttributeValue {
  return { N: String(value) };
}

function numberOf(value: AttributeValue | undefined): number {
  return Number(value?.N ?? 0);
}

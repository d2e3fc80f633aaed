/** What a seek makes of the lease table. No calls: shards, rows and found records in, rows out. */
import type { FoundRecord } from './findRecords.ts';
import { checkpointedPosition, isEnded, type Lease, newLease, SHARD_END } from './lease.ts';
import { comparePositions } from './position.ts';
import type { KnownShard } from './shards.ts';
import type { InitialPosition } from './types.ts';

/** What was looked up in one shard. */
export interface FoundInShard {
  /** The first record at or after the time; `null` when there is none, and for LATEST. */
  readonly from: FoundRecord | null;
  /** The last record of an open shard without such a one; `null` when it has none at all. */
  readonly last: FoundRecord | null;
}

export interface PlannedRow {
  readonly shardId: string;
  /** As seen; `null` when there is none. */
  readonly before: Lease | null;
  /** As it is to be; `null` when none is needed: the shard is closed and nothing in it is wanted. */
  readonly after: Lease | null;
  readonly change: 'create' | 'move' | 'none';
  /** `unknown`: a new row, or one that does not say where its worker would begin. */
  readonly direction: 'back' | 'forward' | 'none' | 'unknown';
}

/** KCL compares positions as pairs: this one stands before every user record of its record, which is read then. */
const BEFORE_RECORD = -1;

/**
 * One entry for each shard in the stream, in their order. Since all of them get a row, parents come before children as
 * always. Rows of shards that the stream no longer has are left alone.
 */
export function planSeek(
  target: InitialPosition,
  shards: readonly KnownShard[],
  leases: readonly Lease[],
  found: ReadonlyMap<string, FoundInShard>,
): PlannedRow[] {
  const rows = new Map(leases.map((lease) => [lease.leaseKey, lease]));
  return shards.map((shard) => {
    const before = rows.get(shard.shardId) ?? null;
    const start = target.type === 'TRIM_HORIZON' ? OLDEST : startOf(shard, found.get(shard.shardId));
    const { shardId } = shard;
    if (before === null && start.checkpoint === SHARD_END) {
      return { shardId, before, after: null, change: 'none', direction: 'none' };
    }
    const after = rowAt(start, before, shard, shards);
    return { shardId, before, after, change: changeOf(before, after), direction: directionOf(before, after) };
  });
}

type Start = Pick<Lease, 'checkpoint' | 'checkpointSubSequenceNumber'>;

const OLDEST: Start = { checkpoint: 'TRIM_HORIZON', checkpointSubSequenceNumber: 0 };

function startOf(shard: KnownShard, found: FoundInShard | undefined): Start {
  if (found?.from) return { checkpoint: found.from.sequenceNumber, checkpointSubSequenceNumber: BEFORE_RECORD };
  if (!shard.isOpen) return { checkpoint: SHARD_END, checkpointSubSequenceNumber: 0 };
  if (!found?.last) return OLDEST;
  const { sequenceNumber, lastSubSequenceNumber } = found.last;
  return { checkpoint: sequenceNumber, checkpointSubSequenceNumber: lastSubSequenceNumber };
}

function rowAt(start: Start, before: Lease | null, shard: KnownShard, shards: readonly KnownShard[]): Lease {
  if (before === null) return { ...newLease(shard, 'TRIM_HORIZON'), ...start };
  const isUnchanged = before.leaseOwner === null && comparable(before) === comparable({ ...before, ...start });
  if (isUnchanged) return before;
  const children = shards.filter(({ parentShardIds }) => parentShardIds.includes(shard.shardId));
  return {
    ...before,
    ...start,
    leaseOwner: null,
    leaseCounter: before.leaseCounter + 1,
    ownerSwitchesSinceCheckpoint: 0,
    childShardIds:
      start.checkpoint === SHARD_END && children.length > 0
        ? children.map(({ shardId }) => shardId)
        : before.childShardIds,
    hashKeyRange: before.hashKeyRange ?? shard.hashKeyRange,
  };
}

function comparable({ checkpoint, checkpointSubSequenceNumber }: Lease): string {
  return `${checkpoint}/${checkpointSubSequenceNumber}`;
}

function changeOf(before: Lease | null, after: Lease): PlannedRow['change'] {
  if (before === null) return 'create';
  return before === after ? 'none' : 'move';
}

function directionOf(before: Lease | null, after: Lease): PlannedRow['direction'] {
  if (before === null) return 'unknown';
  if (comparable(before) === comparable(after)) return 'none';
  const order = orderOf(after) - orderOf(before) || comparedInside(after, before);
  if (Number.isNaN(order)) return 'unknown';
  return order < 0 ? 'back' : 'forward';
}

function orderOf(lease: Lease): number {
  if (lease.checkpoint === 'TRIM_HORIZON') return 0;
  if (checkpointedPosition(lease) !== null) return 1;
  return isEnded(lease) ? 2 : Number.NaN;
}

function comparedInside(left: Lease, right: Lease): number {
  const [leftPosition, rightPosition] = [checkpointedPosition(left), checkpointedPosition(right)];
  return leftPosition && rightPosition ? comparePositions(leftPosition, rightPosition) : Number.NaN;
}

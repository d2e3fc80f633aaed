import { describe, expect, it } from 'vitest';
import type { FoundRecord } from '../../../src/kinesis/findRecords.ts';
import { type Lease, newLease } from '../../../src/kinesis/lease.ts';
import { type FoundInShard, planSeek } from '../../../src/kinesis/seekPlan.ts';
import type { KnownShard } from '../../../src/kinesis/shards.ts';
import type { InitialPosition } from '../../../src/kinesis/types.ts';

const TIME: InitialPosition = { type: 'AT_TIMESTAMP', timestampMs: 1_000 };
const LATEST: InitialPosition = { type: 'LATEST' };
const OLDEST: InitialPosition = { type: 'TRIM_HORIZON' };

const shard = (shardId: string, isOpen: boolean, parentShardIds: string[] = []): KnownShard => ({
  shardId,
  parentShardIds,
  hashKeyRange: { startingHashKey: '0', endingHashKey: '9' },
  startingSequenceNumber: '1',
  isOpen,
});
const OPEN = shard('s0', true);
const CLOSED = shard('s0', false);

const lease = (checkpoint: string, changes: Partial<Lease> = {}): Lease => ({
  ...newLease(OPEN, 'TRIM_HORIZON'),
  leaseCounter: 7,
  checkpoint,
  ...changes,
});
const record = (sequenceNumber: string, lastSubSequenceNumber = 0): FoundRecord => ({
  sequenceNumber,
  lastSubSequenceNumber,
  arrivalMs: 1_500,
});
const NOTHING: FoundInShard = { from: null, last: null };

interface Row {
  readonly name: string;
  readonly target: InitialPosition;
  readonly shard: KnownShard;
  readonly before: Lease | null;
  readonly found?: FoundInShard;
  readonly expected: string;
}

/** Checkpoint/sub-sequence number, change and direction, in short. */
function planned({ target, shard: given, before, found }: Row): string {
  const [row] = planSeek(target, [given], before ? [before] : [], new Map(found ? [['s0', found]] : []));
  const after = row?.after ? `${row.after.checkpoint}/${row.after.checkpointSubSequenceNumber}` : 'no row';
  return `${after} ${row?.change} ${row?.direction}`;
}

describe('where a shard begins', () => {
  it.each<Row>([
    {
      name: 'at the first record from the time on, that included',
      target: TIME,
      shard: OPEN,
      before: lease('500'),
      found: { from: record('200'), last: null },
      expected: '200/-1 move back',
    },
    {
      name: 'forward to it',
      target: TIME,
      shard: OPEN,
      before: lease('100'),
      found: { from: record('200'), last: null },
      expected: '200/-1 move forward',
    },
    {
      name: 'back to the beginning of the aggregated record in whose middle it stood',
      target: TIME,
      shard: OPEN,
      before: lease('200', { checkpointSubSequenceNumber: 3 }),
      found: { from: record('200', 9), last: null },
      expected: '200/-1 move back',
    },
    {
      name: 'in a closed shard likewise',
      target: TIME,
      shard: CLOSED,
      before: lease('SHARD_END'),
      found: { from: record('200'), last: null },
      expected: '200/-1 move back',
    },
    {
      name: 'after the last record of an open shard without one from the time on',
      target: TIME,
      shard: OPEN,
      before: lease('100'),
      found: { from: null, last: record('300') },
      expected: '300/0 move forward',
    },
    {
      name: 'after the last user record of an aggregated one',
      target: LATEST,
      shard: OPEN,
      before: lease('300'),
      found: { from: null, last: record('300', 4) },
      expected: '300/4 move forward',
    },
    {
      name: 'at the oldest record to come in an open shard without any',
      target: LATEST,
      shard: OPEN,
      before: lease('100'),
      found: NOTHING,
      expected: 'TRIM_HORIZON/0 move back',
    },
    {
      name: 'nowhere in a closed shard without one from the time on',
      target: TIME,
      shard: CLOSED,
      before: lease('100'),
      found: NOTHING,
      expected: 'SHARD_END/0 move forward',
    },
    {
      name: 'nowhere in a closed shard whose row was cleaned up, and no row is made for that',
      target: LATEST,
      shard: CLOSED,
      before: null,
      found: NOTHING,
      expected: 'no row none none',
    },
    {
      name: 'in a closed shard whose row was cleaned up, when it holds such records',
      target: TIME,
      shard: CLOSED,
      before: null,
      found: { from: record('200'), last: null },
      expected: '200/-1 create unknown',
    },
    {
      name: 'in an open shard whose row is not made yet',
      target: LATEST,
      shard: OPEN,
      before: null,
      found: { from: null, last: record('300') },
      expected: '300/0 create unknown',
    },
    {
      name: 'at the oldest record, asked for by name',
      target: OLDEST,
      shard: CLOSED,
      before: lease('SHARD_END'),
      expected: 'TRIM_HORIZON/0 move back',
    },
    {
      name: 'at the oldest record of a shard whose row was cleaned up',
      target: OLDEST,
      shard: CLOSED,
      before: null,
      expected: 'TRIM_HORIZON/0 create unknown',
    },
    {
      name: 'where it stands already',
      target: OLDEST,
      shard: OPEN,
      before: lease('TRIM_HORIZON'),
      expected: 'TRIM_HORIZON/0 none none',
    },
    {
      name: 'where it stands already, but a dead owner is cleared',
      target: OLDEST,
      shard: OPEN,
      before: lease('TRIM_HORIZON', { leaseOwner: 'dead' }),
      expected: 'TRIM_HORIZON/0 move none',
    },
    {
      name: 'somewhere else than a row that says LATEST, whatever that would be',
      target: TIME,
      shard: OPEN,
      before: lease('LATEST'),
      found: { from: record('200'), last: null },
      expected: '200/-1 move unknown',
    },
  ])('$name', (row) => {
    expect(planned(row)).toBe(row.expected);
  });
});

describe('the row', () => {
  it('has no owner, a counter further, and is complete', () => {
    const before = lease('500', { leaseOwner: 'dead', ownerSwitchesSinceCheckpoint: 2, hashKeyRange: null });
    const [row] = planSeek(TIME, [OPEN], [before], new Map([['s0', { from: record('200'), last: null }]]));
    expect(row?.after).toEqual({
      leaseKey: 's0',
      leaseOwner: null,
      leaseCounter: 8,
      ownerSwitchesSinceCheckpoint: 0,
      checkpoint: '200',
      checkpointSubSequenceNumber: -1,
      parentShardIds: [],
      childShardIds: [],
      hashKeyRange: { startingHashKey: '0', endingHashKey: '9' },
    });
  });

  it('of a closed shard that is skipped names its children', () => {
    const shards = [CLOSED, shard('s1', true, ['s0']), shard('s2', true, ['s0'])];
    const plan = planSeek(LATEST, shards, [lease('100')], new Map());
    expect(plan.map(({ after }) => after?.checkpoint)).toEqual(['SHARD_END', 'TRIM_HORIZON', 'TRIM_HORIZON']);
    expect(plan[0]?.after?.childShardIds).toEqual(['s1', 's2']);
    expect(plan[1]?.after).toMatchObject({ leaseCounter: 0, parentShardIds: ['s0'] });
  });

  it('of a shard that the stream no longer has is left alone', () => {
    const plan = planSeek(OLDEST, [OPEN], [lease('100'), lease('200', { leaseKey: 'gone' })], new Map());
    expect(plan.map(({ shardId }) => shardId)).toEqual(['s0']);
  });
});

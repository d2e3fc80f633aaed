import { describe, expect, it } from 'vitest';
import { type Lease, newLease, toItem } from '../../../src/kinesis/lease.ts';
import { describeLeases, type LeaseReport, reportLeases } from '../../../src/kinesis/leaseReport.ts';
import { LeaseTable } from '../../../src/kinesis/leaseTable.ts';
import type { KnownShard } from '../../../src/kinesis/shards.ts';
import { FakeDynamoDb } from './fakes/fakeDynamoDb.ts';
import { FakeKinesis } from './fakes/fakeKinesis.ts';
import { awsError } from './fakes/faults.ts';
import { QuickClock } from './fakes/quickClock.ts';

const shard = (shardId: string, isOpen = true, parentShardIds: string[] = []): KnownShard => ({
  shardId,
  parentShardIds,
  hashKeyRange: null,
  startingSequenceNumber: '1',
  isOpen,
});
const lease = (
  shardId: string,
  leaseOwner: string | null,
  checkpoint: string,
  parentShardIds: string[] = [],
): Lease => ({
  ...newLease(shard(shardId), 'TRIM_HORIZON'),
  leaseOwner,
  checkpoint,
  parentShardIds,
});
const problems = (report: Pick<LeaseReport, 'problems'>) =>
  Object.fromEntries(report.problems.map(({ problem, shardIds }) => [problem, shardIds.join()]));

describe('what is wrong', () => {
  it.each<[name: string, shards: KnownShard[], leases: Lease[], expected: Record<string, string>]>([
    ['nothing: all are held', [shard('s0'), shard('s1')], [lease('s0', 'a', '1'), lease('s1', 'b', '1')], {}],
    [
      'a row without an owner',
      [shard('s0'), shard('s1')],
      [lease('s0', 'a', '1'), lease('s1', null, '1')],
      { no_owner: 's1' },
    ],
    ['a row whose counter stands still', [shard('s0')], [lease('s0', 'dead', '1')], { silent_owner: 's0' }],
    [
      'nothing: shards that are read to their end need nobody',
      [shard('s0', false)],
      [lease('s0', 'dead', 'SHARD_END')],
      {},
    ],
    [
      'nothing: a closed shard whose row was cleaned up',
      [shard('s0', false), shard('s1', true, ['s0'])],
      [lease('s1', 'a', '1', ['s0'])],
      {},
    ],
    [
      'nothing: a child whose row is made at the end of its parent',
      [shard('s0', false), shard('s1', true, ['s0'])],
      [lease('s0', 'a', '1')],
      {},
    ],
    [
      'nothing: nor a grandchild',
      [shard('s0', false), shard('s1', false, ['s0']), shard('s2', true, ['s1'])],
      [lease('s0', 'a', '1')],
      {},
    ],
    [
      'an open shard whose parents have ended, without a row',
      [shard('s0', false), shard('s1', true, ['s0'])],
      [lease('s0', null, 'SHARD_END')],
      { no_row: 's1' },
    ],
    ['a shard that the stream lost before it was read to its end', [], [lease('s0', 'a', '1')], { records_lost: 's0' }],
    ['nothing: an ended one that it lost', [], [lease('s0', null, 'SHARD_END')], {}],
  ])('%s', (_name, shards, leases, expected) => {
    const alive = new Set(leases.filter(({ leaseOwner }) => leaseOwner !== 'dead').map(({ leaseKey }) => leaseKey));
    expect(problems(describeLeases(shards, leases, new Map(), { alive, forMs: 4_000 }))).toEqual(expected);
  });

  it('a checkpoint that is older than what the stream still has', () => {
    const read = { arrivalMs: null, isTrimmed: true, millisBehindLatest: 86_000_000 };
    const report = describeLeases([shard('s0')], [lease('s0', 'a', '1')], new Map([['s0', read]]), null);
    expect(problems(report)).toEqual({ records_lost: 's0' });
  });
});

it('counts the rows of each owner, and takes it for alive when one of them moves', () => {
  const leases = [lease('s0', 'a', '1'), lease('s1', 'a', '1'), lease('s2', 'b', '1'), lease('s3', 'a', 'SHARD_END')];
  const report = describeLeases([], leases, new Map(), { alive: new Set(['s1']), forMs: 4_000 });
  expect(report.owners).toEqual([
    { leaseOwner: 'a', leases: 2, state: 'alive' },
    { leaseOwner: 'b', leases: 1, state: 'silent' },
  ]);
  expect(report.shards.map(({ ownerState }) => ownerState)).toEqual(['silent', 'alive', 'silent', 'silent']);
});

describe('the calls', () => {
  function createStream() {
    const clock = new QuickClock();
    const kinesis = new FakeKinesis(clock.now, ['s0', 's1', 's2', 's3']);
    const dynamodb = new FakeDynamoDb(true);
    const around = {
      kinesis,
      table: new LeaseTable('leases', dynamodb),
      clock,
      random: () => 0.5,
      signal: new AbortController().signal,
    };
    const request = {
      streamName: 'logs',
      initialPosition: { type: 'TRIM_HORIZON' },
      failoverTimeMs: 10_000,
      readsLag: true,
      watches: true,
    } as const;
    return { ...around, dynamodb, report: (changes = {}) => reportLeases({ ...request, ...changes }, around) };
  }

  it('read one record a shard: its age, and how far behind it is', async () => {
    const stream = createStream();
    const [first = ''] = stream.kinesis.put('s0', 'a', 'b');
    const arrivalMs = stream.clock.now();
    stream.kinesis.put('s1', 'a');
    stream.dynamodb.put(toItem(lease('s0', null, first)));
    stream.dynamodb.put(toItem(lease('s1', null, 'TRIM_HORIZON')));
    stream.dynamodb.put(toItem(lease('s2', null, 'LATEST')));
    stream.dynamodb.put(toItem(lease('s3', null, 'SHARD_END')));
    stream.clock.pass(5_000);
    const { shards, watchedMs } = await stream.report();
    expect(shards).toMatchObject([
      { shardId: 's0', checkpointArrivalMs: arrivalMs, millisBehindLatest: 1_000 },
      { shardId: 's1', checkpointArrivalMs: null, millisBehindLatest: 5_000 },
      { shardId: 's2', checkpointArrivalMs: null, millisBehindLatest: null },
      { shardId: 's3', checkpointArrivalMs: null, millisBehindLatest: null },
    ]);
    expect(watchedMs).toBeNull();
    expect(stream.kinesis.calls.filter((call) => call === 'getRecords')).toHaveLength(2);
  });

  it('look at the table again after a little more than a renewal takes, when rows have owners', async () => {
    const stream = createStream();
    stream.dynamodb.put(toItem(lease('s0', 'alive', 'LATEST')));
    stream.dynamodb.put(toItem(lease('s1', 'dead', 'LATEST')));
    const { sleep } = stream.clock;
    stream.clock.sleep = async (ms) => {
      await sleep(ms);
      stream.dynamodb.put(toItem({ ...lease('s0', 'alive', 'LATEST'), leaseCounter: 1 }));
    };
    const { shards, watchedMs } = await stream.report();
    expect(shards.map(({ ownerState }) => ownerState)).toEqual(['alive', 'silent', null, null]);
    expect(watchedMs).toBeGreaterThan(10_000 / 3);
    expect(watchedMs).toBeLessThan(5_000);
  });

  it('are left out when they are not asked for', async () => {
    const stream = createStream();
    stream.dynamodb.put(toItem(lease('s0', 'who', 'TRIM_HORIZON')));
    const startedMs = stream.clock.now();
    const { shards, watchedMs } = await stream.report({ readsLag: false, watches: false });
    expect(shards[0]).toMatchObject({ ownerState: 'unknown', millisBehindLatest: null });
    expect(watchedMs).toBeNull();
    expect(stream.kinesis.calls).toEqual(['listShards']);
    expect(stream.clock.now()).toBe(startedMs);
  });

  it('are made once a shard: where its readers leave no call over, the lag is unknown', async () => {
    const stream = createStream();
    stream.dynamodb.put(toItem(lease('s0', null, 'TRIM_HORIZON')));
    stream.kinesis.faults.refuse('getRecords', awsError('ProvisionedThroughputExceededException'));
    expect((await stream.report()).shards[0]).toMatchObject({ millisBehindLatest: null });
    stream.kinesis.faults.refuse('getRecords', awsError('AccessDeniedException'));
    await expect(stream.report()).rejects.toThrow('AccessDeniedException');
  });

  it('say when there is no table', async () => {
    const stream = createStream();
    stream.dynamodb.faults.refuse('scan', awsError('ResourceNotFoundException'));
    const report = await stream.report();
    expect(report.tableExists).toBe(false);
    expect(problems(report)).toEqual({ no_row: 's0,s1,s2,s3' });
  });
});

import { describe, expect, it } from 'vitest';
import { RecordFinder } from '../../../src/kinesis/findRecords.ts';
import { type Lease, newLease, toItem } from '../../../src/kinesis/lease.ts';
import { LeaseTable } from '../../../src/kinesis/leaseTable.ts';
import { type SeekRequest, type SeekResult, seek } from '../../../src/kinesis/seek.ts';
import type { KnownShard } from '../../../src/kinesis/shards.ts';
import { kplRecord } from '../../support/kpl.ts';
import { FakeDynamoDb } from './fakes/fakeDynamoDb.ts';
import { FakeKinesis } from './fakes/fakeKinesis.ts';
import { awsError } from './fakes/faults.ts';
import { QuickClock } from './fakes/quickClock.ts';

const HOUR_MS = 3_600_000;

function createStream(...shardIds: string[]) {
  const clock = new QuickClock();
  const kinesis = new FakeKinesis(clock.now, shardIds);
  const dynamodb = new FakeDynamoDb(true);
  const said: string[] = [];
  const around = {
    kinesis,
    table: new LeaseTable('leases', dynamodb),
    clock,
    random: () => 0.5,
    signal: new AbortController().signal,
    progress: (text: string) => said.push(text),
  };
  const put = (shardId: string, text: string | Uint8Array = 'x') => kinesis.put(shardId, text)[0] as string;
  const row = (leaseKey: string, changes: Partial<Lease> = {}) => {
    const shard = { shardId: leaseKey, parentShardIds: [], hashKeyRange: null };
    dynamodb.put(toItem({ ...newLease(shard, 'TRIM_HORIZON'), leaseCounter: 5, ...changes }));
  };
  const run = (request: Partial<SeekRequest>): Promise<SeekResult> =>
    seek({ streamName: 'logs', target: { type: 'LATEST' }, failoverTimeMs: 10_000, dryRun: false, ...request }, around);
  const to = (timestampMs: number) => ({ target: { type: 'AT_TIMESTAMP', timestampMs } as const });
  const positions = () =>
    Object.fromEntries([...dynamodb.rows.keys()].map((key) => [key, dynamodb.row(key)?.['checkpoint']]));
  return { ...around, dynamodb, said, put, row, run, to, positions };
}

describe('the position of a shard', () => {
  function finderOf(stream: ReturnType<typeof createStream>): RecordFinder {
    const shard: KnownShard = {
      shardId: 's0',
      parentShardIds: [],
      hashKeyRange: null,
      startingSequenceNumber: '0',
      isOpen: true,
    };
    return new RecordFinder(shard, { ...stream, streamName: 'logs', readIntervalMs: 200 });
  }

  it('is the first record at or after the time', async () => {
    const stream = createStream('s0');
    stream.put('s0');
    stream.clock.pass(1_000);
    const atMs = stream.clock.now();
    const wanted = stream.put('s0');
    stream.put('s0');
    stream.clock.pass(HOUR_MS);
    const finder = finderOf(stream);
    expect(await finder.firstFrom(atMs)).toMatchObject({ sequenceNumber: wanted, arrivalMs: atMs });
    expect(await finder.firstFrom(atMs - 999)).toMatchObject({ sequenceNumber: wanted });
    expect(await finder.firstFrom(atMs + 1)).toBeNull();
  });

  it('is looked for through answers that are empty, as Kinesis gives them in between', async () => {
    const stream = createStream('s0');
    const wanted = stream.put('s0');
    const { getRecords } = stream.kinesis;
    let empty = 3;
    stream.kinesis.getRecords = async (input, signal) => {
      if (empty === 0) return getRecords(input, signal);
      empty -= 1;
      return { Records: [], NextShardIterator: input.ShardIterator, MillisBehindLatest: 5_000 };
    };
    expect(await finderOf(stream).firstFrom(0)).toMatchObject({ sequenceNumber: wanted });
  });

  it('is the tip for a time that the clock of Kinesis has not reached', async () => {
    const stream = createStream('s0');
    stream.put('s0');
    expect(await finderOf(stream).firstFrom(stream.clock.now() + 5_000)).toBeNull();
  });

  it.each([0, 5_000, 30_000, 20 * 60_000, 11 * HOUR_MS, 40 * 24 * HOUR_MS, 364 * 24 * HOUR_MS])(
    'is the last record, %i ms old',
    async (ageMs) => {
      const stream = createStream('s0');
      for (let n = 0; n < 500; n += 1) {
        stream.put('s0');
        stream.clock.pass(20_000);
      }
      const wanted = stream.put('s0', kplRecord(['a', 'b', 'c'].map((data) => ({ key: 'k', data }))));
      stream.clock.pass(ageMs);
      const found = await finderOf(stream).last();
      expect(found).toMatchObject({ sequenceNumber: wanted, lastSubSequenceNumber: 2 });
      expect(stream.kinesis.calls.filter((call) => call === 'getRecords').length).toBeLessThan(40);
    },
  );

  it('is the last record of a busy shard, which is not read through for it', async () => {
    const stream = createStream('s0');
    for (let n = 0; n < 3_000; n += 1) {
      stream.put('s0');
      stream.clock.pass(100);
    }
    const wanted = stream.put('s0');
    stream.clock.pass(HOUR_MS);
    stream.kinesis.recordsACall = 10;
    expect(await finderOf(stream).last()).toMatchObject({ sequenceNumber: wanted });
    expect(stream.kinesis.calls.filter((call) => call === 'getRecords').length).toBeLessThan(40);
  });

  it('is none in an empty shard', async () => {
    expect(await finderOf(createStream('s0')).last()).toBeNull();
  });

  it('is found at no more reads a second than Kinesis allows', async () => {
    const stream = createStream('s0');
    const reads: number[] = [];
    const { getRecords } = stream.kinesis;
    stream.kinesis.getRecords = (input, signal) => {
      reads.push(stream.clock.now());
      return getRecords(input, signal);
    };
    await finderOf(stream).last();
    expect(reads.length).toBeGreaterThan(5);
    const gaps = reads.slice(1).map((readMs, index) => readMs - (reads[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(200);
  });

  it('is asked for again after a throttled call, and not after a refusal', async () => {
    const stream = createStream('s0');
    const wanted = stream.put('s0');
    stream.kinesis.faults.refuse('getRecords', awsError('ProvisionedThroughputExceededException'), 3);
    expect(await finderOf(stream).firstFrom(0)).toMatchObject({ sequenceNumber: wanted });
    stream.kinesis.faults.refuse('getRecords', awsError('AccessDeniedException'), 1);
    await expect(finderOf(stream).firstFrom(0)).rejects.toThrow('AccessDeniedException');
  });
});

describe('a seek', () => {
  it('puts every shard to the time: at the first record from then on, or after the last before', async () => {
    const stream = createStream('s0', 's1', 's2');
    stream.put('s0');
    const last = stream.put('s1');
    stream.clock.pass(1_000);
    const atMs = stream.clock.now();
    const first = stream.put('s0');
    stream.row('s0', { checkpoint: first });
    stream.row('s1');
    stream.row('s2');
    const result = await stream.run(stream.to(atMs));
    expect(stream.dynamodb.row('s0')).toMatchObject({ checkpoint: first, checkpointSubSequenceNumber: -1 });
    expect(stream.dynamodb.row('s1')).toMatchObject({ checkpoint: last, checkpointSubSequenceNumber: 0 });
    expect(stream.dynamodb.row('s2')).toMatchObject({ checkpoint: 'TRIM_HORIZON', leaseCounter: 5 });
    expect(result).toMatchObject({
      stopped: null,
      leftShardIds: [],
      shards: [
        { shardId: 's0', change: 'move', direction: 'back', done: true, after: { arrivalMs: atMs } },
        { shardId: 's1', change: 'move', direction: 'forward', done: true, before: { checkpoint: 'TRIM_HORIZON' } },
        { shardId: 's2', change: 'none', direction: 'none', done: true },
      ],
    });
  });

  it('keeps a record that came between the two looks', async () => {
    const stream = createStream('s0');
    stream.put('s0');
    stream.row('s0');
    stream.clock.pass(1_000);
    const atMs = stream.clock.now();
    const { getRecords } = stream.kinesis;
    let late: string | undefined;
    stream.kinesis.getRecords = async (input, signal) => {
      const answer = await getRecords(input, signal);
      late ??= stream.put('s0');
      return answer;
    };
    await stream.run(stream.to(atMs));
    expect(stream.dynamodb.row('s0')).toMatchObject({ checkpoint: late, checkpointSubSequenceNumber: -1 });
  });

  it('over a split goes back into the parent, whose row was cleaned up', async () => {
    const stream = createStream('s0');
    const first = stream.put('s0');
    stream.clock.pass(1_000);
    stream.kinesis.addShard('s1', ['s0']);
    const child = stream.put('s1');
    stream.row('s1', { checkpoint: child, parentShardIds: ['s0'] });
    await stream.run(stream.to(0));
    expect(stream.positions()).toEqual({ s0: first, s1: child });
    expect(stream.dynamodb.row('s0')).toMatchObject({ leaseCounter: 0, checkpointSubSequenceNumber: -1 });
    await stream.run({ target: { type: 'LATEST' } });
    expect(stream.positions()).toEqual({ s0: 'SHARD_END', s1: child });
    expect(stream.dynamodb.row('s0')).toMatchObject({ childShardIds: ['s1'] });
    await stream.run({ target: { type: 'TRIM_HORIZON' } });
    expect(stream.positions()).toEqual({ s0: 'TRIM_HORIZON', s1: 'TRIM_HORIZON' });
  });

  it('leaves rows of shards that the stream no longer has, and says so', async () => {
    const stream = createStream('s0');
    stream.row('s0');
    stream.row('gone', { checkpoint: '1' });
    const { leftShardIds } = await stream.run({ target: { type: 'TRIM_HORIZON' } });
    expect(leftShardIds).toEqual(['gone']);
    expect(stream.positions()).toEqual({ s0: 'TRIM_HORIZON', gone: '1' });
  });

  it('writes nothing on a dry run, even while workers live, and reads slowly beside them', async () => {
    const stream = createStream('s0');
    const last = stream.put('s0');
    stream.row('s0', { leaseOwner: 'alive' });
    const startedMs = stream.clock.now();
    const { shards } = await stream.run({ dryRun: true });
    expect(shards).toMatchObject([
      { change: 'move', before: { checkpoint: 'TRIM_HORIZON' }, after: { checkpoint: last }, done: false },
    ]);
    expect(stream.clock.now() - startedMs).toBeGreaterThanOrEqual(1_000);
    expect(stream.positions()).toEqual({ s0: 'TRIM_HORIZON' });
    expect(stream.said.join()).not.toContain('alive');
  });

  it('refuses without a lease table', async () => {
    const stream = createStream('s0');
    stream.dynamodb.faults.refuse('scan', awsError('ResourceNotFoundException'));
    await expect(stream.run({})).rejects.toThrow(/^there is no lease table "leases" yet/);
  });
});

describe('workers', () => {
  it('that live are found by a counter that moves, and the seek is refused at once', async () => {
    const stream = createStream('s0', 's1');
    stream.row('s0', { leaseOwner: 'dead' });
    stream.row('s1', { leaseOwner: 'alive' });
    const startedMs = stream.clock.now();
    const { sleep } = stream.clock;
    stream.clock.sleep = async (ms) => {
      await sleep(ms);
      if (stream.clock.now() - startedMs === 3_000) stream.row('s1', { leaseOwner: 'alive', leaseCounter: 6 });
    };
    await expect(stream.run({})).rejects.toThrow('workers use the lease table "leases": alive. Stop them');
    expect(stream.clock.now() - startedMs).toBe(3_000);
    expect(stream.said).toEqual(['rows belong to alive, dead: watching for 11 s whether they are alive']);
    expect(stream.positions()).toEqual({ s0: 'TRIM_HORIZON', s1: 'TRIM_HORIZON' });
  });

  it('that are dead lose their rows after the failover time', async () => {
    const stream = createStream('s0');
    const last = stream.put('s0');
    stream.row('s0', { leaseOwner: 'dead', ownerSwitchesSinceCheckpoint: 3 });
    const startedMs = stream.clock.now();
    await stream.run({});
    expect(stream.clock.now() - startedMs).toBeGreaterThan(10_000);
    expect(stream.dynamodb.row('s0')).toMatchObject({
      checkpoint: last,
      leaseCounter: 6,
      ownerSwitchesSinceCheckpoint: 0,
    });
    expect(stream.dynamodb.row('s0')).not.toHaveProperty('leaseOwner');
  });

  it('that stopped in good order are not waited for', async () => {
    const stream = createStream('s0');
    stream.row('s0');
    const startedMs = stream.clock.now();
    await stream.run({ target: { type: 'TRIM_HORIZON' } });
    expect(stream.clock.now() - startedMs).toBeLessThan(1_000);
  });

  it('that start while rows are written stop the seek there', async () => {
    const stream = createStream('s0', 's1', 's2');
    for (const shardId of ['s0', 's1', 's2']) {
      stream.put(shardId);
      stream.row(shardId);
    }
    const { updateItem } = stream.dynamodb;
    stream.dynamodb.updateItem = async (input, signal) => {
      await updateItem(input, signal);
      stream.row('s1', { leaseOwner: 'new', leaseCounter: 6 });
    };
    const result = await stream.run({});
    expect(result.stopped).toEqual({ shardId: 's1', reason: expect.stringContaining('a worker has started') });
    expect(result.shards.map(({ done }) => done)).toEqual([true, false, false]);
    expect(stream.dynamodb.row('s1')).toMatchObject({ leaseOwner: 'new', checkpoint: 'TRIM_HORIZON' });
    expect(stream.dynamodb.row('s2')).toMatchObject({ leaseCounter: 5, checkpoint: 'TRIM_HORIZON' });
  });

  it('are not blamed when a row may not be written; what is written stays', async () => {
    const stream = createStream('s0', 's1');
    const last = stream.put('s0');
    stream.row('s0');
    stream.dynamodb.faults.refuse('putItem', awsError('AccessDeniedException', 'not authorized'));
    const { stopped, shards } = await stream.run({});
    expect(stopped).toEqual({
      shardId: 's1',
      reason: expect.stringMatching(/^AccessDeniedException: not authorized \(.*permissions/),
    });
    expect(shards.map(({ done }) => done)).toEqual([true, false]);
    expect(stream.positions()).toEqual({ s0: last });
  });

  it('that make the missing row first stop the seek there', async () => {
    const stream = createStream('s0');
    stream.put('s0');
    stream.dynamodb.faults.refuse('putItem', awsError('ConditionalCheckFailedException'));
    expect(await stream.run({})).toMatchObject({ stopped: { shardId: 's0' }, shards: [{ done: false }] });
  });

  it('are not suspected when only the answer of a write was lost', async () => {
    const stream = createStream('s0', 's1');
    const last = stream.put('s0');
    stream.row('s0');
    stream.dynamodb.faults.loseAnswer('updateItem');
    stream.dynamodb.faults.loseAnswer('putItem');
    expect(await stream.run({})).toMatchObject({ stopped: null });
    expect(stream.positions()).toEqual({ s0: last, s1: 'TRIM_HORIZON' });
  });
});

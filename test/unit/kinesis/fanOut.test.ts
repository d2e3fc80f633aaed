import { describe, expect, test } from 'vitest';
import { awsError } from './fakes/faults.ts';
import {
  begin,
  createLab,
  createWorker,
  end,
  type FakeLab,
  type FakeWorker,
  type FakeWorkerOptions,
} from './fakes/lab.ts';

const BY_FAN_OUT: FakeWorkerOptions = { fanOut: { consumerName: 'mine' } };

function createFanned(
  shardIds: readonly string[],
  options: FakeWorkerOptions = {},
): { lab: FakeLab; worker: FakeWorker } {
  const lab = createLab(shardIds);
  lab.kinesis.fanOut.register('mine');
  return { lab, worker: createWorker(lab, { ...BY_FAN_OUT, ...options }) };
}

function countOf(lab: FakeLab, operation: string): number {
  return lab.kinesis.calls.filter((call) => call === operation).length;
}

function warnings(lab: FakeLab): string[] {
  return lab.log.filter((line) => line.startsWith('warn'));
}

function sources(worker: FakeWorker): (string | null)[] {
  return worker.consumer.snapshot().shards.map((shard) => shard.source);
}

describe('a subscription', () => {
  test('brings the records as they come; nothing is polled', async () => {
    const { lab, worker } = createFanned(['s0', 's1']);
    lab.kinesis.put('s0', 'a', 'b');
    await begin(lab, worker);
    expect(worker.texts).toEqual(['a', 'b']);
    lab.kinesis.put('s1', 'c');
    await lab.clock.advance(1);
    expect(worker.texts).toEqual(['a', 'b', 'c']);
    await lab.clock.advance(60_000);
    expect(countOf(lab, 'subscribeToShard')).toBe(2);
    expect(countOf(lab, 'getRecords') + countOf(lab, 'getShardIterator')).toBe(0);
    expect(worker.consumer.snapshot().shards).toMatchObject([
      { shardId: 's0', source: 'fanout', state: 'reading', millisBehindLatest: 0, recordCount: 2 },
      { shardId: 's1', source: 'fanout', state: 'reading', recordCount: 1 },
    ]);
    await end(lab, worker);
  });

  test('is renewed when Kinesis ends it, where it ended', async () => {
    const { lab, worker } = createFanned(['s0']);
    lab.kinesis.put('s0', 'a');
    await begin(lab, worker);
    await lab.clock.advance(299_000);
    expect(countOf(lab, 'subscribeToShard')).toBe(1);
    const [last] = lab.kinesis.put('s0', 'b');
    await lab.clock.advance(1_100);
    lab.kinesis.put('s0', 'c');
    await lab.clock.advance(1);
    expect(worker.texts).toEqual(['a', 'b', 'c']);
    expect(lab.kinesis.fanOut.starts).toEqual([
      { ShardId: 's0', Type: 'TRIM_HORIZON' },
      { ShardId: 's0', Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: last },
    ]);
    await lab.clock.advance(3_600_000);
    expect(countOf(lab, 'subscribeToShard')).toBe(14);
    expect(warnings(lab)).toEqual([]);
    await end(lab, worker);
  });

  test('goes on from the mark of an event without records', async () => {
    const { lab, worker } = createFanned(['s0', 's1']);
    await begin(lab, worker);
    const [elsewhere] = lab.kinesis.put('s1', 'x');
    await lab.clock.advance(310_000);
    expect(lab.kinesis.fanOut.starts).toContainEqual({
      ShardId: 's0',
      Type: 'AFTER_SEQUENCE_NUMBER',
      SequenceNumber: elsewhere,
    });
    await end(lab, worker);
  });

  test('is not read on while the processor is busy', async () => {
    let open = () => {};
    const gate = () => new Promise<void>((resolve) => (open = resolve));
    const { lab, worker } = createFanned(['s0'], { gate });
    lab.kinesis.fanOut.recordsAnEvent = 1;
    lab.kinesis.put('s0', 'a', 'b', 'c');
    await begin(lab, worker, 20_000);
    expect(lab.kinesis.fanOut.sent).toBe(1);
    expect(worker.consumer.snapshot().shards[0]?.state).toBe('blocked');
    open();
    await lab.clock.advance(1);
    expect(worker.texts).toEqual(['a']);
    expect(lab.kinesis.fanOut.sent).toBe(2);
    open();
    await end(lab, worker);
  });

  test('that ended while the processor was busy is renewed after what it had brought', async () => {
    let open = () => {};
    const gate = () => new Promise<void>((resolve) => (open = resolve));
    const { lab, worker } = createFanned(['s0'], { gate });
    lab.kinesis.fanOut.recordsAnEvent = 1;
    lab.kinesis.put('s0', 'a', 'b');
    await begin(lab, worker);
    await lab.clock.advance(400_000);
    for (let step = 0; step < 3; step += 1) {
      open();
      await lab.clock.advance(2_000);
    }
    expect(worker.texts).toEqual(['a', 'b']);
    expect(countOf(lab, 'subscribeToShard')).toBe(2);
    await end(lab, worker);
  });

  test('that is silent is given up after 35 seconds', async () => {
    const { lab, worker } = createFanned(['s0']);
    await begin(lab, worker);
    lab.kinesis.fanOut.isSilent = true;
    lab.kinesis.put('s0', 'a');
    await lab.clock.advance(34_000);
    expect(countOf(lab, 'subscribeToShard')).toBe(1);
    lab.kinesis.fanOut.isSilent = false;
    await lab.clock.advance(2_000);
    expect(countOf(lab, 'subscribeToShard')).toBe(2);
    expect(worker.texts).toEqual(['a']);
    expect(lab.log.slice(-2)).toEqual([
      'warn reading stream "logs" fails and is tried again: TimeoutError: the subscription was silent for 35 s',
      expect.stringMatching(/^info reading stream "logs" works again after/),
    ]);
    await end(lab, worker);
  });

  test('that is silent from its beginning is given up too, without a loss of what came meanwhile', async () => {
    const { lab, worker } = createFanned(['s0'], { initialPosition: { type: 'LATEST' } });
    lab.kinesis.fanOut.isSilent = true;
    await begin(lab, worker);
    lab.kinesis.put('s0', 'a');
    lab.kinesis.fanOut.isSilent = false;
    await lab.clock.advance(36_000);
    expect(worker.texts).toEqual(['a']);
    await end(lab, worker);
  });

  test.each([
    ['ECONNRESET', Object.assign(new Error('aborted'), { code: 'ECONNRESET' })],
    ['InternalFailureException', awsError('InternalFailureException')],
    ['KMSDisabledException', awsError('KMSDisabledException')],
    ['ExpiredTokenException', awsError('ExpiredTokenException')],
  ])('that breaks by %s goes on where it was, with one line for the start and one for the end', async (name, error) => {
    const { lab, worker } = createFanned(['s0', 's1']);
    lab.kinesis.put('s0', 'a');
    await begin(lab, worker, 6_000);
    lab.log.length = 0;
    lab.kinesis.fanOut.cut(error);
    lab.kinesis.put('s0', 'b');
    await lab.clock.advance(10_000);
    expect(worker.texts).toEqual(['a', 'b']);
    expect(lab.log).toEqual([
      expect.stringMatching(`^warn reading stream "logs" fails and is tried again: ${name}`),
      expect.stringMatching(/^info reading stream "logs" works again after/),
    ]);
    expect(countOf(lab, 'getRecords')).toBe(0);
    await end(lab, worker);
  });

  test.each([['ResourceInUseException'], ['LimitExceededException']])(
    'that is not to be had yet (%s) is waited for without a word',
    async (name) => {
      const { lab, worker } = createFanned(['s0']);
      lab.kinesis.put('s0', 'a');
      lab.kinesis.faults.refuse('subscribeToShard', awsError(name), 4);
      await begin(lab, worker, 10_000);
      expect(worker.texts).toEqual(['a']);
      expect(warnings(lab)).toEqual([]);
      await end(lab, worker);
    },
  );

  test('that is never to be had is said', async () => {
    const { lab, worker } = createFanned(['s0']);
    lab.kinesis.faults.breakDown('subscribeToShard', awsError('ResourceInUseException'));
    await begin(lab, worker, 30_000);
    expect(warnings(lab)[0]).toMatch('reading stream "logs" fails and is tried again: ResourceInUseException');
    expect(sources(worker)).toEqual(['fanout']);
    await end(lab, worker);
  });

  test('that breaks soon after its beginning waits until Kinesis allows the next', async () => {
    const { lab, worker } = createFanned(['s0']);
    await begin(lab, worker);
    lab.kinesis.fanOut.cut();
    lab.kinesis.put('s0', 'a');
    await lab.clock.advance(8_000);
    expect(worker.texts).toEqual(['a']);
    expect(warnings(lab)).toHaveLength(1);
    await end(lab, worker);
  });

  test('a server that ends each at once is asked once a second', async () => {
    const { lab, worker } = createFanned(['s0']);
    Object.assign(lab.kinesis.fanOut, { subscriptionMs: 1, inUseMs: 0 });
    await begin(lab, worker);
    await lab.clock.advance(10_000);
    expect(countOf(lab, 'subscribeToShard')).toBeLessThanOrEqual(11);
    await end(lab, worker);
  });

  test('a server that ends each before its first event is said', async () => {
    const { lab, worker } = createFanned(['s0']);
    lab.kinesis.fanOut.subscriptionMs = 0;
    await begin(lab, worker, 5_000);
    expect(warnings(lab)).toEqual([
      'warn reading stream "logs" fails and is tried again: Error: the subscription ended before its first event',
    ]);
    await end(lab, worker);
  });

  test('ends with a stop at once', async () => {
    const { lab, worker } = createFanned(['s0', 's1']);
    await begin(lab, worker);
    expect(lab.kinesis.fanOut.open).toEqual(['s0', 's1']);
    await worker.consumer.stopFetching();
    expect(lab.kinesis.fanOut.open).toEqual([]);
    await end(lab, worker);
    expect([...lab.kinesis.fanOut.consumers.keys()]).toEqual(['mine']);
  });

  test('ends with a stop while the processor is busy', async () => {
    const { lab, worker } = createFanned(['s0'], { gate: () => new Promise<void>(() => {}) });
    lab.kinesis.put('s0', 'a');
    await begin(lab, worker);
    void worker.consumer.stopFetching();
    await lab.clock.advance(1);
    expect(lab.kinesis.fanOut.open).toEqual([]);
    await end(lab, worker);
  });

  test('ends with the lease', async () => {
    const { lab, worker } = createFanned(['s0']);
    await begin(lab, worker);
    const row = lab.dynamodb.rows.get('s0') ?? {};
    lab.dynamodb.put({ ...row, leaseOwner: { S: 'other' }, leaseCounter: { N: '99' } });
    await lab.clock.advance(4_000);
    expect(worker.lost).toEqual(['s0']);
    expect(lab.kinesis.fanOut.open).toEqual([]);
    await end(lab, worker);
  });
});

describe('the beginning', () => {
  test('is at the checkpoint, whose settled records are not given again', async () => {
    const { lab, worker } = createFanned(['s0']);
    const [first = ''] = lab.kinesis.put('s0', 'a', 'b');
    lab.dynamodb.put({
      leaseKey: { S: 's0' },
      leaseCounter: { N: '7' },
      checkpoint: { S: first },
      checkpointSubSequenceNumber: { N: '0' },
      ownerSwitchesSinceCheckpoint: { N: '0' },
    });
    await begin(lab, worker);
    expect(lab.kinesis.fanOut.starts).toEqual([{ ShardId: 's0', Type: 'AT_SEQUENCE_NUMBER', SequenceNumber: first }]);
    expect(worker.texts).toEqual(['b']);
    await end(lab, worker);
  });

  test('is LATEST once, and then the time of that', async () => {
    const { lab, worker } = createFanned(['s0'], { initialPosition: { type: 'LATEST' } });
    lab.kinesis.put('s0', 'old');
    await lab.clock.advance(600_000);
    const beganMs = lab.clock.now();
    lab.kinesis.faults.loseAnswer('subscribeToShard');
    lab.kinesis.fanOut.inUseMs = 0;
    const started = worker.consumer.start();
    await lab.clock.advance(1);
    await started;
    lab.kinesis.put('s0', 'new');
    await lab.clock.advance(5_000);
    expect(worker.texts).toEqual(['new']);
    expect(lab.kinesis.fanOut.starts).toEqual([
      { ShardId: 's0', Type: 'LATEST' },
      { ShardId: 's0', Type: 'AT_TIMESTAMP', Timestamp: new Date(beganMs - 300_000) },
    ]);
    await end(lab, worker);
  });

  test('is at the time given', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.fanOut.register('mine');
    lab.kinesis.put('s0', 'old');
    await lab.clock.advance(60_000);
    lab.kinesis.put('s0', 'new');
    const timestampMs = lab.clock.now() - 1_000;
    const worker = createWorker(lab, { ...BY_FAN_OUT, initialPosition: { type: 'AT_TIMESTAMP', timestampMs } });
    await begin(lab, worker);
    expect(worker.texts).toEqual(['new']);
    await end(lab, worker);
  });
});

describe('the end of a shard', () => {
  test('comes with its children, which are read by fan-out', async () => {
    const { lab, worker } = createFanned(['p']);
    lab.kinesis.put('p', 'p1');
    await begin(lab, worker);
    lab.kinesis.put('p', 'p2');
    lab.kinesis.addShard('c1', ['p']);
    lab.kinesis.addShard('c2', ['p']);
    lab.kinesis.put('c1', 'c1-1');
    await lab.clock.advance(100);
    expect(worker.texts).toEqual(['p1', 'p2', 'c1-1']);
    expect(lab.dynamodb.row('p')).toMatchObject({ checkpoint: 'SHARD_END', childShardIds: ['c1', 'c2'] });
    expect(lab.kinesis.fanOut.open).toEqual(['c1', 'c2']);
    expect(countOf(lab, 'getRecords')).toBe(0);
    await end(lab, worker);
  });

  test('of which a missing mark tells only is made sure of by GetRecords', async () => {
    const { lab, worker } = createFanned(['p']);
    lab.kinesis.namesChildren = false;
    await begin(lab, worker);
    lab.kinesis.put('p', 'p1');
    lab.kinesis.addShard('c1', ['p']);
    lab.kinesis.put('c1', 'c1-1');
    await lab.clock.advance(2_000);
    expect(worker.texts).toEqual(['p1', 'c1-1']);
    expect(lab.dynamodb.row('p')).toMatchObject({ checkpoint: 'SHARD_END', childShardIds: ['c1'] });
    expect(countOf(lab, 'getRecords')).toBe(1);
    await end(lab, worker);
  });

  test('of which nothing tells, as on local servers, is found by the list of shards', async () => {
    const { lab, worker } = createFanned(['p'], { shardSyncIntervalMs: 10_000, cleanUpEndedLeases: false });
    lab.kinesis.fanOut.tellsEnds = false;
    lab.kinesis.put('p', 'p1');
    await begin(lab, worker);
    lab.kinesis.put('p', 'p2');
    lab.kinesis.addShard('c1', ['p']);
    lab.kinesis.put('c1', 'c1-1');
    await lab.clock.advance(20_000);
    expect(worker.texts).toEqual(['p1', 'p2', 'c1-1']);
    expect(lab.dynamodb.row('p')).toMatchObject({ checkpoint: 'SHARD_END', childShardIds: ['c1'] });
    expect(countOf(lab, 'getRecords')).toBe(1);
    await end(lab, worker);
  });

  test('a shard that is gone from the stream is said, and its children go on', async () => {
    const { lab, worker } = createFanned(['p']);
    await begin(lab, worker);
    lab.kinesis.addShard('c', ['p']);
    lab.kinesis.put('c', 'c1');
    lab.kinesis.removeShard('p');
    lab.kinesis.fanOut.cut();
    await lab.clock.advance(10_000);
    expect(lab.log.some((line) => line.startsWith('warn shard p is gone from the stream'))).toBe(true);
    expect(worker.texts).toEqual(['c1']);
    expect(sources(worker)).toEqual(['fanout', 'fanout']);
    await end(lab, worker);
  });
});

describe('two workers', () => {
  test('share the consumer; the subscription of a shard that moves is taken over without a word', async () => {
    const { lab, worker: first } = createFanned(['s0', 's1']);
    await begin(lab, first);
    const second = createWorker(lab, { ...BY_FAN_OUT, workerId: 'other' });
    await begin(lab, second);
    for (let round = 0; round < 60; round += 1) {
      lab.kinesis.put('s0', `a${round}`);
      lab.kinesis.put('s1', `b${round}`);
      await lab.clock.advance(1_000);
    }
    await lab.clock.advance(10_000);
    expect(sources(first)).toContain('fanout');
    expect(lab.kinesis.fanOut.open.toSorted()).toEqual(['s0', 's1']);
    expect(new Set([...first.texts, ...second.texts]).size).toBe(120);
    expect(second.texts.length).toBeGreaterThan(0);
    expect(countOf(lab, 'registerStreamConsumer')).toBe(0);
    expect(warnings(lab)).toEqual([]);
    await end(lab, first);
    await end(lab, second);
  });
});

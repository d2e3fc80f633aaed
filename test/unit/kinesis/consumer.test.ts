import { describe, expect, test } from 'vitest';
import { awsError } from './fakes/faults.ts';
import { begin, createLab, createWorker, end } from './fakes/lab.ts';

const RUNNING_ROW = {
  leaseKey: 's0',
  leaseOwner: 'me',
  ownerSwitchesSinceCheckpoint: 0,
  checkpointSubSequenceNumber: 0,
  startingHashKey: '0',
  endingHashKey: '99',
};

describe('start', () => {
  test('makes the table on demand, waits for it, and takes every lease', async () => {
    const lab = createLab(['s0', 's1'], false);
    lab.dynamodb.creatingFor = 2;
    const worker = createWorker(lab);
    await begin(lab, worker, 2_000);
    expect(lab.dynamodb.created).toEqual({
      TableName: 'leases',
      KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    });
    expect(lab.dynamodb.row('s0')).toMatchObject({ leaseOwner: 'me', checkpoint: 'TRIM_HORIZON' });
    expect(lab.log).toEqual([
      'info made the lease table "leases"',
      'info stream logs: holding 2 of 2 leases in table leases',
    ]);
    await end(lab, worker);
  });

  test('a capacity makes a provisioned table', async () => {
    const lab = createLab(['s0'], false);
    const worker = createWorker(lab, { tableBilling: { mode: 'PROVISIONED', readCapacity: 5, writeCapacity: 6 } });
    await begin(lab, worker);
    expect(lab.dynamodb.created).toMatchObject({
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 6 },
    });
    await end(lab, worker);
  });

  test('waits for a service that cannot be reached', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.faults.refuse('listShards', awsError('TimeoutError'), 3);
    const worker = createWorker(lab);
    await begin(lab, worker, 10_000);
    expect(worker.consumer.snapshot().shards).toMatchObject([{ shardId: 's0', state: 'reading' }]);
    expect(lab.log).toEqual([
      'warn listing the shards of stream "logs" fails and is tried again: TimeoutError: made by a test: TimeoutError',
      'info listing the shards of stream "logs" works again after 2.6 s',
      'info stream logs: holding 1 of 1 leases in table leases',
    ]);
    await end(lab, worker);
  });

  test.each([
    ['listShards', 'AccessDeniedException', 'the shards of stream "logs" cannot be listed: AccessDeniedException'],
    ['listShards', 'ResourceNotFoundException', 'there is no stream "logs" in this region and account'],
    ['describeTable', 'UnrecognizedClientException', 'the lease table "leases" cannot be used'],
  ])('gives up when %s answers %s', async (operation, name, message) => {
    const lab = createLab(['s0']);
    const { faults } = operation === 'listShards' ? lab.kinesis : lab.dynamodb;
    faults.breakDown(operation, awsError(name));
    const worker = createWorker(lab);
    await expect(worker.consumer.start()).rejects.toThrow(message);
    await worker.consumer.close();
  });

  test('close ends a start that waits', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.faults.breakDown('listShards', awsError('TimeoutError'));
    const worker = createWorker(lab);
    const started = worker.consumer.start();
    await lab.clock.advance(5_000);
    await end(lab, worker);
    await expect(started).resolves.toBeUndefined();
  });

  test.each([
    ['maxRecords', 10_001, 'maxRecords has to be between 1 and 10000, not 10001'],
    ['failoverTimeMs', 5, 'failoverTimeMs has to be at least 100, not 5'],
  ])('refuses %s %d', (name, value, message) => {
    expect(() => createWorker(createLab([]), { [name]: value })).toThrow(message);
  });
});

describe('checkpoints', () => {
  test('the first is written at once, the next after the interval, and only what is settled', async () => {
    const lab = createLab(['s0']);
    const [first] = lab.kinesis.put('s0', 'a');
    const worker = createWorker(lab, { holdBack: true, checkpointIntervalMs: 60_000 });
    await begin(lab, worker, 2_000);
    expect(lab.dynamodb.row('s0')).toMatchObject({ checkpoint: 'TRIM_HORIZON' });
    worker.settleAll();
    await lab.clock.advance(1_000);
    expect(lab.dynamodb.row('s0')).toEqual({ ...RUNNING_ROW, checkpoint: first, leaseCounter: expect.any(Number) });

    const [second] = lab.kinesis.put('s0', 'b');
    await lab.clock.advance(2_000);
    worker.settleAll();
    await lab.clock.advance(55_000);
    expect(lab.dynamodb.row('s0')).toMatchObject({ checkpoint: first });
    await lab.clock.advance(5_000);
    expect(lab.dynamodb.row('s0')).toMatchObject({ checkpoint: second });
    await end(lab, worker);
  });

  test('a lost answer to a checkpoint does not cost the lease', async () => {
    const lab = createLab(['s0']);
    const worker = createWorker(lab, { checkpointIntervalMs: 1_000 });
    await begin(lab, worker, 500);
    const [last] = lab.kinesis.put('s0', 'a');
    lab.dynamodb.faults.loseAnswer('updateItem');
    await lab.clock.advance(5_000);
    expect(lab.dynamodb.row('s0')).toMatchObject({ leaseOwner: 'me', checkpoint: last });
    expect(worker.lost).toEqual([]);
    await end(lab, worker);
  });

  test('KCL left a pending checkpoint: it goes with the next checkpoint', async () => {
    const lab = createLab(['s0']);
    lab.dynamodb.put({
      leaseKey: { S: 's0' },
      leaseCounter: { N: '7' },
      checkpoint: { S: 'TRIM_HORIZON' },
      checkpointSubSequenceNumber: { N: '0' },
      ownerSwitchesSinceCheckpoint: { N: '3' },
      pendingCheckpoint: { S: '17' },
      pendingCheckpointSubSequenceNumber: { N: '1' },
    });
    const [last] = lab.kinesis.put('s0', 'a');
    const worker = createWorker(lab);
    await begin(lab, worker, 1_500);
    expect(lab.dynamodb.row('s0')).toEqual({ ...RUNNING_ROW, checkpoint: last, leaseCounter: expect.any(Number) });
    await end(lab, worker);
  });

  test('records at and below the checkpoint are not given again, down to the user record', async () => {
    const lab = createLab(['s0']);
    const [first = ''] = lab.kinesis.put('s0', 'a', 'b');
    lab.dynamodb.put({
      leaseKey: { S: 's0' },
      leaseCounter: { N: '7' },
      checkpoint: { S: first },
      checkpointSubSequenceNumber: { N: '0' },
      ownerSwitchesSinceCheckpoint: { N: '0' },
    });
    const worker = createWorker(lab);
    await begin(lab, worker);
    expect(lab.kinesis.iterators).toEqual([
      { ShardId: 's0', ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: first },
    ]);
    expect(worker.texts).toEqual(['b']);
    await end(lab, worker);
  });
});

describe('reading', () => {
  test('is paced: behind the tip five calls a second, at the tip one', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.recordsACall = 1;
    lab.kinesis.put('s0', 'a', 'b', 'c', 'd', 'e');
    const worker = createWorker(lab);
    await begin(lab, worker);
    await lab.clock.advance(800);
    expect(worker.texts).toEqual(['a', 'b', 'c', 'd', 'e']);
    const before = lab.kinesis.calls.length;
    await lab.clock.advance(10_000);
    expect(lab.kinesis.calls.length - before).toBe(10);
    await end(lab, worker);
  });

  test('waits for the processor', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.recordsACall = 1;
    lab.kinesis.put('s0', 'a', 'b');
    let open = () => {};
    const worker = createWorker(lab, { gate: () => new Promise<void>((resolve) => (open = resolve)) });
    await begin(lab, worker, 5_000);
    expect(lab.kinesis.calls.filter((call) => call === 'getRecords')).toHaveLength(1);
    expect(worker.consumer.snapshot().shards[0]?.state).toBe('blocked');
    open();
    await lab.clock.advance(1);
    expect(worker.texts).toEqual(['a']);
    open();
    await end(lab, worker);
  });

  test('an expired iterator is replaced by one after the last record', async () => {
    const lab = createLab(['s0']);
    const [first] = lab.kinesis.put('s0', 'a');
    const worker = createWorker(lab);
    await begin(lab, worker);
    lab.kinesis.expireIterators();
    lab.kinesis.put('s0', 'b');
    await lab.clock.advance(1_000);
    expect(lab.kinesis.iterators.at(-1)).toMatchObject({
      ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
      StartingSequenceNumber: first,
    });
    expect(worker.texts).toEqual(['a', 'b']);
    expect(lab.log.filter((line) => line.startsWith('warn'))).toEqual([]);
    await end(lab, worker);
  });

  test('LATEST that expires before its first record loses nothing', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.put('s0', 'old');
    await lab.clock.advance(600_000);
    const worker = createWorker(lab, { initialPosition: { type: 'LATEST' } });
    await begin(lab, worker);
    lab.kinesis.put('s0', 'new');
    lab.kinesis.expireIterators();
    await lab.clock.advance(1_000);
    expect(worker.texts).toEqual(['new']);
    await end(lab, worker);
  });

  test.each([-4, 4])('nor on a machine whose clock is %d minutes ahead', async (minutes) => {
    const lab = createLab(['s0']);
    const clock = lab.clock.aheadBy(() => minutes * 60_000);
    const worker = createWorker(lab, { initialPosition: { type: 'LATEST' }, clock });
    await begin(lab, worker);
    lab.kinesis.put('s0', 'new');
    lab.kinesis.expireIterators();
    await lab.clock.advance(1_000);
    expect(worker.texts).toEqual(['new']);
    await end(lab, worker);
  });

  test('AT_TIMESTAMP begins at the time given', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.put('s0', 'old');
    await lab.clock.advance(60_000);
    lab.kinesis.put('s0', 'new');
    const worker = createWorker(lab, {
      initialPosition: { type: 'AT_TIMESTAMP', timestampMs: lab.clock.now() - 1_000 },
    });
    await begin(lab, worker);
    expect(worker.texts).toEqual(['new']);
    await end(lab, worker);
  });

  test.each([
    'ProvisionedThroughputExceededException',
    'InternalFailure',
    'ECONNRESET',
    'TimeoutError',
    'KMSThrottlingException',
  ])('goes on after %s, with one line for the start and one for the end', async (name) => {
    const lab = createLab(['s0', 's1']);
    const worker = createWorker(lab);
    await begin(lab, worker);
    lab.log.length = 0;
    lab.kinesis.faults.refuse('getRecords', awsError(name), 8);
    lab.kinesis.put('s0', 'a');
    await lab.clock.advance(25_000);
    expect(worker.texts).toEqual(['a']);
    expect(lab.log).toEqual([
      expect.stringMatching(`^warn reading stream "logs" fails and is tried again: ${name}`),
      expect.stringMatching(/^info reading stream "logs" works again after [\d.]+ s$/),
    ]);
    await end(lab, worker);
  });

  test('trouble that lasts is said at its start, after 30 seconds, and then ever less often', async () => {
    const lab = createLab(['s0', 's1', 's2']);
    const worker = createWorker(lab);
    await begin(lab, worker);
    lab.log.length = 0;
    lab.kinesis.faults.breakDown('getRecords', awsError('InternalFailure'));
    await lab.clock.advance(300_000);
    // At 0, 30, 90 and 210 seconds.
    expect(lab.log).toHaveLength(4);
    expect(lab.log[1]).toMatch(
      /^warn reading stream "logs" still fails after [\d.]+ s, \d+ more tries: InternalFailure/,
    );
    expect(worker.consumer.snapshot().shards[0]?.consecutiveFailures).toBeGreaterThan(5);
    await end(lab, worker);
  });

  test('a processor that throws is given the batch again', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.put('s0', 'a');
    let failures = 2;
    const gate = () => {
      failures -= 1;
      if (failures >= 0) throw new Error('not today');
    };
    const worker = createWorker(lab, { gate });
    await begin(lab, worker, 3_000);
    expect(worker.texts).toEqual(['a']);
    expect(lab.log).toContain('warn processing records fails and is tried again: Error: not today');
    await end(lab, worker);
  });
});

describe('leases', () => {
  test('are renewed three times in a failover time', async () => {
    const lab = createLab(['s0']);
    const worker = createWorker(lab);
    await begin(lab, worker);
    const before = Number(lab.dynamodb.row('s0')?.['leaseCounter']);
    await lab.clock.advance(10_000);
    expect(Number(lab.dynamodb.row('s0')?.['leaseCounter']) - before).toBe(3);
    await end(lab, worker);
  });

  test('are renewed while the first round of takes fails half-way', async () => {
    const lab = createLab(['s0', 's1']);
    const take = lab.dynamodb.updateItem;
    let taken: string | undefined;
    lab.dynamodb.updateItem = (input, signal) => {
      taken ??= input.Key?.['leaseKey']?.S;
      return input.Key?.['leaseKey']?.S === taken ? take(input, signal) : Promise.reject(awsError('TimeoutError'));
    };
    const worker = createWorker(lab);
    const started = worker.consumer.start();
    await lab.clock.advance(25_000);
    expect(worker.lost).toEqual([]);
    expect(lab.dynamodb.row(taken ?? '')?.['leaseCounter']).toBeGreaterThan(6);
    lab.dynamodb.updateItem = take;
    await lab.clock.advance(30_000);
    await started;
    await end(lab, worker);
  });

  test('move their counter when they are given back, though the answer to the last renewal was lost', async () => {
    const lab = createLab(['s0']);
    const worker = createWorker(lab);
    await begin(lab, worker);
    lab.dynamodb.faults.loseAnswer('updateItem');
    await lab.clock.advance(3_400);
    const before = Number(lab.dynamodb.row('s0')?.['leaseCounter']);
    await end(lab, worker);
    expect(lab.dynamodb.row('s0')).toMatchObject({ leaseCounter: before + 1 });
    expect(lab.dynamodb.row('s0')).not.toHaveProperty('leaseOwner');
  });

  test('a lease that cannot be renewed in time is let go, and taken again later', async () => {
    const lab = createLab(['s0']);
    const worker = createWorker(lab);
    await begin(lab, worker);
    lab.dynamodb.faults.breakDown('updateItem', awsError('TimeoutError'));
    await lab.clock.advance(9_000);
    expect(worker.lost).toEqual([]);
    await lab.clock.advance(4_500);
    expect(worker.lost).toEqual(['s0']);
    lab.dynamodb.faults.mend('updateItem');
    lab.kinesis.put('s0', 'a');
    await lab.clock.advance(25_000);
    expect(worker.texts).toEqual(['a']);
    expect(lab.dynamodb.row('s0')).toMatchObject({ leaseOwner: 'me', ownerSwitchesSinceCheckpoint: 0 });
    await end(lab, worker);
  });

  test('a lease taken by another is let go at the next renewal, without a checkpoint', async () => {
    const lab = createLab(['s0']);
    const worker = createWorker(lab, { holdBack: true });
    await begin(lab, worker);
    lab.kinesis.put('s0', 'a');
    await lab.clock.advance(1_000);
    const row = lab.dynamodb.rows.get('s0') ?? {};
    lab.dynamodb.put({ ...row, leaseOwner: { S: 'other' }, leaseCounter: { N: '99' } });
    await lab.clock.advance(4_000);
    expect(worker.lost).toEqual(['s0']);
    worker.settleAll();
    await end(lab, worker);
    expect(lab.dynamodb.row('s0')).toMatchObject({ leaseOwner: 'other', leaseCounter: 99, checkpoint: 'TRIM_HORIZON' });
  });

  test('those of a dead worker are taken when they expire; the owner switch is counted', async () => {
    const lab = createLab(['s0', 's1']);
    const dead = createWorker(lab, { workerId: 'dead' });
    await begin(lab, dead);
    await dead.consumer.stopFetching();
    lab.dynamodb.faults.breakDown('updateItem', awsError('TimeoutError'));
    await end(lab, dead);
    lab.dynamodb.faults.mend('updateItem');

    const heir = createWorker(lab, { workerId: 'heir' });
    await begin(lab, heir);
    expect(lab.dynamodb.row('s0')).toMatchObject({ leaseOwner: 'dead' });
    await lab.clock.advance(9_900);
    expect(lab.dynamodb.row('s0')).toMatchObject({ leaseOwner: 'dead' });
    await lab.clock.advance(200);
    expect(lab.dynamodb.row('s0')).toMatchObject({ leaseOwner: 'heir', ownerSwitchesSinceCheckpoint: 1 });
    expect(lab.dynamodb.row('s1')).toMatchObject({ leaseOwner: 'heir' });
    await end(lab, heir);
  });

  test('close clears the owner, writes the last checkpoint, and a second close does nothing', async () => {
    const lab = createLab(['s0']);
    const worker = createWorker(lab, { checkpointIntervalMs: 600_000 });
    lab.kinesis.put('s0', 'a');
    await begin(lab, worker, 2_000);
    const [last] = lab.kinesis.put('s0', 'b');
    await lab.clock.advance(1_000);
    await worker.consumer.stopFetching();
    await end(lab, worker);
    expect(lab.dynamodb.row('s0')).toMatchObject({ checkpoint: last });
    expect(lab.dynamodb.row('s0')).not.toHaveProperty('leaseOwner');
    const calls = lab.dynamodb.calls.length;
    await worker.consumer.close();
    expect(lab.dynamodb.calls).toHaveLength(calls);
    await lab.clock.advance(60_000);
    expect(lab.dynamodb.calls).toHaveLength(calls);
  });

  test('close does not wait for a processor that is stuck', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.put('s0', 'a');
    const worker = createWorker(lab, { gate: () => new Promise<void>(() => {}) });
    await begin(lab, worker);
    await end(lab, worker);
    expect(lab.dynamodb.row('s0')).not.toHaveProperty('leaseOwner');
  });
});

test('while what is fetched fills the bound, no other shard is read', async () => {
  const lab = createLab(['s0', 's1', 's2']);
  for (const shard of lab.kinesis.shards.keys()) lab.kinesis.put(shard, `of ${shard}`);
  const gate = Promise.withResolvers<void>();
  const worker = createWorker(lab, { fetchedBytesMax: 1, gate: () => gate.promise });
  await begin(lab, worker, 5_000);
  expect(lab.kinesis.calls.filter((call) => call === 'getRecords')).toHaveLength(1);
  gate.resolve();
  await lab.clock.advance(5_000);
  expect(worker.texts.sort()).toEqual(['of s0', 'of s1', 'of s2']);
  await end(lab, worker);
});

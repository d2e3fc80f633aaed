import { describe, expect, test } from 'vitest';
import { awsError } from './fakes/faults.ts';
import { begin, createLab, createWorker, end } from './fakes/lab.ts';

describe('the end of a shard', () => {
  test('children are read after all of the parent is settled', async () => {
    const lab = createLab(['p']);
    lab.kinesis.put('p', 'p1');
    const worker = createWorker(lab, { holdBack: true });
    await begin(lab, worker);
    lab.kinesis.addShard('c1', ['p']);
    lab.kinesis.addShard('c2', ['p']);
    lab.kinesis.put('c1', 'c1-1');
    lab.kinesis.put('c2', 'c2-1');
    await lab.clock.advance(30_000);
    expect([...lab.dynamodb.rows.keys()]).toEqual(['p']);
    expect(worker.consumer.snapshot().shards).toMatchObject([{ shardId: 'p', state: 'settling' }]);

    worker.settleAll();
    await lab.clock.advance(1);
    expect(worker.texts).toEqual(['p1', 'c1-1', 'c2-1']);
    expect(lab.dynamodb.row('p')).toMatchObject({
      checkpoint: 'SHARD_END',
      checkpointSubSequenceNumber: 0,
      childShardIds: ['c1', 'c2'],
      leaseOwner: 'me',
    });
    expect(lab.dynamodb.row('c1')).toMatchObject({
      checkpoint: 'TRIM_HORIZON',
      parentShardId: ['p'],
      leaseOwner: 'me',
    });
    expect(lab.log.at(-1)).toBe('info shard p is read to its end');
    await end(lab, worker);
  });

  test('children are put before SHARD_END, whatever fails between', async () => {
    const lab = createLab(['p']);
    const worker = createWorker(lab);
    await begin(lab, worker);
    lab.kinesis.addShard('c1', ['p']);
    lab.kinesis.addShard('c2', ['p']);
    lab.dynamodb.faults.refuse('putItem', awsError('ProvisionedThroughputExceededException'), 2);
    await lab.clock.advance(1_000);
    expect(lab.dynamodb.row('p')).toMatchObject({ checkpoint: 'TRIM_HORIZON' });
    lab.dynamodb.faults.loseAnswer('updateItem', 2);
    await lab.clock.advance(10_000);
    expect(lab.dynamodb.row('p')).toMatchObject({ checkpoint: 'SHARD_END', childShardIds: ['c1', 'c2'] });
    expect(worker.lost).toEqual([]);
    await end(lab, worker);
  });

  test('a server that names no children has them in its list of shards', async () => {
    const lab = createLab(['p']);
    lab.kinesis.namesChildren = false;
    const worker = createWorker(lab);
    await begin(lab, worker);
    lab.kinesis.addShard('c1', ['p']);
    lab.kinesis.put('c1', 'c');
    await lab.clock.advance(5_000);
    expect(worker.texts).toEqual(['c']);
    await end(lab, worker);
  });

  test('the child of a merge waits for both parents', async () => {
    const lab = createLab(['a', 'b']);
    lab.kinesis.put('b', 'b1');
    const worker = createWorker(lab, { holdBack: true });
    await begin(lab, worker);
    lab.kinesis.addShard('m', ['a', 'b']);
    lab.kinesis.put('m', 'm1');
    await lab.clock.advance(30_000);
    expect(lab.dynamodb.row('a')).toMatchObject({ checkpoint: 'SHARD_END' });
    expect(lab.dynamodb.row('m')).toMatchObject({ parentShardId: ['a', 'b'], leaseOwner: 'me' });
    expect(worker.texts).toEqual(['b1']);
    worker.settleAll();
    await lab.clock.advance(1);
    expect(worker.texts).toEqual(['b1', 'm1']);
    await end(lab, worker);
  });

  test('the other parent of a merge gets its row before the child', async () => {
    const lab = createLab(['a', 'b']);
    const worker = createWorker(lab, { initialPosition: { type: 'LATEST' }, shardSyncIntervalMs: 600_000 });
    await begin(lab, worker);
    lab.dynamodb.rows.delete('b');
    await lab.clock.advance(5_000);
    expect(worker.lost).toEqual(['b']);
    lab.kinesis.addShard('m', ['a', 'b']);
    await lab.clock.advance(2_000);
    expect(lab.dynamodb.row('b')).toMatchObject({ leaseKey: 'b', checkpoint: 'SHARD_END' });
    expect(lab.dynamodb.row('m')).toMatchObject({ checkpoint: 'TRIM_HORIZON' });
    await end(lab, worker);
  });

  test('the other parent of a merge waits for its own parent', async () => {
    const lab = createLab(['a', 'b']);
    lab.kinesis.put('b', 'b');
    const worker = createWorker(lab, { holdBack: true });
    await begin(lab, worker);
    lab.kinesis.addShard('c', ['b']);
    lab.kinesis.put('c', 'c');
    lab.kinesis.addShard('m', ['a', 'c']);
    lab.kinesis.put('m', 'm');
    await lab.clock.advance(30_000);
    expect(lab.dynamodb.row('a')).toMatchObject({ checkpoint: 'SHARD_END', childShardIds: ['m'] });
    expect([...lab.dynamodb.rows.keys()]).toEqual(['a', 'b']);
    for (const texts of [['b'], ['b', 'c'], ['b', 'c', 'm']]) {
      expect(worker.texts).toEqual(texts);
      worker.settleAll();
      await lab.clock.advance(2_000);
    }
    await end(lab, worker);
  });

  test('ended rows go oldest first, when their children are under way', async () => {
    const lab = createLab(['p']);
    const worker = createWorker(lab, { checkpointIntervalMs: 1_000, shardSyncIntervalMs: 10_000 });
    await begin(lab, worker);
    lab.kinesis.addShard('c', ['p']);
    await lab.clock.advance(30_000);
    expect([...lab.dynamodb.rows.keys()]).toEqual(['p', 'c']);
    lab.kinesis.put('c', 'x');
    await lab.clock.advance(15_000);
    expect([...lab.dynamodb.rows.keys()]).toEqual(['c']);
    expect(lab.log).toContain('info removed the lease of shard p, which has ended');
    await lab.clock.advance(10_000);
    expect(worker.lost).toEqual([]);
    await end(lab, worker);
  });

  test('close completes the end of a shard that is settled, and leaves one that is not', async () => {
    const lab = createLab(['p', 'q']);
    lab.kinesis.put('p', 'p1');
    lab.kinesis.put('q', 'q1');
    const worker = createWorker(lab, { holdBack: true });
    await begin(lab, worker);
    worker.settleAll();
    lab.kinesis.put('q', 'q2');
    await lab.clock.advance(1_000);
    lab.dynamodb.faults.breakDown('putItem', awsError('TimeoutError'));
    lab.kinesis.addShard('pc', ['p']);
    lab.kinesis.addShard('qc', ['q']);
    await lab.clock.advance(2_000);
    lab.dynamodb.faults.mend('putItem');
    await worker.consumer.stopFetching();
    await end(lab, worker);
    expect(lab.dynamodb.row('p')).toMatchObject({ checkpoint: 'SHARD_END', childShardIds: ['pc'] });
    expect(lab.dynamodb.row('q')?.['checkpoint']).not.toBe('SHARD_END');
    expect(lab.dynamodb.row('p')).not.toHaveProperty('leaseOwner');
    expect(lab.dynamodb.row('q')).not.toHaveProperty('leaseOwner');
  });

  test('a shard that is gone from the stream is said, and its children go on', async () => {
    const lab = createLab(['p']);
    const worker = createWorker(lab);
    await begin(lab, worker);
    lab.kinesis.addShard('c', ['p']);
    lab.kinesis.put('c', 'c1');
    lab.kinesis.removeShard('p');
    await lab.clock.advance(5_000);
    expect(lab.log.some((line) => line.startsWith('warn shard p is gone from the stream'))).toBe(true);
    expect(worker.texts).toEqual(['c1']);
    await end(lab, worker);
  });

  test('a stream that is gone ends no shard', async () => {
    const lab = createLab(['p']);
    const worker = createWorker(lab);
    await begin(lab, worker);
    lab.kinesis.exists = false;
    lab.kinesis.removeShard('p');
    await lab.clock.advance(60_000);
    expect(lab.dynamodb.row('p')).toMatchObject({ checkpoint: 'TRIM_HORIZON' });
    expect(worker.consumer.snapshot().shards[0]?.state).toBe('reading');
    await end(lab, worker);
  });
});

test('a parent without a row does not hold up its child, as in KCL', async () => {
  const lab = createLab(['c']);
  lab.dynamodb.put({
    leaseKey: { S: 'c' },
    leaseCounter: { N: '0' },
    checkpoint: { S: 'LATEST' },
    checkpointSubSequenceNumber: { N: '0' },
    ownerSwitchesSinceCheckpoint: { N: '0' },
    parentShardId: { SS: ['never-read'] },
  });
  const worker = createWorker(lab);
  await begin(lab, worker);
  expect(worker.consumer.snapshot().shards[0]?.state).toBe('reading');
  await end(lab, worker);
});

test('a taken lease at SHARD_END is kept and not read', async () => {
  const lab = createLab(['p']);
  lab.dynamodb.put({
    leaseKey: { S: 'p' },
    leaseCounter: { N: '5' },
    checkpoint: { S: 'SHARD_END' },
    checkpointSubSequenceNumber: { N: '0' },
    ownerSwitchesSinceCheckpoint: { N: '0' },
  });
  const worker = createWorker(lab);
  await begin(lab, worker, 5_000);
  expect(worker.consumer.snapshot().shards).toMatchObject([{ shardId: 'p', state: 'ended', leaseOwner: 'me' }]);
  expect(lab.kinesis.calls).not.toContain('getRecords');
  await end(lab, worker);
});

test('all pages of shards and rows are read', async () => {
  const shards = Array.from({ length: 25 }, (_, index) => `s${String(index).padStart(2, '0')}`);
  const lab = createLab(shards);
  lab.kinesis.pageSize = 10;
  lab.dynamodb.pageSize = 4;
  const worker = createWorker(lab);
  await begin(lab, worker);
  expect(worker.consumer.snapshot().shards.map((shard) => [shard.shardId, shard.state])).toEqual(
    shards.map((shard) => [shard, 'reading']),
  );
  await end(lab, worker);
});

import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { isInShardOrder, type Lab, startLab, type Worker } from './harness.ts';

const WAIT = { timeout: 20_000, interval: 50 };
const SHARD_0 = 'shardId-000000000000';
const SHARD_1 = 'shardId-000000000001';

vi.setConfig({ testTimeout: 30_000 });

let lab: Lab;

beforeAll(async () => {
  lab = await startLab();
}, 60_000);

afterEach(async () => {
  await lab.closeWorkers();
});

afterAll(async () => {
  await lab.stop();
}, 30_000);

function texts(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(3, '0')}`);
}

function records(prefix: string, count: number): { key: string; data: string }[] {
  return texts(prefix, count).map((data) => ({ key: data, data }));
}

/** The worker is gone without a word, as after a power cut: nobody renews, and the rows keep their owner. */
async function crash(worker: Worker, table: string): Promise<void> {
  const before = await lab.rows(table);
  await worker.consumer.close();
  for (const [shardId, row] of before) {
    if (row['leaseOwner']) await lab.setRow(table, shardId, 'leaseOwner', row['leaseOwner']);
  }
}

async function checkpoints(table: string): Promise<Record<string, string | undefined>> {
  const rows = await lab.rows(table);
  return Object.fromEntries([...rows].map(([shardId, row]) => [shardId, row['checkpoint']?.S]));
}

describe('two shards', () => {
  const names = { streamName: 'two', tableName: 'two-leases' };

  test('are read in order, and the rows are as KCL writes them', async () => {
    await lab.createStream('two', 2);
    await lab.put('two', records('a', 200));
    const worker = lab.worker({ ...names, workerId: 'host:1' });
    await worker.consumer.start();

    await vi.waitFor(() => expect(worker.texts()).toEqual(texts('a', 200)), WAIT);
    expect(isInShardOrder(worker.delivered)).toBe(true);
    const last = new Map(worker.delivered.map((record) => [record.shardId, record.sequenceNumber]));
    expect([...last.keys()].sort()).toEqual([SHARD_0, SHARD_1]);
    await vi.waitFor(async () => expect(await checkpoints(names.tableName)).toEqual(Object.fromEntries(last)), WAIT);

    const row = (await lab.rows(names.tableName)).get(SHARD_1);
    expect(row).toEqual({
      leaseKey: { S: SHARD_1 },
      leaseOwner: { S: 'host:1' },
      leaseCounter: { N: expect.stringMatching(/^[1-9]\d*$/) },
      ownerSwitchesSinceCheckpoint: { N: '0' },
      checkpoint: { S: last.get(SHARD_1) },
      checkpointSubSequenceNumber: { N: '0' },
      startingHashKey: { S: '170141183460469231731687303715884105727' },
      endingHashKey: { S: '340282366920938463463374607431768211455' },
    });

    await worker.consumer.close();
    const released = (await lab.rows(names.tableName)).get(SHARD_1);
    expect(released).not.toHaveProperty('leaseOwner');
    expect(released?.['checkpoint']).toEqual({ S: last.get(SHARD_1) });
  });

  test('a restart goes on after the checkpoint at once', async () => {
    await lab.put('two', records('b', 50));
    const worker = lab.worker({ ...names, workerId: 'host:2' });
    const startedMs = Date.now();
    await worker.consumer.start();
    await vi.waitFor(() => expect(worker.texts()).toEqual(texts('b', 50)), WAIT);
    expect(Date.now() - startedMs).toBeLessThan(2_000);
    await worker.consumer.close();
  });

  test('what is not settled is not checkpointed and comes again', async () => {
    const first = lab.worker({ ...names, workerId: 'host:3', holdBack: true });
    const before = await checkpoints(names.tableName);
    await first.consumer.start();
    await lab.put('two', records('c', 20));
    await vi.waitFor(() => expect(first.texts()).toEqual(texts('c', 20)), WAIT);
    await first.consumer.close();
    expect(await checkpoints(names.tableName)).toEqual(before);

    const second = lab.worker({ ...names, workerId: 'host:4' });
    await second.consumer.start();
    await vi.waitFor(() => expect(second.texts()).toEqual(texts('c', 20)), WAIT);
    await second.consumer.close();
  });

  test('the leases of a dead worker are taken when they expire', async () => {
    const dead = lab.worker({ ...names, workerId: 'host:dead' });
    await dead.consumer.start();
    await crash(dead, names.tableName);

    const heir = lab.worker({ ...names, workerId: 'host:heir' });
    const startedMs = Date.now();
    await heir.consumer.start();
    await lab.put('two', records('d', 20));
    expect(heir.consumer.snapshot().shards.map((shard) => shard.leaseOwner)).toEqual(['host:dead', 'host:dead']);
    await vi.waitFor(() => expect(heir.texts()).toEqual(texts('d', 20)), WAIT);
    expect(Date.now() - startedMs).toBeGreaterThan(2_000);
    await heir.consumer.close();
  });

  test('a lease that another worker took is let go at once', async () => {
    const robbed = lab.worker({ ...names, workerId: 'host:robbed' });
    await robbed.consumer.start();
    const row = (await lab.rows(names.tableName)).get(SHARD_0);
    await lab.setRow(names.tableName, SHARD_0, 'leaseOwner', { S: 'host:thief' });
    await lab.setRow(names.tableName, SHARD_0, 'leaseCounter', { N: String(Number(row?.['leaseCounter']?.N) + 7) });
    await vi.waitFor(() => expect(robbed.lostShards).toEqual([SHARD_0]), WAIT);
    await robbed.consumer.close();
    const rows = await lab.rows(names.tableName);
    expect(rows.get(SHARD_0)?.['leaseOwner']).toEqual({ S: 'host:thief' });
    expect(rows.get(SHARD_1)).not.toHaveProperty('leaseOwner');
  });
});

test('records in gzip, zlib and zstd come out expanded', async () => {
  await lab.createStream('packed', 1);
  const plain = ['{"n":0}', '{"n":1}', '{"n":2}', '{"n":3}'];
  const packed = [Buffer.from('{"n":0}'), gzipSync('{"n":1}'), deflateSync('{"n":2}'), zstdCompressSync('{"n":3}')];
  await lab.put(
    'packed',
    packed.map((data) => ({ key: 'k', data })),
  );
  const worker = lab.worker({ streamName: 'packed', tableName: 'packed-leases', workerId: 'host:1' });
  await worker.consumer.start();
  await vi.waitFor(() => expect(worker.texts()).toEqual(plain), WAIT);
  await worker.consumer.close();
});

test('LATEST begins at the tip and says so in the row', async () => {
  await lab.createStream('tip', 1);
  await lab.put('tip', records('old', 5));
  const worker = lab.worker({
    streamName: 'tip',
    tableName: 'tip-leases',
    workerId: 'host:1',
    initialPosition: { type: 'LATEST' },
  });
  await worker.consumer.start();
  await vi.waitFor(() => expect(worker.consumer.snapshot().shards[0]?.lastFetchMs).not.toBeNull(), WAIT);
  expect(await checkpoints('tip-leases')).toEqual({ [SHARD_0]: 'LATEST' });
  await lab.put('tip', records('new', 5));
  await vi.waitFor(() => expect(worker.texts()).toEqual(texts('new', 5)), WAIT);
  await worker.consumer.close();
});

describe('resharding', () => {
  test('children of a split start only when all of the parent is settled', async () => {
    const names = { streamName: 'split', tableName: 'split-leases', workerId: 'host:1' };
    await lab.createStream('split', 1);
    await lab.put('split', records('a', 40));
    const worker = lab.worker({ ...names, holdBack: true, cleanUpEndedLeases: false });
    await worker.consumer.start();
    await vi.waitFor(() => expect(worker.texts()).toEqual(texts('a', 40)), WAIT);
    await lab.split('split', SHARD_0);
    await lab.put('split', records('b', 40));

    await vi.waitFor(() => expect(worker.consumer.snapshot().shards[0]?.state).toBe('settling'), WAIT);
    expect([...(await lab.rows('split-leases')).keys()]).toEqual([SHARD_0]);
    expect(worker.delivered).toHaveLength(40);

    worker.settleAll();
    await vi.waitFor(() => expect(worker.texts()).toEqual([...texts('a', 40), ...texts('b', 40)]), WAIT);
    const rows = await lab.rows('split-leases');
    const children = ['shardId-000000000001', 'shardId-000000000002'];
    expect(rows.get(SHARD_0)).toMatchObject({
      checkpoint: { S: 'SHARD_END' },
      checkpointSubSequenceNumber: { N: '0' },
      leaseOwner: { S: 'host:1' },
    });
    expect([...(rows.get(SHARD_0)?.['childShardIds']?.SS ?? [])].sort()).toEqual(children);
    for (const child of children) expect(rows.get(child)?.['parentShardId']).toEqual({ SS: [SHARD_0] });
    expect(rows.get(SHARD_0)).not.toHaveProperty('parentShardId');
    await worker.consumer.close();
  });

  test('the row of an ended parent goes once its children are under way', async () => {
    const worker = lab.worker({ streamName: 'split', tableName: 'split-leases', workerId: 'host:2' });
    await worker.consumer.start();
    await vi.waitFor(() => expect(worker.delivered).toHaveLength(40), WAIT);
    await vi.waitFor(async () => {
      expect([...(await lab.rows('split-leases')).keys()].sort()).toEqual([
        'shardId-000000000001',
        'shardId-000000000002',
      ]);
    }, WAIT);
    await worker.consumer.close();
  });

  test('the child of a merge starts after both parents', async () => {
    await lab.createStream('merge', 2);
    await lab.put('merge', records('a', 40));
    await lab.merge('merge', SHARD_0, SHARD_1);
    await lab.put('merge', records('b', 40));
    const worker = lab.worker({
      streamName: 'merge',
      tableName: 'merge-leases',
      workerId: 'host:1',
      cleanUpEndedLeases: false,
    });
    await worker.consumer.start();
    await vi.waitFor(() => expect(worker.texts()).toEqual([...texts('a', 40), ...texts('b', 40)]), WAIT);
    expect(worker.delivered.slice(0, 40).every((record) => record.text.startsWith('a'))).toBe(true);
    const child = (await lab.rows('merge-leases')).get('shardId-000000000002');
    expect([...(child?.['parentShardId']?.SS ?? [])].sort()).toEqual([SHARD_0, SHARD_1]);
    await worker.consumer.close();
  });
});

test('UpdateShardCount under load loses nothing and keeps the order of each key', async () => {
  const names = { streamName: 'scaled', tableName: 'scaled-leases' };
  await lab.createStream('scaled', 2);
  const workers = ['host:1', 'host:2'].map((workerId) => lab.worker({ ...names, workerId }));
  await Promise.all(workers.map((worker) => worker.consumer.start()));

  const keys = Array.from({ length: 12 }, (_, n) => `key${n}`);
  let round = 0;
  let isScaling = true;
  const load = async () => {
    for (; isScaling; round += 1)
      await lab.put(
        'scaled',
        keys.map((key) => ({ key, data: `${key} ${round}` })),
      );
  };
  const loading = load();
  for (const count of [4, 2, 3, 6]) await lab.updateShardCount('scaled', count);
  isScaling = false;
  await loading;

  const delivered = () => workers.flatMap((worker) => worker.delivered);
  const distinct = () => new Set(delivered().map(({ text }) => text));
  await vi.waitFor(() => expect(distinct().size).toBe(keys.length * round), WAIT);
  // A lease that is stolen may be read by two for a moment, each in order; a worker alone never goes back.
  for (const worker of workers) {
    for (const key of keys) {
      const rounds = worker.delivered
        .filter((record) => record.partitionKey === key)
        .map(({ text }) => text.split(' ')[1]);
      expect(rounds).toEqual([...rounds].sort((left, right) => Number(left) - Number(right)));
    }
  }
});

test('a stream that is not there is said at the start', async () => {
  const worker = lab.worker({ streamName: 'absent', tableName: 'absent-leases', workerId: 'host:1' });
  await expect(worker.consumer.start()).rejects.toThrow('there is no stream "absent"');
});

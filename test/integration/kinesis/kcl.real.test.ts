import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Lab, startLab } from './harness.ts';
import { installKcl, startReferenceWorker } from './kcl/referenceWorker.ts';

const WAIT = { timeout: 60_000, interval: 100 };
const JAVA = 'java:1';
const names = { streamName: 'fleet', tableName: 'fleet-leases' };

function texts(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

describe.runIf(process.env['LOGSTASH_TS_REAL'] === '1')('one lease table with the Java KCL', () => {
  let lab: Lab;

  beforeAll(async () => {
    installKcl();
    lab = await startLab();
  }, 600_000);

  afterAll(async () => {
    await lab.stop();
  }, 30_000);

  const put = (prefix: string, count = 20) =>
    lab.put(
      names.streamName,
      texts(prefix, count).map((text) => ({ key: text, data: text })),
    );
  const only = (all: readonly string[], prefix: string) => all.filter((text) => text.startsWith(prefix)).sort();
  const owners = async () => [...(await lab.rows(names.tableName)).values()].map((row) => row['leaseOwner']?.S);

  test('either goes on where the other stopped, died, stole, or ended a shard', { timeout: 300_000 }, async () => {
    await lab.createStream(names.streamName, 2);
    await put('a');
    const first = lab.worker({ ...names, workerId: 'ts:1', failoverTimeMs: 3_000 });
    await first.consumer.start();
    await vi.waitFor(() => expect(first.delivered).toHaveLength(20), WAIT);
    await first.consumer.close();

    await put('b');
    const java = await startReferenceWorker(lab, { ...names, workerId: JAVA });
    await vi.waitFor(() => expect(only(java.texts(), 'b')).toHaveLength(20), WAIT);
    expect(java.texts()).toHaveLength(20);
    expect(await owners()).toEqual([JAVA, JAVA]);

    const second = lab.worker({ ...names, workerId: 'ts:2', failoverTimeMs: 3_000 });
    await second.consumer.start();
    expect(second.consumer.snapshot().shards.map((shard) => shard.leaseOwner)).toEqual([JAVA, JAVA]);
    await java.kill();
    await put('c');
    await vi.waitFor(() => expect(only(second.texts(), 'c')).toEqual(texts('c', 20).sort()), WAIT);

    const thief = await startReferenceWorker(lab, { ...names, workerId: 'java:2' });
    await vi.waitFor(() => expect(second.lostShards).toHaveLength(1), WAIT);
    expect((await owners()).sort()).toEqual(['java:2', 'ts:2']);

    await lab.split(names.streamName, 'shardId-000000000000');
    await lab.split(names.streamName, 'shardId-000000000001');
    await put('d', 40);
    const both = () => [...only(thief.texts(), 'd'), ...only(second.texts(), 'd')].sort();
    await vi.waitFor(() => expect(both()).toEqual(texts('d', 40).sort()), WAIT);

    await thief.kill();
    await put('e', 40);
    await vi.waitFor(() => expect(only(second.texts(), 'e')).toEqual(texts('e', 40).sort()), WAIT);
    await second.consumer.close();

    await put('f', 40);
    const last = await startReferenceWorker(lab, { ...names, workerId: 'java:3' });
    await vi.waitFor(() => expect(only(last.texts(), 'f')).toHaveLength(40), WAIT);
    expect(last.texts()).toHaveLength(40);
    await last.kill();
  });
});

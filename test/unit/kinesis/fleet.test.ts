import { describe, expect, test } from 'vitest';
import { createLab, createWorker, type FakeLab, type FakeWorker } from './fakes/lab.ts';

const FAILOVER_MS = 10_000;
/** As KCL: two failover times and its allowance for clocks. */
const ROUND_MS = 2 * (FAILOVER_MS + 25);

function owners(lab: FakeLab, shards: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const shard of shards) {
    const owner = String(lab.dynamodb.row(shard)?.['leaseOwner'] ?? 'nobody');
    counts[owner] = (counts[owner] ?? 0) + 1;
  }
  return counts;
}

function ownerOf(lab: FakeLab, shards: readonly string[]): string {
  return shards.map((shard) => lab.dynamodb.row(shard)?.['leaseOwner']).join();
}

async function start(lab: FakeLab, workerId: string): Promise<FakeWorker> {
  const worker = createWorker(lab, { workerId, failoverTimeMs: FAILOVER_MS });
  const started = worker.consumer.start();
  await lab.clock.advance(1);
  await started;
  return worker;
}

describe('a fleet of workers on one table', () => {
  const shards = Array.from({ length: 12 }, (_, index) => `s${index}`);

  test('newcomers come to their share, and then no lease moves; nothing is lost on the way', async () => {
    const lab = createLab(shards);
    const workers = [await start(lab, 'a')];
    expect(owners(lab, shards)).toEqual({ a: 12 });
    workers.push(await start(lab, 'b'));
    await lab.clock.advance(6 * ROUND_MS);
    expect(owners(lab, shards)).toEqual({ a: 6, b: 6 });
    workers.push(await start(lab, 'c'));
    await lab.clock.advance(6 * ROUND_MS);
    expect(owners(lab, shards)).toEqual({ a: 4, b: 4, c: 4 });
    const balanced = ownerOf(lab, shards);
    await lab.clock.advance(20 * FAILOVER_MS);
    expect(ownerOf(lab, shards)).toBe(balanced);

    for (const shard of shards) lab.kinesis.put(shard, `to ${shard}`);
    await lab.clock.advance(5_000);
    const read = workers.flatMap(({ texts }) => texts).sort();
    expect(read).toEqual(shards.map((shard) => `to ${shard}`).sort());
    for (const { consumer } of workers) {
      const closed = consumer.close();
      await lab.clock.advance(1);
      await closed;
    }
    expect(owners(lab, shards)).toEqual({ nobody: 12 });
  });
});

import { describe, expect, test } from 'vitest';
import { awsError } from './fakes/faults.ts';
import { createLab, createWorker, type FakeLab, type FakeWorker } from './fakes/lab.ts';

const FAILOVER_MS = 10_000;
/** KCL's take round: two failover times and its allowance for clocks. */
const ROUND_MS = 2 * (FAILOVER_MS + 25);
const SHARDS = Array.from({ length: 12 }, (_, index) => `s${index}`);
const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);

/** Park and Miller's generator: for spreading starts, not for statistics. */
function randomFrom(seed: number): () => number {
  let state = (seed + 1) * 7_919;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

class Fleet {
  readonly lab: FakeLab = createLab(SHARDS);
  readonly random: () => number;
  readonly workers = new Map<string, { worker: FakeWorker; kill: () => void }>();
  readonly moves = new Map<string, number>();
  #owners: (string | undefined)[] = [];

  constructor(seed: number) {
    this.random = randomFrom(seed);
  }

  /** Begins to start; `advance` lets it. */
  start(workerId: string): void {
    let isDead = false;
    const mortal = <T extends object>(api: T): T =>
      new Proxy(api, {
        get(target, name) {
          const call = Reflect.get(target, name);
          if (typeof call !== 'function') return call;
          return (...args: unknown[]) =>
            isDead ? Promise.reject(awsError('TimeoutError')) : Reflect.apply(call, target, args);
        },
      });
    const worker = createWorker(this.lab, {
      workerId,
      failoverTimeMs: FAILOVER_MS,
      random: this.random,
      kinesis: mortal(this.lab.kinesis),
      dynamodb: mortal(this.lab.dynamodb),
    });
    this.workers.set(workerId, {
      worker,
      kill: () => {
        isDead = true;
      },
    });
    worker.consumer.start().catch(() => {});
  }

  async stop(workerId: string): Promise<void> {
    const closed = this.workers.get(workerId)?.worker.consumer.close();
    await this.advance(1);
    await closed;
    this.workers.delete(workerId);
  }

  /** In steps of 100 ms, so that each change of an owner is seen. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      await this.lab.clock.advance(Math.min(100, left));
      this.#noteMoves();
    }
  }

  #noteMoves(): void {
    const owners = SHARDS.map((shard) => this.lab.dynamodb.row(shard)?.['leaseOwner'] as string | undefined);
    for (const [index, owner] of owners.entries()) {
      const shard = SHARDS[index] as string;
      if (owner === undefined || owner === this.#owners[index]) continue;
      if (this.#owners[index] !== undefined) this.moves.set(shard, (this.moves.get(shard) ?? 0) + 1);
      this.#owners[index] = owner;
    }
  }

  /** Leases by owner, largest first. */
  counts(): number[] {
    const counts = new Map<string, number>();
    for (const owner of this.#owners) counts.set(owner ?? 'nobody', (counts.get(owner ?? 'nobody') ?? 0) + 1);
    return [...counts.values()].sort((left, right) => right - left);
  }

  owners(): Set<string | undefined> {
    return new Set(this.#owners);
  }

  /** In steps of 100 ms; resolves to how long it took. */
  async until(isSo: () => boolean, maxMs: number): Promise<number> {
    for (let ms = 0; ms <= maxMs; ms += 100) {
      if (isSo()) return ms;
      await this.advance(100);
    }
    throw new Error(`not within ${maxMs} ms: ${this.counts()}`);
  }

  /** None moves in 20 periods, and each record is read exactly once. */
  async expectStill(): Promise<void> {
    this.moves.clear();
    // A worker whose lease was stolen learns of it by its next renewal.
    await this.advance(FAILOVER_MS / 3);
    this.put();
    await this.advance(20 * FAILOVER_MS);
    expect([...this.moves]).toEqual([]);
    expect(this.texts()).toEqual(SHARDS.map((shard) => `to ${shard}`).sort());
  }

  /** One record to each shard; what was read before is forgotten. */
  put(): void {
    for (const { worker } of this.workers.values()) worker.texts.length = 0;
    for (const shard of SHARDS) this.lab.kinesis.put(shard, `to ${shard}`);
  }

  texts(): string[] {
    return [...this.workers.values()].flatMap(({ worker }) => worker.texts).sort();
  }
}

async function balancedFleet(seed: number): Promise<Fleet> {
  const fleet = new Fleet(seed);
  for (const id of ['a', 'b', 'c']) {
    fleet.start(id);
    await fleet.advance(Math.floor(fleet.random() * 2_000));
  }
  await fleet.until(() => isEven(fleet), 3 * FAILOVER_MS);
  return fleet;
}

function isEven(fleet: Fleet): boolean {
  return fleet.counts().join() === '4,4,4';
}

describe.each(SEEDS)('3 workers on 12 shards, seed %d', (seed) => {
  test('come to 4/4/4 within 3 lease periods from a cold start, and then no lease moves', async () => {
    const fleet = await balancedFleet(seed);
    await fleet.expectStill();
  });

  test('a third worker joins two within 6 take rounds, and then no lease moves', async () => {
    const fleet = new Fleet(seed);
    for (const id of ['a', 'b']) fleet.start(id);
    await fleet.until(() => fleet.counts().join() === '6,6', 6 * ROUND_MS);
    await fleet.advance(Math.floor(fleet.random() * ROUND_MS));
    fleet.start('c');
    await fleet.until(() => isEven(fleet), 6 * ROUND_MS);
    await fleet.expectStill();
  });

  test('a rolling restart moves no shard more than once', async () => {
    const fleet = await balancedFleet(seed);
    fleet.moves.clear();
    for (const id of ['a', 'b', 'c']) {
      await fleet.advance(2 * FAILOVER_MS + Math.floor(fleet.random() * ROUND_MS));
      await fleet.stop(id);
      await fleet.advance(500 + Math.floor(fleet.random() * 6_000));
      fleet.start(`${id}2`);
    }
    await fleet.advance(5 * FAILOVER_MS);
    expect(isEven(fleet)).toBe(true);
    expect([...fleet.moves].filter(([, count]) => count > 1)).toEqual([]);
    expect(fleet.moves.size).toBe(12);
    await fleet.expectStill();
  });

  test("a killed worker's shards run elsewhere within 2 lease periods", async () => {
    const fleet = await balancedFleet(seed);
    await fleet.advance(2 * FAILOVER_MS + Math.floor(fleet.random() * ROUND_MS));
    fleet.workers.get('b')?.kill();
    fleet.workers.delete('b');
    fleet.put();
    await fleet.until(() => new Set(fleet.texts()).size === SHARDS.length, 2 * FAILOVER_MS);
    expect(fleet.owners()).toEqual(new Set(['a', 'c']));
    await fleet.advance(3 * FAILOVER_MS);
    expect(fleet.counts()).toEqual([6, 6]);
    await fleet.expectStill();
  });

  test('what a worker gave back that does not return is taken within two lease periods', async () => {
    const fleet = await balancedFleet(seed);
    await fleet.advance(2 * FAILOVER_MS + Math.floor(fleet.random() * ROUND_MS));
    await fleet.stop('a');
    await fleet.until(() => fleet.counts().join() === '6,6', 2 * FAILOVER_MS);
  });
});

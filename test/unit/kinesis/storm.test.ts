import { describe, expect, test } from 'vitest';
import { createAckTracker } from '../../../src/delivery/ackTracker.ts';
import { createConsumer } from '../../../src/kinesis/consumer.ts';
import { compareSequenceNumbers } from '../../../src/kinesis/position.ts';
import type { Consumer, Position, ShardProcessor } from '../../../src/kinesis/types.ts';
import { silentLogger } from '../../../src/util/logger.ts';
import { awsError } from './fakes/faults.ts';
import { createLab, type FakeLab } from './fakes/lab.ts';

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Put {
  readonly shardId: string;
  readonly text: string;
  readonly sequenceNumber: string;
}

interface Worker {
  readonly consumer: Consumer;
  isDead: boolean;
}

/** Workers that read, settle late, crash and are replaced, on a stream that is resharded and servers that fail. */
class Storm {
  readonly lab: FakeLab = createLab(['s0', 's1']);
  readonly puts: Put[] = [];
  readonly settled = new Set<string>();
  readonly firstSeen: string[] = [];
  readonly violations: string[] = [];
  readonly #random: () => number;
  #open: { worker: Worker; settle: () => void }[] = [];
  #workers: Worker[] = [];
  #parents = new Map<string, string[]>();
  #shardCount = 2;
  #workerCount = 0;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
    this.lab.kinesis.recordsACall = 3;
  }

  async step(): Promise<void> {
    const dice = this.#random();
    if (dice < 0.35) this.#put();
    else if (dice < 0.6) this.#settleSome();
    else if (dice < 0.75) this.#fail();
    else if (dice < 0.8) this.#reshard();
    else if (dice < 0.84) this.lab.kinesis.expireIterators();
    else if (dice < 0.88) await this.#closeOne();
    else if (dice < 0.92) this.#crashOne();
    if (this.#workers.length < (dice < 0.5 ? 1 : 2)) this.#startOne();
    await this.lab.clock.advance(Math.floor(this.#random() * 5_000));
    this.#checkRows();
  }

  /** No more faults: everything has to arrive. */
  async calm(): Promise<void> {
    for (let round = 0; round < 80; round += 1) {
      if (this.#workers.length === 0) this.#startOne();
      this.#settleSome(1);
      await this.lab.clock.advance(5_000);
    }
    this.#settleSome(1);
    await this.lab.clock.advance(5_000);
    for (const worker of this.#workers) await this.#close(worker);
    this.#checkRows();
  }

  #put(): void {
    for (const [shardId, shard] of this.lab.kinesis.shards) {
      if (shard.closed || this.#random() < 0.3) continue;
      const text = `${shardId}-${this.puts.length}`;
      const [sequenceNumber = ''] = this.lab.kinesis.put(shardId, text);
      this.puts.push({ shardId, text, sequenceNumber });
    }
  }

  #settleSome(share = this.#random()): void {
    this.#open = this.#open.filter(({ settle }) => {
      if (this.#random() >= share) return true;
      settle();
      return false;
    });
  }

  #fail(): void {
    const pick = <T>(of: readonly T[]) => of[Math.floor(this.#random() * of.length)] as T;
    const times = 1 + Math.floor(this.#random() * 4);
    const error = awsError(pick(['TimeoutError', 'ProvisionedThroughputExceededException', 'InternalFailure']));
    const { kinesis, dynamodb } = this.lab;
    if (this.#random() < 0.4)
      kinesis.faults.refuse(pick(['getRecords', 'getShardIterator', 'listShards']), error, times);
    else if (this.#random() < 0.5) dynamodb.faults.loseAnswer(pick(['updateItem', 'putItem', 'deleteItem']), times);
    else dynamodb.faults.refuse(pick(['updateItem', 'putItem', 'scan', 'getItem', 'deleteItem']), error, times);
  }

  #reshard(): void {
    const open = [...this.lab.kinesis.shards].filter(([, shard]) => !shard.closed).map(([id]) => id);
    const [first, second] = open;
    if (first === undefined || this.#shardCount > 12) return;
    if (second !== undefined && this.#random() < 0.5) this.#addShard([first, second]);
    else {
      this.#addShard([first]);
      this.#addShard([first]);
    }
  }

  #addShard(parents: string[]): void {
    const id = `s${this.#shardCount}`;
    this.#shardCount += 1;
    this.#parents.set(id, parents);
    this.lab.kinesis.addShard(id, parents);
  }

  #startOne(): void {
    this.#workerCount += 1;
    const own = { isDead: false };
    const consumer = createConsumer({
      kinesis: mortal(this.lab.kinesis, own),
      dynamodb: mortal(this.lab.dynamodb, own),
      clock: this.lab.clock,
      streamName: 'logs',
      tableName: 'leases',
      workerId: `worker-${this.#workerCount}`,
      random: this.#random,
      logger: silentLogger,
      checkpointIntervalMs: 2_000,
      shardSyncIntervalMs: 15_000,
      createProcessor: ({ shardId }) => this.#processor(shardId, worker),
    });
    const worker: Worker = Object.assign(own, { consumer });
    this.#workers.push(worker);
    // A start that is cut off by a crash or a close is of no interest.
    consumer.start().catch(() => {});
  }

  #processor(shardId: string, worker: Worker): ShardProcessor {
    const acks = createAckTracker<Position>(this.lab.clock.now);
    return {
      process: (records) => {
        for (const record of records) {
          const text = Buffer.from(record.data).toString();
          this.#see(shardId, text);
          const token = acks.open(record);
          const settle = () => {
            this.settled.add(text);
            acks.settle(token);
          };
          this.#open.push({ worker, settle });
        }
      },
      settledPosition: () => acks.settledPosition(),
      whenSettled: () => acks.whenEmpty(),
      lost: () => {},
    };
  }

  #see(shardId: string, text: string): void {
    for (const parent of this.#parents.get(shardId) ?? []) {
      const unsettled = this.puts.filter((put) => put.shardId === parent && !this.settled.has(put.text));
      if (unsettled.length > 0) this.violations.push(`${text} was read before its parent ${parent} was settled`);
    }
    if (!this.firstSeen.includes(text)) this.firstSeen.push(text);
  }

  async #closeOne(): Promise<void> {
    const worker = this.#workers.shift();
    if (worker) await this.#close(worker);
  }

  async #close(worker: Worker): Promise<void> {
    const closed = worker.consumer.close();
    await this.lab.clock.advance(15_000);
    await closed;
  }

  /** Its calls reach nobody any more, and what it had open is never settled. */
  #crashOne(): void {
    const worker = this.#workers.shift();
    if (!worker) return;
    worker.isDead = true;
    this.#open = this.#open.filter((entry) => entry.worker !== worker);
    worker.consumer.close().catch(() => {});
  }

  #checkRows(): void {
    for (const [shardId, row] of this.lab.dynamodb.rows) {
      const checkpoint = row['checkpoint']?.S ?? '';
      const passed = this.puts.filter(
        (put) => put.shardId === shardId && isPassed(put.sequenceNumber, checkpoint) && !this.settled.has(put.text),
      );
      expect(passed, `the checkpoint ${checkpoint} of ${shardId} passes what is not settled`).toEqual([]);
    }
  }
}

/** The server as a worker sees it: every call fails once the worker is dead. */
function mortal<T extends object>(api: T, worker: { isDead: boolean }): T {
  return new Proxy(api, {
    get(target, name) {
      const call = Reflect.get(target, name);
      if (typeof call !== 'function') return call;
      return (...args: unknown[]) =>
        worker.isDead ? Promise.reject(awsError('TimeoutError')) : Reflect.apply(call, target, args);
    },
  });
}

function isPassed(sequenceNumber: string, checkpoint: string): boolean {
  if (checkpoint === 'SHARD_END') return true;
  return /^\d+$/.test(checkpoint) && compareSequenceNumbers(sequenceNumber, checkpoint) <= 0;
}

describe('in a storm of faults, crashes and reshards', () => {
  test.each(Array.from({ length: 25 }, (_, seed) => [seed]))('nothing is lost: seed %d', async (seed) => {
    const storm = new Storm(seed);
    for (let step = 0; step < 150; step += 1) await storm.step();
    await storm.calm();
    expect(storm.violations).toEqual([]);
    expect(storm.puts.filter((put) => !storm.settled.has(put.text))).toEqual([]);
    const inOrder = storm.puts.map((put) => put.text);
    for (const shardId of new Set(storm.puts.map((put) => put.shardId))) {
      const of = (texts: readonly string[]) => texts.filter((text) => text.startsWith(`${shardId}-`));
      expect(of(storm.firstSeen)).toEqual(of(inOrder));
    }
  });
});

/**
 * Splits and merges under load while one of two processes is killed again and again. A longer run:
 * LOGSTASH_TS_STORM_SECONDS=900; the same reshards again: LOGSTASH_TS_STORM_SEED=<the one in the test's name>.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { seededRandom } from '../../../scripts/geoip/random.ts';
import { compareSequenceNumbers } from '../../../src/kinesis/position.ts';
import { type Lab, type PutRecord, startLab } from './harness.ts';
import { Fleet, LOOK_ON_MS } from './storm/fleet.ts';
import { type Producer, startProducer } from './storm/producer.ts';
import { isOpen, reshard } from './storm/reshard.ts';

const SECONDS = Number(process.env['LOGSTASH_TS_STORM_SECONDS'] ?? 75);
const SEED = Number(process.env['LOGSTASH_TS_STORM_SEED'] ?? Date.now() % 1_000_000);
const KILL_PERIOD_MS = 15_000;
const RESHARDS = Math.round((20 * SECONDS) / 75);
const WAIT = { timeout: 90_000, interval: 500 };
const names = { streamName: 'storm', tableName: 'storm-leases' };

describe.runIf(process.env['LOGSTASH_TS_REAL'] === '1')('two processes in a storm', () => {
  let lab: Lab;
  let fleet: Fleet;

  beforeAll(async () => {
    lab = await startLab({ shardLimit: 4 + 2 * RESHARDS });
    await lab.createStream(names.streamName, 4);
    fleet = new Fleet(lab, names, 2);
  }, 120_000);

  afterAll(async () => {
    await fleet?.remove();
    await lab?.stop();
  }, 60_000);

  test(`of ${RESHARDS} reshards, seed ${SEED}, lose nothing`, { timeout: (SECONDS + 240) * 1_000 }, async () => {
    fleet.start();
    const ownerCount = async () =>
      new Set([...(await lab.rows(names.tableName)).values()].map((row) => row['leaseOwner']?.S)).size;
    await vi.waitFor(async () => expect(await ownerCount()).toBe(2), WAIT);
    const producer = startProducer((ids) => lab.put(names.streamName, ids.map(recordOf)));
    const [kills, reshards] = await Promise.all([killAgainAndAgain(), reshardAtRandom()]);
    await producer.stop();
    const input = new Set(producer.placed.keys());

    const delivered = () => fleet.written().flatMap(({ deliveries }) => deliveries.map(({ id }) => id));
    await vi.waitFor(() => expect([...input.difference(new Set(delivered()))]).toEqual([]), WAIT);
    await vi.waitFor(expectSaneLeases, WAIT);
    expect(await Promise.all(fleet.processes.map((process) => process.end('SIGTERM')))).toEqual([0, 0]);

    expect(new Set(delivered())).toEqual(input);
    expect(fleet.written().flatMap(({ brokenLines }) => brokenLines)).toEqual([]);
    expect(fleet.replayedBelowCheckpoint(producer.placed)).toEqual([]);
    await expectLastCheckpoints(producer);
    expect(fleet.watchedShards).toBeGreaterThan(0);
    console.log(
      `seed ${SEED}: ${kills} kills; ${reshards}; ${summary(delivered())}; ${fleet.watchedShards} shards watched`,
    );
  });

  async function killAgainAndAgain(): Promise<number> {
    const startMs = Date.now();
    const kills = Math.floor((SECONDS * 1_000) / KILL_PERIOD_MS);
    for (let kill = 1; kill <= kills; kill += 1) {
      await wait(startMs + kill * KILL_PERIOD_MS - LOOK_ON_MS - Date.now());
      await fleet.killAndRestart(kill % 2);
    }
    return kills;
  }

  async function reshardAtRandom(): Promise<string> {
    const random = seededRandom(SEED);
    const startMs = Date.now();
    const times = Array.from({ length: RESHARDS }, () => random() * SECONDS * 1_000).sort((a, b) => a - b);
    const done = { split: 0, merge: 0 };
    for (const time of times) {
      await wait(Math.max(0, startMs + time - Date.now()));
      done[await reshard(lab, names.streamName, random)] += 1;
    }
    return `${done.split} splits, ${done.merge} merges`;
  }

  /** A live owner for every open shard; closed ones read to their end, their rows perhaps gone. */
  async function expectSaneLeases(): Promise<void> {
    const [shards, rows] = await Promise.all([lab.shards(names.streamName), lab.rows(names.tableName)]);
    const alive = fleet.processes.map(({ workerId }) => workerId);
    for (const shard of shards) {
      const row = rows.get(shard.ShardId ?? '');
      if (isOpen(shard)) expect(alive).toContain(row?.['leaseOwner']?.S);
      else expect([undefined, 'SHARD_END']).toContain(row?.['checkpoint']?.S);
    }
    expect(shards.map(({ ShardId = '' }) => ShardId)).toEqual(expect.arrayContaining([...rows.keys()]));
  }

  /** After a stop no row has an owner, and each open shard stands at its last record. */
  async function expectLastCheckpoints(producer: Producer): Promise<void> {
    const last = new Map<string, string>();
    for (const { shardId, sequenceNumber } of producer.placed.values()) {
      if (compareSequenceNumbers(sequenceNumber, last.get(shardId) ?? '') > 0) last.set(shardId, sequenceNumber);
    }
    const open = (await lab.shards(names.streamName)).filter(isOpen).map(({ ShardId = '' }) => ShardId);
    const rows = await lab.rows(names.tableName);
    for (const shardId of open) {
      expect(rows.get(shardId)).not.toHaveProperty('leaseOwner');
      expect(rows.get(shardId)?.['checkpoint']?.S).toBe(last.get(shardId) ?? 'TRIM_HORIZON');
    }
  }
});

function recordOf(id: number): PutRecord {
  return { key: `key-${id}`, data: JSON.stringify({ id, key: `key-${id}` }) };
}

function summary(delivered: readonly number[]): string {
  const times = new Map<number, number>();
  for (const id of delivered) times.set(id, (times.get(id) ?? 0) + 1);
  const again = [...times.values()].filter((count) => count > 1).length;
  const most = [...times.values()].reduce((left, right) => Math.max(left, right), 0);
  return `${times.size} events, ${again} of them more than once, at most ${most} times`;
}

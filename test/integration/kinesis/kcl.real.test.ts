import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { kplRecord } from '../../support/kpl.ts';
import { type Lab, startLab } from './harness.ts';
import { startLoad } from './kcl/load.ts';
import { installKcl, startReferenceWorker } from './kcl/referenceWorker.ts';
import { anyShard, comparable } from './kcl/rows.ts';

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

  const put = (prefix: string, count = 20, streamName = names.streamName) =>
    lab.put(
      streamName,
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

  test('a mixed fleet shares six shards evenly and stays still, and loses nothing', { timeout: 300_000 }, async () => {
    const mixed = { streamName: 'mixed', tableName: 'mixed-leases' };
    const failoverTimeMs = 3_000;
    const ownerByShard = async () => {
      const rows = await lab.rows(mixed.tableName);
      return Object.fromEntries([...rows].map(([shardId, row]) => [shardId, row['leaseOwner']?.S]));
    };
    const leaseCounts = async () =>
      Object.values(Object.groupBy(Object.values(await ownerByShard()), (owner) => owner ?? 'nobody'))
        .map((shards) => shards?.length)
        .sort();
    await lab.createStream(mixed.streamName, 6);
    const load = startLoad(lab, mixed.streamName, 6);
    const first = lab.worker({ ...mixed, workerId: 'ts:1', failoverTimeMs });
    await first.consumer.start();
    const java = await startReferenceWorker(lab, { ...mixed, workerId: JAVA });
    const second = lab.worker({ ...mixed, workerId: 'ts:2', failoverTimeMs });
    await second.consumer.start();
    await vi.waitFor(async () => expect(await leaseCounts()).toEqual([2, 2, 2]), WAIT);
    const delivered = () => [first.texts(), second.texts(), java.texts()];
    const isThere = (phase: string) => {
      const all = new Set(delivered().flat());
      expect(only(load.texts, phase).filter((text) => !all.has(text))).toEqual([]);
    };

    const balanced = await ownerByShard();
    const staysStill = async (periods: number) => {
      for (const untilMs = Date.now() + periods * failoverTimeMs; Date.now() < untilMs; await wait(250)) {
        expect(await ownerByShard()).toEqual(balanced);
      }
    };
    // Whoever was stolen from reads on until it sees so, at most for the failover time.
    await staysStill(1);
    await load.enter('still');
    await staysStill(10);
    await load.enter('between');
    await vi.waitFor(() => isThere('still'), WAIT);
    expect(only(delivered().flat(), 'still')).toEqual(only(load.texts, 'still'));

    await java.kill();
    await load.enter('last');
    await vi.waitFor(async () => expect(await leaseCounts()).toEqual([3, 3]), WAIT);
    await load.stop();
    await vi.waitFor(() => isThere(''), WAIT);
    for (const texts of delivered()) expect(new Set(texts).size).toBe(texts.length);
    const twice = delivered().flat().length - load.texts.length;
    console.log(`${load.texts.length} records, ${twice} read by two workers at a hand-over`);
    await Promise.all([first.consumer.close(), second.consumer.close()]);
  });

  describe('rows are the same as those of the Java KCL', () => {
    const [oursTable, javaTable] = ['rows-ts-leases', 'rows-java-leases'];

    /** Both tables, once ours is as `expected` says in parts and the other is the same in all. */
    async function expectSameRows(expected: Record<string, object>): Promise<void> {
      await vi.waitFor(async () => {
        const [ours, java] = [comparable(await lab.rows(oursTable)), comparable(await lab.rows(javaTable))];
        expect(ours).toMatchObject(expected);
        expect(ours).toEqual(java);
      }, WAIT);
    }

    test('owned, read, aggregated, split, merged, ended, taken over', { timeout: 240_000 }, async () => {
      const streamName = 'rows';
      const id = (n: number) => `shardId-00000000000${n}`;
      await lab.createStream(streamName, 2);
      const ours = lab.worker({ streamName, tableName: oursTable, workerId: 'ts:1', failoverTimeMs: 3_000 });
      await ours.consumer.start();
      const java = await startReferenceWorker(lab, { streamName, tableName: javaTable, workerId: JAVA });
      const unread = { checkpoint: ['S', 'TRIM_HORIZON'], leaseOwner: ['S', 'any leaseOwner'] };
      await expectSameRows({ [id(0)]: unread, [id(1)]: unread });

      await put('a', 20, streamName);
      const sequenceNumber = ['S', expect.stringMatching(/^\d{56}$/)];
      const read = { checkpoint: sequenceNumber, checkpointSubSequenceNumber: ['N', '0'] };
      await expectSameRows({ [id(0)]: read, [id(1)]: read });

      const aggregated = kplRecord(texts('u', 3).map((data) => ({ key: 'k', data, hashKey: '0' })));
      await lab.put(streamName, [{ key: 'k', data: aggregated, hashKey: '0' }]);
      const inside = { checkpoint: sequenceNumber, checkpointSubSequenceNumber: ['N', '2'] };
      await expectSameRows({ [id(0)]: inside, [id(1)]: read });

      await lab.split(streamName, id(0));
      const ended = { checkpoint: ['S', 'SHARD_END'], checkpointSubSequenceNumber: ['N', '0'] };
      const child = { ...unread, parentShardId: ['SS', [id(0)]] };
      await expectSameRows({
        [id(0)]: { ...ended, childShardIds: ['SS', [id(2), id(3)]] },
        [id(2)]: child,
        [id(3)]: child,
      });

      await lab.merge(streamName, id(3), id(1));
      const merged = { ...unread, parentShardId: ['SS', [id(1), id(3)]] };
      const parent = { ...ended, childShardIds: ['SS', [id(4)]] };
      await expectSameRows({ [id(1)]: parent, [id(3)]: parent, [id(4)]: merged });

      await java.kill();
      const left = await lab.rows(oursTable);
      await ours.consumer.close();
      for (const shardId of left.keys()) await lab.setRow(oursTable, shardId, 'leaseOwner', { S: 'ts:1' });
      const heir = lab.worker({ streamName, tableName: javaTable, workerId: 'ts:2', failoverTimeMs: 3_000 });
      await heir.consumer.start();
      const javaHeir = await startReferenceWorker(lab, { streamName, tableName: oursTable, workerId: 'java:2' });
      const switched = { ...unread, ownerSwitchesSinceCheckpoint: ['N', '1'] };
      await expectSameRows({ [id(2)]: switched, [id(4)]: switched });
      await javaHeir.kill();
      await heir.consumer.close();
    });

    test('new, for each initial position', { timeout: 120_000 }, async () => {
      await lab.createStream('new', 2);
      const types = ['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP'] as const;
      const rowsOf = async (name: string) => Object.values(comparable(await lab.rows(name)));
      const compareRows = async (type: (typeof types)[number]) => {
        const [oursName, javaName] = [`new-ts-${type}`, `new-java-${type}`];
        const initialPosition = type === 'AT_TIMESTAMP' ? { type, timestampMs: 0 } : { type };
        const shared = { streamName: 'new', workerId: 'w' };
        // One lease stays without an owner, either of the two.
        const ours = lab.worker({ ...shared, tableName: oursName, initialPosition, maxLeasesForWorker: 1 });
        await ours.consumer.start();
        const java = await startReferenceWorker(lab, {
          ...shared,
          tableName: javaName,
          initialPosition: type,
          maxLeases: 1,
        });
        const unowned = async (name: string) =>
          (await rowsOf(name)).filter((row) => !('leaseOwner' in row)).map(anyShard);
        await vi.waitFor(async () => {
          expect(await unowned(javaName)).toHaveLength(1);
          expect(await unowned(oursName)).toEqual(await unowned(javaName));
          expect(await unowned(oursName)).toMatchObject([{ checkpoint: ['S', type] }]);
        }, WAIT);
        await Promise.all([java.kill(), ours.consumer.close()]);
      };
      await Promise.all(types.map(compareRows));
    });
  });

  describe('in the middle of an aggregated record', () => {
    const users = texts('u', 10);
    const aggregated = { key: 'k', data: kplRecord(users.map((data) => ({ key: 'k', data }))) };
    const after = texts('v', 3);
    const expected = [...users.slice(4), ...after];

    async function fillStream(name: string): Promise<void> {
      await lab.createStream(name, 1);
      await lab.put(name, [aggregated, ...after.map((data) => ({ key: 'k', data }))]);
    }

    async function expectSubSequence(table: string, subSequenceNumber: string): Promise<void> {
      const [row] = (await lab.rows(table)).values();
      expect(row?.['checkpointSubSequenceNumber']?.N).toBe(subSequenceNumber);
      expect(row?.['checkpoint']?.S).toMatch(/^\d{56}$/);
    }

    test('the Java KCL goes on at the user record after the one we settled', { timeout: 120_000 }, async () => {
      const middle = { streamName: 'middle-1', tableName: 'middle-1-leases' };
      await fillStream(middle.streamName);
      const ours = lab.worker({ ...middle, workerId: 'ts:1', holdBack: (record) => record.text > 'u3' });
      await ours.consumer.start();
      await vi.waitFor(() => expect(ours.delivered).toHaveLength(13), WAIT);
      await ours.consumer.close();
      await expectSubSequence(middle.tableName, '3');

      const java = await startReferenceWorker(lab, { ...middle, workerId: JAVA });
      await vi.waitFor(() => expect(java.texts()).toEqual(expected), WAIT);
      await java.kill();
    });

    test('we go on at the user record after the one it checkpointed', { timeout: 120_000 }, async () => {
      const middle = { streamName: 'middle-2', tableName: 'middle-2-leases' };
      await fillStream(middle.streamName);
      const java = await startReferenceWorker(lab, { ...middle, workerId: JAVA, checkpointAt: 4 });
      await vi.waitFor(() => expect(java.texts()).toEqual([...users, ...after]), WAIT);
      await java.kill();
      await expectSubSequence(middle.tableName, '3');

      const ours = lab.worker({ ...middle, workerId: 'ts:1', failoverTimeMs: 3_000 });
      await ours.consumer.start();
      await vi.waitFor(() => expect(ours.delivered.map(({ text }) => text)).toEqual(expected), WAIT);
      await ours.consumer.close();
    });
  });

  describe('a row set to sub-sequence number -1 begins at its record, that included', () => {
    const all = ['p0', 'p1', 'u0', 'u1', 'u2', 'p2'];
    let sequenceNumbers: ReadonlyMap<string, string>;

    beforeAll(async () => {
      await lab.createStream('sought', 1);
      const aggregated = kplRecord(['u0', 'u1', 'u2'].map((data) => ({ key: 'k', data })));
      await lab.put(
        'sought',
        ['p0', 'p1', aggregated, 'p2'].map((data) => ({ key: 'k', data })),
      );
    });

    /** As a tool leaves it that moves a stopped reader: a table that was in use, no owner. */
    async function seek(tableName: string, text: string): Promise<void> {
      const reader = lab.worker({ streamName: 'sought', tableName, workerId: 'ts:0' });
      await reader.consumer.start();
      await vi.waitFor(() => expect(reader.delivered.map((record) => record.text)).toEqual(all), WAIT);
      await reader.consumer.close();
      sequenceNumbers ??= new Map(reader.delivered.map((record) => [record.text, record.sequenceNumber]));
      const checkpoint = { S: sequenceNumbers.get(text) ?? '' };
      await lab.setRow(tableName, 'shardId-000000000000', 'checkpoint', checkpoint);
      await lab.setRow(tableName, 'shardId-000000000000', 'checkpointSubSequenceNumber', { N: '-1' });
    }

    /** Has moved on to the last record. */
    async function expectCheckpointAtEnd(tableName: string): Promise<void> {
      await vi.waitFor(async () => {
        const [row] = (await lab.rows(tableName)).values();
        expect(row).toMatchObject({
          checkpoint: { S: sequenceNumbers.get('p2') },
          checkpointSubSequenceNumber: { N: '0' },
        });
      }, WAIT);
    }

    test.each([
      ['a plain record', 'p1'],
      ['an aggregated record', 'u0'],
    ])('for us and for the Java KCL: %s', { timeout: 120_000 }, async (_kind, text) => {
      const [ourTable, javaTable] = [`sought-ts-${text}`, `sought-java-${text}`];
      await seek(ourTable, text);
      const ours = lab.worker({ streamName: 'sought', tableName: ourTable, workerId: 'ts:1' });
      await ours.consumer.start();
      const expected = all.slice(all.indexOf(text));
      await vi.waitFor(() => expect(ours.delivered.map((record) => record.text)).toEqual(expected), WAIT);
      await expectCheckpointAtEnd(ourTable);
      await ours.consumer.close();

      await seek(javaTable, text);
      const java = await startReferenceWorker(lab, { streamName: 'sought', tableName: javaTable, workerId: JAVA });
      await vi.waitFor(() => expect(java.texts()).toEqual(expected), WAIT);
      await expectCheckpointAtEnd(javaTable);
      await java.kill();
    });
  });
});

import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { DeadLetterQueue, type DeadLetterQueueSettings } from '../../../src/delivery/deadLetterQueue.ts';
import { IdSet, readDeadLetters, removeDeadLetters, type StoredDeadLetter } from '../../../src/delivery/deadLetters.ts';
import { SegmentLogFull } from '../../../src/delivery/segmentLog.ts';
import { Event } from '../../../src/event/event.ts';
import { encodeJson } from '../../../src/event/json.ts';
import type { Value } from '../../../src/event/value.ts';
import { silentLogger } from '../../../src/util/logger.ts';

const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-dlq-'));
afterAll(() => rmSync(folder, { recursive: true }));

const LETTER = { pluginType: 'elasticsearch', pluginId: 'es1', reason: 'mapper_parsing_exception', timeMs: 0 };
const event = (n: number) => new Event({ n }, { m: 1 });

function open(name: string, settings: Partial<DeadLetterQueueSettings> = {}) {
  const directory = join(folder, name);
  const errors: string[] = [];
  const time = { nowMs: Date.now() };
  const queue = new DeadLetterQueue({
    directory,
    clock: { now: () => time.nowMs, monotonic: () => time.nowMs, sleep: async () => {} },
    logger: { ...silentLogger, error: (message) => errors.push(message) },
    ...settings,
  });
  return { directory, queue, errors, time };
}

async function entries(directory: string): Promise<StoredDeadLetter[]> {
  const all: StoredDeadLetter[] = [];
  for await (const entry of readDeadLetters(directory)) all.push(entry);
  return all;
}

const numbers = async (directory: string) => (await entries(directory)).map(({ data }) => Number(data['n']));

/** Handles that this process has open on files of the directory; none where there is no way to tell. */
function openHandles(directory: string): number {
  if (!existsSync('/proc/self/fd')) return 0;
  const links = readdirSync('/proc/self/fd').map((fd) => {
    const link = join('/proc/self/fd', fd);
    return existsSync(link) ? readlinkSync(link) : '';
  });
  return links.filter((link) => link.startsWith(directory)).length;
}

it('gives back what nests as deep as any event may, and deeper', async () => {
  const { queue, directory } = open('deep');
  let deep: Value = 1;
  for (let level = 0; level < 1500; level++) deep = [deep];
  await queue.add(new Event({ deep }, {}), LETTER);
  await queue.close();
  const [entry] = await entries(directory);
  expect(JSON.stringify(entry?.data['deep'])).toBe(`${'['.repeat(1500)}1${']'.repeat(1500)}`);
});

it('writes what was refused, by whom and why, with all of the event', async () => {
  const { queue, directory } = open('one');
  expect(await entries(directory)).toEqual([]);
  const refused = event(1);
  refused.data['big'] = 9007199254740993n;
  refused.origin = 'logs/shard/1/0';
  await queue.add(refused, LETTER);
  const [entry] = await entries(directory);
  expect(entry).toMatchObject({ id: 0, ...LETTER, origin: 'logs/shard/1/0' });
  expect(encodeJson(entry?.metadata ?? null)).toBe('{"m":1}');
  expect(encodeJson(entry?.data ?? null)).toBe('{"n":1,"big":9007199254740993}');
  expect(queue.count).toBe(1);
  await queue.close();
});

it('keeps order and opens its file once, however they come', async () => {
  const { queue, directory } = open('many');
  const added: Promise<void>[] = [];
  for (let n = 0; n < 50; n++) {
    added.push(queue.add(event(n), LETTER));
    // So that some come before the file is open, some while a write runs, and some together.
    for (let turns = n % 7; turns > 0; turns--) await Promise.resolve();
    if (n % 20 === 19) await added[n];
  }
  await Promise.all(added);
  expect(openHandles(directory)).toBeLessThanOrEqual(1);
  expect(await numbers(directory)).toEqual(Array.from({ length: 50 }, (_, n) => n));
  await queue.close();
  expect(openHandles(directory)).toBe(0);
  expect(queue.count).toBe(50);
});

it('rejects what the disk refuses, and goes on when it can', async () => {
  const { queue, directory } = open('blocked');
  writeFileSync(directory, 'a file where a directory should be');
  await expect(queue.add(event(1), LETTER)).rejects.toThrow(/EEXIST|ENOTDIR/);
  rmSync(directory);
  await queue.add(event(2), LETTER);
  expect(await numbers(directory)).toEqual([2]);
  await queue.close();
});

it('takes nothing beyond its bound until entries are removed', async () => {
  const { queue, directory } = open('full', { bytesMax: 20_000 });
  let n = 0;
  const fill = async () => {
    for (; ; n++) await queue.add(event(n), LETTER);
  };
  await expect(fill()).rejects.toThrow(SegmentLogFull);
  expect(await numbers(directory)).toEqual(Array.from({ length: n }, (_, index) => index));
  await expect(queue.add(event(n), LETTER)).rejects.toThrow('has reached its bound of 20000 bytes');
  await removeDeadLetters(
    directory,
    Array.from({ length: 20 }, (_, id) => id),
  );
  await queue.add(event(n), LETTER);
  expect(await numbers(directory)).toEqual(Array.from({ length: n - 19 }, (_, index) => index + 20));
  await queue.close();
});

it('drops its oldest entries when it is told so, and says it', async () => {
  const { queue, directory, errors } = open('dropping', { bytesMax: 20_000, dropsWhenFull: 'oldest' });
  for (let n = 0; n < 500; n++) await queue.add(event(n), LETTER);
  const left = await numbers(directory);
  expect(left.at(-1)).toBe(499);
  expect(left.length).toBeGreaterThan(80);
  expect(left[0]).toBe(500 - left.length);
  expect(errors[0]).toContain('is full: its oldest entries are dropped');
  await queue.close();
});

it('removes what is older than its age', async () => {
  const { queue, directory, time } = open('old', { bytesMax: 64_000, maxAgeMs: 3_600_000 });
  for (let n = 0; n < 10; n++) await queue.add(event(n), LETTER);
  for (const name of readdirSync(directory)) utimesSync(join(directory, name), 0, time.nowMs / 1_000 - 3_601);
  time.nowMs += 61_000;
  await queue.add(event(10), LETTER);
  expect(await numbers(directory)).toEqual([10]);
  await queue.close();
});

it('goes on after damage, and says so', async () => {
  const before = open('damaged');
  for (const n of [0, 1, 2]) await before.queue.add(event(n), LETTER);
  await before.queue.close();
  const [name = ''] = readdirSync(before.directory).filter((file) => file.endsWith('.seg'));
  const path = join(before.directory, name);
  const bytes = readFileSync(path);
  bytes[40] = (bytes[40] as number) ^ 1;
  writeFileSync(path, bytes);
  const { queue, directory, errors } = open('damaged');
  await queue.add(event(3), LETTER);
  expect(await numbers(directory)).toEqual([1, 2, 3]);
  expect(errors[0]).toContain('the dead letter queue was damaged');
  await queue.close();
});

it('lets tools remove entries while it is written to', async () => {
  const { queue, directory } = open('tools');
  for (const n of [0, 1, 2, 3]) await queue.add(event(n), LETTER);
  await removeDeadLetters(directory, [2, 0]);
  await removeDeadLetters(directory, [1]);
  await queue.add(event(4), LETTER);
  expect(await numbers(directory)).toEqual([3, 4]);
  await queue.close();
});

it('keeps ids as ranges', () => {
  const set = new IdSet().with([5, 1, 2, 9]).with([3, 10, 2]);
  expect(set.ranges).toEqual([
    [1, 3],
    [5, 5],
    [9, 10],
  ]);
  expect([0, 1, 3, 4, 5, 10].map((id) => set.has(id))).toEqual([false, true, true, false, true, true]);
  expect([set.hasAll(1, 3), set.hasAll(3, 5)]).toEqual([true, false]);
});

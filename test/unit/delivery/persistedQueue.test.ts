import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PersistedQueue, type PersistedQueueSettings } from '../../../src/delivery/persistedQueue.ts';
import {
  checkQueue,
  hasLogstashPages,
  hasQueuedEvents,
  repairQueue,
} from '../../../src/delivery/persistedQueueCheck.ts';
import { SegmentDamaged } from '../../../src/delivery/segmentLog.ts';
import { Event } from '../../../src/event/event.ts';
import type { SourceBatch } from '../../../src/event/sourceBatch.ts';
import { type Clock, systemClock } from '../../../src/util/clock.ts';
import { recordLog } from '../../support/outputHarness.ts';

let base: string;
let directory: string;
const { logger, lines } = recordLog();

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'queue-'));
  directory = join(base, 'main');
  lines.length = 0;
});

afterEach(async () => {
  for (const queue of opened) await queue.close();
  opened.length = 0;
  await rm(base, { recursive: true });
});

const opened: PersistedQueue[] = [];

async function open(settings: Partial<PersistedQueueSettings> = {}): Promise<PersistedQueue> {
  const queue = await PersistedQueue.open({
    directory,
    pageBytes: 1_000_000,
    bytesMax: 10_000_000,
    eventsMax: 0,
    ackEventsMax: 1,
    ackIntervalMs: 0,
    refuse: async () => {},
    clock: systemClock,
    logger,
    ...settings,
  });
  opened.push(queue);
  return queue;
}

const eventsOf = (...ns: number[]) => ns.map((n) => Event.fromMap({ n }, 0));
const large = (n: number, bytes = 1000) => [Event.fromMap({ n, text: 'x'.repeat(bytes) }, 0)];

/** Takes what the queue gives out, and settles it when it is told to. */
class FakePipeline {
  readonly batches: { readonly ns: unknown[]; readonly origins: unknown[]; readonly batch: SourceBatch }[] = [];
  room: Promise<void> | undefined;

  readonly process = (events: Event[], batch: SourceBatch): void | Promise<void> => {
    const ns = events.map(({ data }) => data['n']);
    this.batches.push({ ns, origins: events.map(({ origin }) => origin), batch });
    return this.room;
  };

  get ns(): unknown[] {
    return this.batches.flatMap(({ ns }) => ns);
  }

  settle(...indices: number[]): void {
    for (const index of indices) this.batches[index]?.batch.settle();
  }
}

/** What a later process gives out first. */
async function whatIsLeft(from = directory): Promise<FakePipeline> {
  const copy = join(base, `copy-${copies++}`);
  // Of a queue at work: a file may go while it is copied.
  await vi.waitFor(async () => {
    await rm(copy, { recursive: true, force: true });
    await cp(from, copy, { recursive: true, filter: (path) => !path.endsWith('.new') });
  });
  const queue = await open({ directory: copy });
  const pipeline = new FakePipeline();
  queue.end(true);
  await queue.read(1, pipeline.process);
  return pipeline;
}

let copies = 0;

describe('a persisted queue', () => {
  test('gives out in order what was added, with an origin, and forgets what is settled', async () => {
    const queue = await open();
    const pipeline = new FakePipeline();
    const reading = queue.read(1, pipeline.process);
    await queue.add(eventsOf(1, 2));
    await queue.add([]);
    await queue.add(eventsOf(3));
    await vi.waitFor(() => expect(pipeline.ns).toEqual([1, 2, 3]));
    expect(queue.status).toMatchObject({ events: 3, bytesMax: 10_000_000 });
    const origins = pipeline.batches.flatMap((batch) => batch.origins);
    expect(new Set(origins).size).toBe(3);
    expect(origins[0]).toMatch(/^queue\/[0-9a-f-]{36}\/0$/);
    expect((await whatIsLeft()).ns).toEqual([1, 2, 3]);
    pipeline.settle(0);
    await vi.waitFor(async () => expect((await whatIsLeft()).ns).toEqual([3]));
    pipeline.settle(1);
    expect(queue.status.events).toBe(0);
    queue.end(true);
    await reading;
    await queue.close();
    expect((await whatIsLeft()).ns).toEqual([]);
  });

  test('what was taken is on disk', async () => {
    const queue = await open();
    await Promise.all([queue.add(eventsOf(1)), queue.add(eventsOf(2)), queue.add(eventsOf(3))]);
    expect((await whatIsLeft()).ns).toEqual([1, 2, 3]);
  });

  test('gives out again what was not settled, the same, before what comes', async () => {
    const first = await open();
    const before = new FakePipeline();
    void first.read(1, before.process);
    for (const n of [1, 2, 3]) await first.add(eventsOf(n));
    await vi.waitFor(() => expect(before.batches).toHaveLength(3));
    // The second can only be noted with the first.
    before.settle(1);
    first.end(false);
    await first.close();
    expect(lines).toEqual(['INFO 2 events stay in the queue for the next start']);
    expect(await hasQueuedEvents(directory)).toBe(true);

    const again = await open();
    expect(lines.at(-1)).toBe('INFO 3 events of an earlier run are in the queue, and go first');
    const pipeline = new FakePipeline();
    const reading = again.read(1, pipeline.process);
    await again.add(eventsOf(4));
    await vi.waitFor(() => expect(pipeline.ns).toEqual([1, 2, 3, 4]));
    expect(pipeline.batches.slice(0, 3).map(({ origins }) => origins)).toEqual(
      before.batches.map(({ origins }) => origins),
    );
    expect(pipeline.batches[3]?.origins).not.toEqual(before.batches[0]?.origins);
    pipeline.settle(3, 2, 1, 0);
    again.end(true);
    await reading;
    await again.close();
    expect(await hasQueuedEvents(directory)).toBe(false);
  });

  test('puts small batches together up to the size of a batch, and never parts one', async () => {
    const queue = await open();
    for (const ns of [[1], [2], [3, 4, 5, 6], [7], [8]]) await queue.add(eventsOf(...ns));
    const pipeline = new FakePipeline();
    queue.end(true);
    await queue.read(3, pipeline.process);
    expect(pipeline.batches.map(({ ns }) => ns)).toEqual([
      [1, 2, 3, 4, 5, 6],
      [7, 8],
    ]);
    pipeline.settle(0, 1);
  });

  test.each<[string, Partial<PersistedQueueSettings>]>([
    ['max_bytes', { bytesMax: 20_000 }],
    ['max_events', { eventsMax: 10 }],
  ])('inputs wait at %s until outputs have taken some, which is said once', async (_name, settings) => {
    // Nothing else would have the settled ones noted.
    const queue = await open({ ackEventsMax: 0, ...settings });
    const pipeline = new FakePipeline();
    const reading = queue.read(1, pipeline.process);
    let taken = 0;
    const adding = (async () => {
      for (let n = 0; n < 60; n++) {
        await queue.add(large(n));
        taken = n + 1;
      }
    })();
    await vi.waitFor(() => expect(lines).toEqual([expect.stringContaining('inputs wait, nothing is lost')]));
    const before = taken;
    expect(before).toBeGreaterThanOrEqual(10);
    expect(before).toBeLessThan(20);
    expect(queue.status.bytes).toBeLessThanOrEqual(20_000);
    await vi.waitFor(() => expect(pipeline.batches).toHaveLength(before));
    pipeline.settle(...pipeline.batches.keys());
    await vi.waitFor(() => expect(taken).toBeGreaterThan(before));
    let settled = before;
    await vi.waitFor(() => {
      while (settled < pipeline.batches.length) pipeline.settle(settled++);
      expect(taken).toBe(60);
    });
    await adding;
    queue.end(true);
    await reading;
    pipeline.settle(...Array.from({ length: pipeline.batches.length - settled }, (_, i) => settled + i));
    expect(pipeline.ns).toEqual(Array.from({ length: 60 }, (_, n) => n));
    expect(lines.filter((line) => line.includes('inputs wait'))).toHaveLength(1);
  });

  test('a batch larger than the bound goes in alone', async () => {
    const queue = await open({ bytesMax: 10_000 });
    const pipeline = new FakePipeline();
    void queue.read(1, pipeline.process);
    await queue.add(large(1, 50_000));
    let isTaken = false;
    const second = queue.add(large(2)).then(() => {
      isTaken = true;
    });
    await vi.waitFor(() => expect(pipeline.ns).toEqual([1]));
    expect(isTaken).toBe(false);
    pipeline.settle(0);
    await second;
    await vi.waitFor(() => expect(pipeline.ns).toEqual([1, 2]));
    queue.end(true);
  });

  test('pages that are settled are removed', async () => {
    const queue = await open({ pageBytes: 5_000 });
    const pipeline = new FakePipeline();
    void queue.read(1, pipeline.process);
    for (let n = 0; n < 20; n++) await queue.add(large(n));
    const pages = async () => (await readdir(directory)).filter((name) => name.endsWith('.seg'));
    expect((await pages()).length).toBeGreaterThan(3);
    await vi.waitFor(() => expect(pipeline.batches).toHaveLength(20));
    pipeline.settle(...pipeline.batches.keys());
    await vi.waitFor(async () => expect(await pages()).toHaveLength(1));
    expect(queue.status.bytes).toBeLessThan(7_000);
    queue.end(true);
  });

  test('without draining it stops where it is, with draining when all is given out', async () => {
    const queue = await open();
    for (const n of [1, 2, 3]) await queue.add(eventsOf(n));
    const pipeline = new FakePipeline();
    const full = Promise.withResolvers<void>();
    pipeline.room = full.promise;
    const reading = queue.read(1, pipeline.process);
    await vi.waitFor(() => expect(pipeline.ns).toEqual([1]));
    queue.end(false);
    full.resolve();
    await reading;
    expect(pipeline.ns).toEqual([1]);
    pipeline.settle(0);
    await queue.close();
    expect((await whatIsLeft()).ns).toEqual([2, 3]);
  });

  test('when something breaks down, those who wait are told, and nothing else waits', async () => {
    const queue = await open({ eventsMax: 1 });
    const pipeline = new FakePipeline();
    pipeline.room = new Promise(() => {});
    const reading = queue.read(1, pipeline.process);
    await queue.add(eventsOf(1));
    await vi.waitFor(() => expect(pipeline.ns).toEqual([1]));
    const waiting = queue.add(eventsOf(2));
    queue.abort(new Error('an output is broken'));
    await expect(waiting).rejects.toThrow('an output is broken');
    await expect(queue.add(eventsOf(3))).rejects.toThrow('an output is broken');
    await reading;
    expect((await whatIsLeft()).ns).toEqual([1]);
  });

  test('what the disk refuses is tried again, and is not taken before', async () => {
    const queue = await open({ clock: { ...systemClock, sleep: () => systemClock.sleep(1) } });
    await rm(directory, { recursive: true });
    let isTaken = false;
    const adding = queue.add(eventsOf(1)).then(() => {
      isTaken = true;
    });
    await vi.waitFor(() => expect(lines).toEqual([expect.stringMatching(/^WARN writing to the queue .* ENOENT/)]));
    expect(isTaken).toBe(false);
    const other = await open({ directory: join(base, 'other') });
    await cp(join(base, 'other'), directory, { recursive: true });
    await adding;
    expect(lines.at(-1)).toMatch(/works again/);
    expect((await whatIsLeft()).ns).toEqual([1]);
    other.end(true);
  });

  test('a crash repeats no more than checkpoint.acks events that were settled', async () => {
    const queue = await open({ ackEventsMax: 10 });
    const pipeline = new FakePipeline();
    void queue.read(1, pipeline.process);
    for (let n = 0; n < 25; n++) await queue.add(eventsOf(n));
    await vi.waitFor(() => expect(pipeline.batches).toHaveLength(25));
    for (let n = 0; n < 25; n++) {
      pipeline.settle(n);
      if (n === 9) await vi.waitFor(async () => expect((await whatIsLeft()).ns[0]).toBe(10));
      if (n === 18) expect((await whatIsLeft()).ns[0]).toBe(10);
    }
    await vi.waitFor(async () => expect((await whatIsLeft()).ns).toEqual([20, 21, 22, 23, 24]));
    queue.end(true);
    await queue.close();
    expect((await whatIsLeft()).ns).toEqual([]);
  });

  test('nor more than those of checkpoint.interval', async () => {
    const due: (() => void)[] = [];
    const clock: Clock = { ...systemClock, sleep: () => new Promise((done) => void due.push(done)) };
    const queue = await open({ ackEventsMax: 0, ackIntervalMs: 1000, clock });
    const pipeline = new FakePipeline();
    void queue.read(1, pipeline.process);
    for (const n of [1, 2]) await queue.add(eventsOf(n));
    await vi.waitFor(() => expect(pipeline.batches).toHaveLength(2));
    pipeline.settle(0);
    pipeline.settle(1);
    expect((await whatIsLeft()).ns).toEqual([1, 2]);
    expect(due).toHaveLength(1);
    due[0]?.();
    await vi.waitFor(async () => expect((await whatIsLeft()).ns).toEqual([]));
    queue.end(true);
  });

  test.each([1, 2, 3, 4])(
    'whenever it is cut short, all that was taken and not settled comes again, in order (seed %i)',
    async (seed) => {
      let state = seed;
      const random = () => {
        state = (state * 48271) % 2147483647;
        return state / 2147483647;
      };
      const queue = await open({ pageBytes: 3_000, ackEventsMax: 3 });
      const pipeline = new FakePipeline();
      void queue.read(3, pipeline.process);
      const unsettled = new Set<number>();
      let [next, given] = [0, 0];
      for (let step = 0; step < 120; step++) {
        const count = 1 + Math.floor(random() * 4);
        const ns = Array.from({ length: count }, () => next++);
        await queue.add(ns.flatMap((n) => large(n, Math.floor(random() * 400))));
        for (const n of ns) unsettled.add(n);
        await vi.waitFor(() => expect(pipeline.ns).toHaveLength(next), { interval: 2 });
        if (random() < 0.4) continue;
        for (; given < pipeline.batches.length; given++) {
          pipeline.settle(given);
          for (const n of pipeline.batches[given]?.ns ?? []) unsettled.delete(Number(n));
        }
        if (step % 10 !== 0) continue;
        const left = (await whatIsLeft()).ns.map(Number);
        expect(left).toEqual(left.toSorted((a, b) => a - b));
        expect([...unsettled].filter((n) => !left.includes(n))).toEqual([]);
      }
      queue.end(true);
    },
  );
});

describe('a queue whose files', () => {
  /** Two whole pages and a begun one. */
  async function filled(): Promise<string[]> {
    const queue = await open({ pageBytes: 2_500 });
    for (let n = 0; n < 8; n++) await queue.add(large(n));
    await queue.close();
    lines.length = 0;
    const names = (await readdir(directory)).filter((name) => name.endsWith('.seg')).sort();
    expect(names).toHaveLength(3);
    return names.map((name) => join(directory, name));
  }

  test.each([
    ['have a bad byte in a whole page', 0, 1300, [0, 2, 3, 4, 5, 6, 7]],
    ['have a bad byte in the last page', 2, 40, [0, 1, 2, 3, 4, 5, 7]],
    ['have a bad header', 1, 3, [0, 1, 2, 3, 4, 5, 6, 7]],
  ])('%s are refused, untouched, with the place; a repair keeps what is sound', async (_name, page, at, left) => {
    const path = (await filled())[page] ?? '';
    const bytes = await readFile(path);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const refused = await open().catch((error) => error);
    expect(refused).toBeInstanceOf(SegmentDamaged);
    expect(refused).toMatchObject({ path, offset: expect.any(Number) });
    expect(refused.offset).toBeLessThanOrEqual(at);
    expect(refused.offset).toBeGreaterThanOrEqual(at - 1200);
    expect(await readFile(path)).toEqual(bytes);
    const { pages } = await checkQueue(directory);
    expect(pages.map(({ damagedAt }) => damagedAt)).toEqual(
      [0, 1, 2].map((i) => (i === page ? refused.offset : undefined)),
    );

    expect(await repairQueue(directory)).toEqual([{ path, removedBytes: expect.any(Number) }]);
    expect((await stat(`${path}.damaged`)).size).toBeGreaterThan(0);
    expect(await repairQueue(directory)).toEqual([]);
    expect((await whatIsLeft()).ns).toEqual(left);
  });

  test('were cut in a whole page are refused; a repair keeps what is sound', async () => {
    const [path = ''] = await filled();
    await truncate(path, 1500);
    await expect(open()).rejects.toThrow(`${path} is damaged at byte`);
    await repairQueue(directory);
    expect((await whatIsLeft()).ns).toEqual([0, 3, 4, 5, 6, 7]);
    expect(lines.join()).toContain('2 batches before');
  });

  test('were cut at the end by a crash lose only what was not taken, which is said', async () => {
    const path = (await filled())[2] ?? '';
    await truncate(path, (await stat(path)).size - 10);
    expect((await whatIsLeft()).ns).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(lines.join()).toMatch(/WARN \d+ bytes at the end of .* are half a batch that a crash cut off/);
  });

  test.each([0, 7])('begin with a page of %i bytes only are whole', async (size) => {
    const path = (await filled())[2] ?? '';
    await truncate(path, size);
    expect((await whatIsLeft()).ns).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('have lost a page give out the others, and say what is missing', async () => {
    const [, path = ''] = await filled();
    await rm(path);
    expect((await whatIsLeft()).ns).toEqual([0, 1, 2, 6, 7]);
    expect(lines).toContainEqual(expect.stringMatching(/^ERROR 3 batches before .* are gone/));
  });

  test('are not there hold nothing', async () => {
    expect(await checkQueue(join(base, 'none'))).toEqual({ pages: [], events: 0 });
    expect(await hasQueuedEvents(join(base, 'none'))).toBe(false);
    expect(await hasLogstashPages(join(base, 'none'))).toBe(false);
    expect(await repairQueue(join(base, 'none'))).toEqual([]);
  });

  test('are those of a Logstash are known', async () => {
    await filled();
    expect(await hasLogstashPages(directory)).toBe(false);
    await writeFile(join(directory, 'page.12'), '');
    expect(await hasLogstashPages(directory)).toBe(true);
  });
});

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { checkQueue } from '../../../src/delivery/persistedQueueCheck.ts';
import { Event } from '../../../src/event/event.ts';
import type { Pipeline, QueueSettings } from '../../../src/runtime/pipeline.ts';
import { recordLog } from '../../support/outputHarness.ts';
import {
  type Source,
  settleAll,
  startPipeline,
  testInput,
  testOutput,
  type Write,
} from '../../support/testPipeline.ts';

let directory: string;
const { logger, lines } = recordLog();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'logstash-ts-runtime-'));
  lines.length = 0;
});

afterEach(() => rmSync(directory, { recursive: true }));

interface Parts {
  readonly source: Source;
  readonly replays?: boolean;
  /** What the outputs `first` and `second` do. */
  readonly first: Write;
  readonly second?: Write;
  readonly spool?: string;
  readonly queue?: QueueSettings;
}

async function pipelineOf({
  source,
  replays = false,
  first,
  second = settleAll,
  spool = '',
  queue,
}: Parts): Promise<Pipeline> {
  const plugins = [testInput(source, replays), testOutput('first', first), testOutput('second', second)];
  const text = `input { source { } } output { first { ${spool} } second { } }`;
  return startPipeline(text, plugins, { directory, logger, queue });
}

const persisted = (): QueueSettings => ({
  directory: join(directory, 'queue'),
  pageBytes: 1_000_000,
  bytesMax: 10_000_000,
  eventsMax: 0,
  ackEventsMax: 1,
  ackIntervalMs: 0,
  drains: true,
  repairCommand: 'repair',
});

const eventsOf = (...ns: number[]) => ns.map((n) => Event.fromMap({ n }, 0));

it('an input is told that its events are taken when they are on disk, though no output has them', async () => {
  const settling: (() => void)[] = [];
  const onDisk: number[] = [];
  const pipeline = await pipelineOf({
    queue: persisted(),
    first: (events) => void settling.push(() => settleAll(events)),
    source: async (context) => {
      await context.emit(
        eventsOf(1, 2),
        async () => void onDisk.push((await checkQueue(join(directory, 'queue'))).events),
      );
      await vi.waitFor(() => expect(settling).toHaveLength(1));
      expect(pipeline.snapshot().queue).toMatchObject({ events: 2 });
      for (const settle of settling) settle();
    },
  });
  await pipeline.run();
  expect(onDisk).toEqual([2]);
  expect(pipeline.snapshot()).toMatchObject({ eventsIn: 2, queue: { events: 0 } });
});

it('an input that replays goes past the queue, and is told when all is settled', async () => {
  let settled = 0;
  const pipeline = await pipelineOf({
    queue: persisted(),
    replays: true,
    first: settleAll,
    source: async (context) => {
      await context.emit(eventsOf(1), () => {
        settled += 1;
      });
      expect(settled).toBe(1);
    },
  });
  await pipeline.run();
  expect(await checkQueue(join(directory, 'queue'))).toEqual({ pages: [], events: 0 });
  expect(lines.filter((line) => line.includes('past the persisted queue'))).toHaveLength(1);
});

it('an output that breaks down stops the pipeline; what it had not settled is in the queue', async () => {
  const pipeline = await pipelineOf({
    queue: { ...persisted(), eventsMax: 1 },
    first: () => {
      throw new Error('the output is broken');
    },
    source: async (context) => {
      // The second waits for room that will never be.
      for (const n of [1, 2, 3]) await context.emit(eventsOf(n));
    },
  });
  await expect(pipeline.run()).rejects.toThrow('the output is broken');
  const written: unknown[] = [];
  const again = await pipelineOf({
    queue: persisted(),
    first: (events) => {
      written.push(...events.map(({ data }) => data['n']));
      return settleAll(events);
    },
    source: async () => {},
  });
  await again.run();
  expect(written).toEqual([1]);
});

it('while an output with a spool has no room its neighbour gets all; the source learns of settlement only then', async () => {
  const room = Promise.withResolvers<void>();
  const [first, second]: Event[][] = [[], []];
  let settled = 0;
  const pipeline = await pipelineOf({
    spool: 'spool => { max_bytes => "10mb" }',
    first: (events) => {
      first?.push(...events);
      return room.promise;
    },
    second: (events) => {
      second?.push(...events);
      return settleAll(events);
    },
    source: async (context) => {
      for (let n = 0; n < 500; n++) await context.emit(eventsOf(n), () => settled++);
      expect([first?.length, second?.length, settled]).toEqual([1, 500, 0]);
      expect(pipeline.snapshot().plugins.find(({ name }) => name === 'first')?.status).toMatchObject({
        spooled_events: 499,
      });
      room.resolve();
    },
  });
  const running = pipeline.run();
  await vi.waitFor(() => expect(first).toHaveLength(500));
  settleAll(first ?? []);
  await running;
  expect(settled).toBe(500);
  expect(first?.map(({ data }) => data['n'])).toEqual(second?.map(({ data }) => data['n']));
});

it('what spools of an earlier run left goes away at the start, those of other pipelines stay', async () => {
  for (const name of ['main/gone', 'other/out']) mkdirSync(join(directory, 'spool', name), { recursive: true });
  const pipeline = await pipelineOf({ first: settleAll, source: async () => {} });
  expect(readdirSync(join(directory, 'spool'))).toEqual(['other']);
  await pipeline.run();
});

it('an output that breaks down behind its spool stops the pipeline', async () => {
  let isStopped = false;
  const pipeline = await pipelineOf({
    spool: 'spool => { max_bytes => "10mb" }',
    first: () => Promise.reject(new Error('the output is broken')),
    source: async (context) => {
      await context.emit(eventsOf(1));
      await vi.waitFor(() => expect(lines.some((line) => line.startsWith('FATAL'))).toBe(true));
      isStopped = true;
    },
  });
  await expect(pipeline.run()).rejects.toThrow('the output is broken');
  expect(isStopped).toBe(true);
});

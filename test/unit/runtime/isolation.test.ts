/** An event that makes the pipeline's own code throw stops no other: it is kept in the dead letter queue. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readDeadLetters } from '../../../src/delivery/deadLetters.ts';
import { Event } from '../../../src/event/event.ts';
import { recordLog } from '../../support/outputHarness.ts';
import { settleAll, startPipeline, testInput, testOutput, type Write } from '../../support/testPipeline.ts';

let directory: string;
const { logger, lines } = recordLog();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'logstash-ts-isolation-'));
  lines.length = 0;
});

afterEach(() => rmSync(directory, { recursive: true }));

const deadLetters = () => Array.fromAsync(readDeadLetters(join(directory, 'dlq')));

function eventOf(n: number): Event {
  const event = Event.fromMap({ n }, 0);
  event.origin = `stream/shard/${n}/0`;
  return event;
}

/** Stands for a fault of ours: no value that a codec or filter makes throws when it is read. */
function poisonedOf(n: number, field = 'poison'): Event {
  const event = eventOf(n);
  const get = () => {
    throw new Error('cannot be read');
  };
  Object.defineProperty(event.data, field, { get, enumerable: true });
  return event;
}

function collector(): { readonly ns: unknown[]; readonly write: Write } {
  const ns: unknown[] = [];
  return {
    ns,
    write: (events) => {
      ns.push(...events.map(({ data }) => data['n']));
      return settleAll(events);
    },
  };
}

it.each([
  ['of a filter', 'filter { if [poison] == "x" { drop { } } } output { first { } second { } }', [1, 3], ''],
  ['of an output', 'output { if [poison] == "x" { first { } } else { second { } } }', [], ''],
  [
    'behind an output that has it',
    'output { first { id => "one" } if [poison] == "x" { null { } } else { second { } } }',
    [1, 2, 3],
    ' after it had reached one',
  ],
])(
  'a condition %s that throws takes one event to the dead letter queue, and the batch settles',
  async (_where, text, toFirst, reached) => {
    const [first, second] = [collector(), collector()];
    let settled = 0;
    const source = testInput(async ({ emit }) => {
      await emit([eventOf(1), poisonedOf(2), eventOf(3)], () => {
        settled += 1;
      });
    });
    const plugins = [source, testOutput('first', first.write), testOutput('second', second.write)];
    const pipeline = await startPipeline(`input { source { } } ${text}`, plugins, { directory, logger });
    await pipeline.run();
    expect([first.ns, second.ns, settled]).toEqual([toFirst, [1, 3], 1]);
    const reason = `broke the pipeline${reached}: cannot be read`;
    expect(await deadLetters()).toMatchObject([
      {
        pluginType: 'pipeline',
        pluginId: 'main',
        origin: 'stream/shard/2/0',
        data: { n: 2 },
        reason: `${reason} (kept without what cannot be encoded: poison)`,
      },
    ]);
    expect(pipeline.snapshot()).toMatchObject({ poisoned: 1, deadLetters: 1 });
    expect(lines.filter((line) => line.startsWith('WARN'))).toEqual([
      `WARN the event stream/shard/2/0 goes to the dead letter queue: ${reason}`,
    ]);
  },
);

it('many of them are summed up in the log, and make the source wait while the dead letter queue has no room', async () => {
  const disk = Promise.withResolvers<void>();
  let isTaken = false;
  const source = testInput(async ({ emit }) => {
    const taken = emit(Array.from({ length: 2000 }, (_, n) => poisonedOf(n)));
    void Promise.resolve(taken).then(() => {
      isTaken = true;
    });
    await vi.waitFor(() => expect(pipeline.snapshot().poisoned).toBe(2000));
    expect(isTaken).toBe(false);
    disk.resolve();
    await taken;
  });
  const deadLetterQueue = { add: () => disk.promise, count: 0 };
  const text = 'input { source { } } output { if [poison] == "x" { null { } } }';
  const pipeline = await startPipeline(text, [source], { directory, logger, deadLetterQueue });
  await pipeline.run();
  expect(isTaken).toBe(true);
  expect(lines).toEqual([
    'WARN the event stream/shard/0/0 goes to the dead letter queue: broke the pipeline: cannot be read',
    'WARN broke the pipeline: 1999 more since the last line',
  ]);
});

it('an event that a spool cannot encode goes there too, and the others through it', async () => {
  const room = Promise.withResolvers<void>();
  const first: Event[] = [];
  const write: Write = (events) => {
    first.push(...events);
    return room.promise;
  };
  let settled = 0;
  const source = testInput(async ({ emit }) => {
    for (const event of [eventOf(1), poisonedOf(2), eventOf(3)]) {
      await emit([event], () => {
        settled += 1;
      });
    }
    room.resolve();
    await vi.waitFor(() => expect(first).toHaveLength(2));
    settleAll(first);
  });
  const text = 'input { source { } } output { first { id => "one" spool => { max_bytes => "10mb" } } }';
  const pipeline = await startPipeline(text, [source, testOutput('first', write)], { directory, logger });
  await pipeline.run();
  expect([first.map(({ data }) => data['n']), settled]).toEqual([[1, 3], 3]);
  expect(await deadLetters()).toMatchObject([
    { data: { n: 2 }, reason: expect.stringMatching(/^cannot be put into the spool of one: cannot be read/) },
  ]);
});

it('an event that the persisted queue cannot encode is in the dead letter queue before its input goes on', async () => {
  const { ns, write } = collector();
  const taken: number[] = [];
  const source = testInput(async ({ emit }) => {
    await emit([eventOf(1), poisonedOf(2), eventOf(3)]);
    taken.push((await deadLetters()).length);
    await emit([poisonedOf(4)]);
    taken.push((await deadLetters()).length);
  });
  const queue = {
    directory: join(directory, 'queue'),
    pageBytes: 1_000_000,
    bytesMax: 10_000_000,
    eventsMax: 0,
    ackEventsMax: 1,
    ackIntervalMs: 0,
    drains: true,
    repairCommand: 'repair',
  };
  const plugins = [source, testOutput('first', write)];
  const pipeline = await startPipeline('input { source { } } output { first { } }', plugins, {
    directory,
    logger,
    queue,
  });
  await pipeline.run();
  expect([ns, taken]).toEqual([
    [1, 3],
    [1, 2],
  ]);
  expect((await deadLetters()).map(({ data }) => data['n'])).toEqual([2, 4]);
});

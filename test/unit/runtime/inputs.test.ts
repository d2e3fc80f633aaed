import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compile } from '../../../src/compiler/index.ts';
import { DeadLetterQueue } from '../../../src/delivery/deadLetterQueue.ts';
import { readDeadLetters } from '../../../src/delivery/deadLetters.ts';
import { Event } from '../../../src/event/event.ts';
import type { ValueMap } from '../../../src/event/value.ts';
import { defineInput, defineOutput, type InputContext, type PluginRegistry } from '../../../src/plugin-api/index.ts';
import { registry } from '../../../src/plugins/index.ts';
import { Pipeline } from '../../../src/runtime/pipeline.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { recordLog } from '../../support/outputHarness.ts';

interface Ran {
  /** Fields of the events that reached the output, without time and version. */
  readonly written: ValueMap[];
  readonly counters: Readonly<Record<string, number>>;
  readonly log: readonly string[];
  readonly directory: string;
}

/** Runs a pipeline of one input, which does what `source` says, with these common options, and an output. */
async function runInput(commonOptions: string, source: (context: InputContext) => Promise<void>): Promise<Ran> {
  const directory = mkdtempSync(join(tmpdir(), 'logstash-ts-inputs-'));
  const { logger, lines } = recordLog();
  const written: ValueMap[] = [];
  const input = defineInput({
    name: 'source',
    summary: 'For this test.',
    options: {},
    create: (_options, context) => ({ run: () => source(context), stop() {} }),
  });
  const output = defineOutput({
    name: 'sink',
    summary: 'For this test.',
    options: {},
    create: () => ({
      write(events) {
        for (const event of events) {
          const { '@timestamp': _time, '@version': _version, ...fields } = event.data;
          written.push(fields);
          event.batch.settle();
        }
      },
      close: async () => {},
    }),
  });
  const ours: PluginRegistry = {
    names: (kind) => [...registry.names(kind), 'source', 'sink'],
    load: async (kind, name) => [input, output].find((known) => known.name === name) ?? registry.load(kind, name),
  };
  const text = `input { source { id => "in" ${commonOptions} } } output { sink { } }`;
  const compiled = await compile([{ path: 'test.conf', text }], {
    registry: ours,
    variable: () => undefined,
    supportEscapes: false,
    fileExists: () => true,
  });
  const deadLetterQueue = new DeadLetterQueue({ directory: join(directory, 'dlq'), clock: systemClock, logger });
  const settings = { id: 'main', supportEscapes: false, batchSize: 125, dataPath: directory, hostName: 'test-host' };
  const pipeline = new Pipeline(
    { ...settings, clock: systemClock, loggerFor: () => logger, deadLetterQueue },
    compiled.reporter,
  );
  await pipeline.start(compiled.pipeline);
  await pipeline.run();
  await deadLetterQueue.close();
  const counters = pipeline.snapshot().plugins.find(({ id }) => id === 'in')?.counters ?? {};
  return { written, counters, log: lines, directory };
}

it('an event whose common options cannot be applied goes on, tagged, counted and said once, and settles', async () => {
  let settled = 0;
  const { written, counters, log, directory } = await runInput('add_field => { "%{x}" => "1" }', async (context) => {
    for (const x of ['a[b', 'good', 'c[d']) {
      await context.emit([Event.fromMap({ x }, 0)], () => {
        settled++;
      });
    }
  });
  rmSync(directory, { recursive: true });
  expect(written).toEqual([
    { x: 'a[b', tags: ['_source_exception'] },
    { x: 'good', good: '1' },
    { x: 'c[d', tags: ['_source_exception'] },
  ]);
  expect(settled).toBe(3);
  expect(counters['decoration_failures']).toBe(2);
  expect(log.filter((line) => line.startsWith('ERROR'))).toEqual([
    'ERROR an event made this input fail; it goes on with the tag _source_exception (said once)',
  ]);
});

it('an input may take what it cannot make an event of to the dead letter queue', async () => {
  const { written, directory } = await runInput('', async (context) => {
    await context.deadLetter(new Event({ data: 'AAEC' }, { shard_id: 's0' }), 'too large');
  });
  const entries = await Array.fromAsync(readDeadLetters(join(directory, 'dlq')));
  rmSync(directory, { recursive: true });
  expect(written).toEqual([]);
  expect(entries).toMatchObject([
    { pluginType: 'source', pluginId: 'in', reason: 'too large', data: { data: 'AAEC' }, metadata: { shard_id: 's0' } },
  ]);
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readDeadLetters } from '../../../src/delivery/deadLetters.ts';
import { Event } from '../../../src/event/event.ts';
import type { ValueMap } from '../../../src/event/value.ts';
import { recordLog } from '../../support/outputHarness.ts';
import { type Source, settleAll, startPipeline, testInput, testOutput } from '../../support/testPipeline.ts';

interface Ran {
  /** Fields of the events that reached the output, without time and version. */
  readonly written: ValueMap[];
  readonly counters: Readonly<Record<string, number>>;
  readonly log: readonly string[];
  readonly directory: string;
}

/** Runs a pipeline of one input, which does what `source` says, with these common options, and an output. */
async function runInput(commonOptions: string, source: Source): Promise<Ran> {
  const directory = mkdtempSync(join(tmpdir(), 'logstash-ts-inputs-'));
  const { logger, lines } = recordLog();
  const written: ValueMap[] = [];
  const sink = testOutput('sink', (events) => {
    for (const { data } of events) {
      const { '@timestamp': _time, '@version': _version, ...fields } = data;
      written.push(fields);
    }
    return settleAll(events);
  });
  const text = `input { source { id => "in" ${commonOptions} } } output { sink { } }`;
  const pipeline = await startPipeline(text, [testInput(source), sink], { directory, logger });
  await pipeline.run();
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

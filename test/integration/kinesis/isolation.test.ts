/** Records that break a codec, a filter or the pipeline itself, among others in a shard: the shard is read to its end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readDeadLetters } from '../../../src/delivery/deadLetters.ts';
import { Event } from '../../../src/event/event.ts';
import type { Value } from '../../../src/event/value.ts';
import { defineCodec, defineFilter } from '../../../src/plugin-api/index.ts';
import { recordLog } from '../../support/outputHarness.ts';
import { settleAll, startPipeline, testOutput } from '../../support/testPipeline.ts';
import { type Lab, startLab } from './harness.ts';

vi.setConfig({ testTimeout: 30_000 });
const WAIT = { timeout: 20_000, interval: 50 };
const directory = mkdtempSync(join(tmpdir(), 'logstash-ts-isolation-'));
let lab: Lab;

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  lab = await startLab();
}, 60_000);

afterAll(async () => {
  vi.unstubAllEnvs();
  await lab.stop();
  rmSync(directory, { recursive: true });
}, 30_000);

const cannotBeRead = {
  enumerable: true,
  get: () => {
    throw new Error('cannot be read');
  },
};

/** Stand for faults of ours: the records say where to throw. */
const brokenCodec = defineCodec({
  name: 'broken_codec',
  summary: 'For this test.',
  options: {},
  create: () => () => ({
    decode: (data, arrivalMs) => {
      const text = Buffer.from(data).toString();
      if (text === 'codec') throw new Error('the codec broke');
      return [Event.fromMap({ message: text }, arrivalMs)];
    },
    flush: () => [],
    encode: () => '',
  }),
});
const brokenFilter = defineFilter({
  name: 'broken_filter',
  summary: 'For this test.',
  options: {},
  create: () => ({
    apply({ data }) {
      if (data['message'] === 'filter') throw new Error('the filter broke');
      if (data['message'] === 'condition') Object.defineProperty(data, 'a', cannotBeRead);
      return true;
    },
  }),
});

test('each ends where it belongs, with its place, and the checkpoint passes them all', async () => {
  await lab.createStream('broken', 1);
  const texts = ['1', 'codec', '2', 'filter', '3', 'condition', '4'];
  const placed = await lab.put(
    'broken',
    texts.map((data) => ({ key: 'k', data })),
  );
  const written: (Value | undefined)[][] = [];
  const output = testOutput('collect', (events) => {
    written.push(...events.map(({ data }) => [data['message'], data['tags']]));
    return settleAll(events);
  });
  const { logger } = recordLog();
  const pipeline = await startPipeline(
    `input { kinesis {
       kinesis_stream_name => "broken" application_name => "broken-leases" checkpoint_interval_seconds => 0 codec => broken_codec
       additional_settings => {
         "kinesis_endpoint" => "${lab.kinesisUrl}" "dynamodb_endpoint" => "${lab.dynamodbUrl}"
         "idle_time_between_reads_in_millis" => "200"
       }
     } }
     filter { broken_filter { } }
     output { if [a] == "x" { null { } } else { collect { } } }`,
    [brokenCodec, brokenFilter, output],
    { directory, logger },
  );
  const running = pipeline.run();
  await vi.waitFor(() => expect(written.at(-1)).toEqual(['4', undefined]), WAIT);
  await vi.waitFor(async () => {
    const [row] = (await lab.rows('broken-leases')).values();
    expect(row?.['checkpoint']?.S).toBe(placed.at(-1)?.sequenceNumber);
  }, WAIT);
  pipeline.stop();
  await running;

  expect(written).toEqual([
    ['1', undefined],
    ['Error: the codec broke', ['_kinesisdecodefailure']],
    ['2', undefined],
    ['filter', ['_broken_filter_exception']],
    ['3', undefined],
    ['4', undefined],
  ]);
  expect(await Array.fromAsync(readDeadLetters(join(directory, 'dlq')))).toMatchObject([
    {
      origin: `broken/shardId-000000000000/${placed[5]?.sequenceNumber}/0`,
      reason: expect.stringContaining('broke the pipeline: cannot be read'),
      data: { message: 'condition' },
      metadata: { sequence_number: placed[5]?.sequenceNumber },
    },
  ]);
  expect(pipeline.snapshot()).toMatchObject({ eventsIn: 7, eventsOut: 6, poisoned: 1, filterExceptions: 1 });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Event } from '../../../src/event/event.ts';
import type { Codec, Input, InputContext } from '../../../src/plugin-api/index.ts';
import { json } from '../../../src/plugins/codecs/json.ts';
import { kinesis } from '../../../src/plugins/inputs/kinesis/index.ts';
import { kplContainer } from '../../support/kpl.ts';
import { type TestContext, testContext } from '../../support/pluginContext.ts';
import { runProgram } from '../../support/program.ts';
import { type Lab, startLab } from './harness.ts';

vi.setConfig({ testTimeout: 30_000 });
const WAIT = { timeout: 20_000, interval: 50 };

let lab: Lab;

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  lab = await startLab();
}, 60_000);

afterAll(async () => {
  vi.unstubAllEnvs();
  await lab.stop();
}, 30_000);

interface Emitted {
  readonly events: Event[];
  readonly settle: () => void;
}

async function createInput(
  emitted: Emitted[],
  given: Record<string, unknown>,
  around: TestContext = testContext(),
): Promise<Input> {
  const context: InputContext = {
    ...around,
    emit: (events, onSettled) => {
      emitted.push({ events, settle: onSettled ?? (() => {}) });
    },
    batchSize: 125,
  };
  if (json.kind !== 'codec') throw new Error('not a codec');
  const open = json.create({ charset: 'UTF-8' }, context) as () => Codec;
  const defaults = Object.fromEntries(Object.entries(kinesis.options).map(([name, spec]) => [name, spec.default]));
  return kinesis.create({ ...defaults, ...given, codec: { name: 'json', open } }, context);
}

test('the input decodes, names and settles, and a successor goes on where it stopped', async () => {
  await lab.createStream('input', 2);
  const documents = Array.from({ length: 300 }, (_, n) => JSON.stringify({ n }));
  const records = documents.map((text, n) => ({ key: text, data: n % 2 === 0 ? text : gzipSync(text) }));
  await lab.put('input', [...records, { key: 'pair', data: '{"n":300}{"n":301}' }]);
  const given = {
    kinesis_stream_name: ['input'],
    application_name: ['input-leases'],
    additional_settings: new Map([
      ['kinesis_endpoint', lab.kinesisUrl],
      ['dynamodb_endpoint', lab.dynamodbUrl],
      ['idle_time_between_reads_in_millis', '200'],
    ]),
  };

  const emitted: Emitted[] = [];
  const input = await createInput(emitted, given);
  const running = input.run();
  const numbers = () => emitted.flatMap(({ events }) => events.map((event) => Number(event.data['n'])));
  const inOrder = (all: number[]) => all.sort((left, right) => left - right);
  await vi.waitFor(() => expect(inOrder(numbers())).toEqual(Array.from({ length: 302 }, (_, n) => n)), WAIT);

  const events = emitted.flatMap((slice) => slice.events);
  expect(new Set(events.map((event) => event.origin)).size).toBe(302);
  for (const event of events) {
    const { sequence_number, approximate_arrival_timestamp, partition_key } = event.metadata;
    expect(event.origin).toMatch(new RegExp(`^input/shardId-00000000000[01]/${sequence_number}/0(/1)?$`));
    expect(event.timestamp?.epochMs).toBe(approximate_arrival_timestamp);
    expect(Number.isInteger(approximate_arrival_timestamp)).toBe(true);
    expect(partition_key).toMatch(/^(\{"n":\d+\}|pair)$/);
  }
  expect(input.status?.()).toMatchObject({
    streams: [{ streamName: 'input' }],
    shardsHeld: 2,
    shardsTotal: 2,
    records: 301,
  });

  input.stop();
  await running;
  for (const slice of emitted) slice.settle();
  await input.close?.();
  for (const row of (await lab.rows('input-leases')).values()) {
    expect(row['checkpoint']?.S).toMatch(/^\d{50,}$/);
    expect(row).not.toHaveProperty('leaseOwner');
  }

  await lab.put('input', [{ key: 'more', data: '{"n":302}' }]);
  const later: Emitted[] = [];
  const successor = await createInput(later, given);
  const runningOn = successor.run();
  await vi.waitFor(() => expect(later).toHaveLength(1), WAIT);
  expect(later[0]?.events.map((event) => event.data['n'])).toEqual([302]);
  successor.stop();
  await runningOn;
  await successor.close?.();
});

test('a record that grows too large stands in the way of the checkpoint until it is in the dead letter queue', async () => {
  await lab.createStream('forms', 1);
  const bomb = gzipSync(Buffer.alloc(2_000, ' '));
  const container = kplContainer([{ data: '{"n":1}' }, { data: bomb }, { data: gzipSync('{"n":2}\n{"n":3}') }]);
  const framedSnappy = Buffer.from('/wYAAHNOYVBwWQELAAB06qz0eyJuIjo0fQ==', 'base64');
  await lab.put(
    'forms',
    ['{"n":0}', container, framedSnappy].map((data) => ({ key: 'k', data })),
  );

  const fakeDisk = { isFull: true };
  const letters: Event[] = [];
  const context = testContext({
    deadLetter: async (event) => {
      if (fakeDisk.isFull) throw new Error('ENOSPC: no space left on device');
      letters.push(event);
    },
  });
  const emitted: Emitted[] = [];
  const input = await createInput(
    emitted,
    {
      kinesis_stream_name: ['forms'],
      application_name: ['forms-leases'],
      checkpoint_interval_seconds: 0,
      expanded_bytes_max: 1_000,
      additional_settings: new Map([
        ['kinesis_endpoint', lab.kinesisUrl],
        ['dynamodb_endpoint', lab.dynamodbUrl],
      ]),
    },
    context,
  );
  const running = input.run();
  const events = () => emitted.flatMap((slice) => slice.events);
  const numbers = () => events().map((event) => event.data['n']);
  const checkpoint = async () => {
    const [row] = (await lab.rows('forms-leases')).values();
    return `${row?.['checkpoint']?.S}/${row?.['checkpointSubSequenceNumber']?.N}`;
  };

  await vi.waitFor(() => expect(numbers()).toEqual([0, 1]), WAIT);
  const inside = events()[1]?.metadata['sequence_number'];
  for (const slice of emitted) slice.settle();
  await vi.waitFor(async () => expect(await checkpoint()).toBe(`${inside}/0`), WAIT);
  expect(numbers()).toEqual([0, 1]);

  fakeDisk.isFull = false;
  await vi.waitFor(() => expect(numbers()).toEqual([0, 1, 2, 3, 4]), WAIT);
  await vi.waitFor(async () => expect(await checkpoint()).toBe(`${inside}/1`), WAIT);
  for (const slice of emitted.slice(1)) slice.settle();
  input.stop();
  await running;
  await input.close?.();
  expect(await checkpoint()).toBe(`${events()[4]?.metadata['sequence_number']}/0`);
  expect(letters.map(({ data }) => data['data'])).toEqual([bomb.toString('base64')]);
  expect(letters[0]?.metadata).toMatchObject({ stream_name: 'forms', sequence_number: inside, sub_sequence_number: 1 });
  expect(Object.fromEntries([...context.counters].map(([name, { value }]) => [name, value]))).toMatchObject({
    records: 3,
    user_records: 5,
    aggregated_records: 1,
    gzip_records: 1,
    snappy_records: 1,
    expanded_bytes: 22,
    records_too_large: 1,
  });
});

test('a stream that is not there ends the input with a reason', async () => {
  const input = await createInput([], {
    kinesis_stream_name: ['absent'],
    application_name: ['absent-leases'],
    additional_settings: new Map([
      ['kinesis_endpoint', lab.kinesisUrl],
      ['dynamodb_endpoint', lab.dynamodbUrl],
    ]),
  });
  await expect(input.run()).rejects.toThrow('there is no stream "absent" in this region and account');
  await input.close?.();
});

test('a stream that is not there ends the program, which says so once', async () => {
  const config = `input { kinesis {
    kinesis_stream_name => "absent" application_name => "absent-leases"
    additional_settings => { "kinesis_endpoint" => "${lab.kinesisUrl}" "dynamodb_endpoint" => "${lab.dynamodbUrl}" }
  } } output { null { } }`;
  const dataPath = mkdtempSync(join(tmpdir(), 'logstash-ts-absent-'));
  const { code, stderr } = await runProgram(['-e', config, '--path.data', dataPath]);
  rmSync(dataPath, { recursive: true });
  expect(code).toBe(1);
  expect(stderr.match(/there is no stream/g)).toHaveLength(1);
  expect(stderr.match(/FATAL/g)).toHaveLength(1);
  expect(stderr.trimEnd().split('\n').at(-1)).toContain('Pipeline terminated');
});

test('one input reads several streams, each under a lease table of its own', async () => {
  await Promise.all([lab.createStream('left', 1), lab.createStream('right', 2)]);
  await Promise.all([
    lab.put('left', [{ key: 'a', data: '{"from":"left"}' }]),
    lab.put('right', [{ key: 'b', data: '{"from":"right"}' }]),
  ]);
  const emitted: Emitted[] = [];
  const input = await createInput(emitted, {
    kinesis_stream_name: ['left', 'right'],
    application_name: ['both'],
    additional_settings: new Map([
      ['kinesis_endpoint', lab.kinesisUrl],
      ['dynamodb_endpoint', lab.dynamodbUrl],
    ]),
  });
  const running = input.run();
  const events = () => emitted.flatMap((batch) => batch.events);
  const origins = () => events().map((event) => `${event.data['from']} ${event.origin?.split('/')[0]}`);
  await vi.waitFor(() => expect(origins().sort()).toEqual(['left left', 'right right']), WAIT);
  expect(input.status?.()).toMatchObject({
    shardsHeld: 3,
    streams: [
      { streamName: 'left', tableName: 'both-left' },
      { streamName: 'right', tableName: 'both-right' },
    ],
  });
  for (const { settle } of emitted) settle();
  input.stop();
  await running;
  await input.close?.();
  const owners = await Promise.all(['both-left', 'both-right'].map((table) => lab.rows(table)));
  expect(owners.map((rows) => [...rows.values()].filter((row) => row['leaseOwner']).length)).toEqual([0, 0]);
});

/**
 * CPU time an event from what Kinesis stores to an emitted event: record forms, json codec, record processor, on the events of the
 * Fluent Bit captures; beside a bare `JSON.parse` of the same texts in the same run. Usage: node test/bench/decode.ts [--rounds 7]
 */
import { parseArgs } from 'node:util';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { _Record } from '@aws-sdk/client-kinesis';
import { RecordForms } from '../../src/kinesis/recordForms.ts';
import { json } from '../../src/plugins/codecs/json.ts';
import { createRecordProcessor } from '../../src/plugins/inputs/kinesis/recordProcessor.ts';
import { recordsOf } from '../integration/kinesis/captures.ts';
import { kplRecord } from '../support/kpl.ts';
import { testContext } from '../support/pluginContext.ts';
import { median } from './statistics.ts';

const KPL_EVENTS = 500;
const LINES = 300;
const FETCH_RECORDS = 1_000;

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } });

const texts = recordsOf('go_seed_noimds').map(({ data }) => Buffer.from(data));

function inGroups(size: number, join: (group: Buffer[]) => Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(texts.length / size) }, (_, n) => join(texts.slice(n * size, (n + 1) * size)));
}

const aggregate = (group: Buffer[]) => kplRecord(group.map((data) => ({ key: 'key', data })));

const forms: Readonly<Record<string, Buffer[]>> = {
  'plain JSON': texts,
  gzip: texts.map((text) => gzipSync(text)),
  zlib: texts.map((text) => deflateSync(text)),
  zstd: texts.map((text) => zstdCompressSync(text)),
  [`KPL of ${KPL_EVENTS}`]: inGroups(KPL_EVENTS, aggregate),
  [`KPL of ${KPL_EVENTS}, each gzip`]: inGroups(KPL_EVENTS, (group) => aggregate(group.map((text) => gzipSync(text)))),
  [`gzip of ${LINES} lines`]: inGroups(LINES, (group) => gzipSync(Buffer.concat(group))),
};

if (json.kind !== 'codec') throw new Error('json is no codec');
const openCodec = json.create({ charset: 'UTF-8' }, testContext());

/** Runs all records once and gives CPU microseconds an event. */
async function decodeUs(records: readonly Buffer[]): Promise<number> {
  const stored: _Record[] = records.map((Data, n) => ({
    Data,
    SequenceNumber: `4959${String(n).padStart(52, '0')}`,
    PartitionKey: `key-${n}`,
    ApproximateArrivalTimestamp: new Date(0),
  }));
  let events = 0;
  const context = testContext();
  const emit = (emitted: readonly unknown[], onSettled = () => {}) => {
    events += emitted.length;
    onSettled();
  };
  const processor = createRecordProcessor(
    {
      shard: { streamName: 'bench', shardId: 'shardId-000000000000' },
      codec: openCodec(),
      eventTime: 'arrival',
      stop: new AbortController().signal,
    },
    { ...context, emit, batchSize: 125 },
  );
  const settings = {
    compression: 'auto',
    expandedBytesMax: 64 * 1024 * 1024,
    kplRecordsOutsideShard: 'keep',
  } as const;
  const recordForms = new RecordForms({ ...settings, counter: context.counter }, null);
  const before = process.cpuUsage();
  for (let from = 0; from < stored.length; from += FETCH_RECORDS) {
    for (const batch of recordForms.batches(stored.slice(from, from + FETCH_RECORDS), null)) {
      await processor.process(batch, { millisBehindLatest: 0 });
    }
  }
  const { user, system } = process.cpuUsage(before);
  if (events !== texts.length) throw new Error(`${events} events, not ${texts.length}`);
  return (user + system) / events;
}

function parseUs(): number {
  const before = process.cpuUsage();
  for (const text of texts) JSON.parse(text.toString('utf8'));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / texts.length;
}

const measured = new Map<string, number[]>();
const note = (name: string, us: number) => measured.set(name, [...(measured.get(name) ?? []), us]);
// The first rounds only warm the compiler up.
for (let round = -5; round < Number(values.rounds); round += 1) {
  const loop = parseUs();
  if (round >= 0) note('JSON.parse alone', loop);
  for (const [name, records] of Object.entries(forms)) {
    const us = await decodeUs(records);
    if (round >= 0) note(name, us);
  }
}

const loopUs = median(measured.get('JSON.parse alone') ?? []);
process.stdout.write(`${texts.length} events a round, ${values.rounds} rounds, medians\n`);
process.stdout.write(`${'form'.padEnd(24)} ${'bytes'.padStart(9)} ${'µs/event'.padStart(9)} ${'ratio'.padStart(6)}\n`);
for (const [name, rounds] of measured) {
  const bytes = (forms[name] ?? texts).reduce((sum, { length }) => sum + length, 0);
  const us = median(rounds);
  const figures = [String(bytes).padStart(9), us.toFixed(2).padStart(9), (us / loopUs).toFixed(1).padStart(6)];
  process.stdout.write(`${name.padEnd(24)} ${figures.join(' ')}\n`);
}

import { setImmediate } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { Event } from '../../../../src/event/event.ts';
import { NotCompressed, RecordTooLarge } from '../../../../src/kinesis/decompress.ts';
import type { ConsumerRecord } from '../../../../src/kinesis/types.ts';
import type { Codec, InputContext } from '../../../../src/plugin-api/index.ts';
import { json } from '../../../../src/plugins/codecs/json.ts';
import { line } from '../../../../src/plugins/codecs/line.ts';
import {
  createRecordProcessor,
  type RecordProcessorSettings,
} from '../../../../src/plugins/inputs/kinesis/recordProcessor.ts';
import { RefusedRecords } from '../../../../src/plugins/inputs/kinesis/refusedRecords.ts';
import { type Clock, systemClock } from '../../../../src/util/clock.ts';
import { recordLog } from '../../../support/outputHarness.ts';
import { testContext } from '../../../support/pluginContext.ts';

const ARRIVED_MS = Date.UTC(2020, 9, 20, 3, 56, 8, 123);
const NOW_MS = Date.UTC(2026, 0, 1);

interface Emitted {
  readonly events: Event[];
  readonly settle: () => void;
}

function record(sequence: number, data: string | Uint8Array, more: Partial<ConsumerRecord> = {}): ConsumerRecord {
  return {
    sequenceNumber: String(sequence),
    subSequenceNumber: 0,
    partitionKey: `key-${sequence}`,
    data: Buffer.from(data),
    approximateArrivalTimestampMs: ARRIVED_MS,
    ...more,
  };
}

async function openCodec(definition: typeof json, options: Record<string, unknown>): Promise<Codec> {
  if (definition.kind !== 'codec') throw new Error('not a codec');
  return definition.create(options, testContext())();
}

/** What stands around a processor where a test says no other. */
interface Around {
  readonly batchSize?: number;
  readonly sleep?: Clock['sleep'];
  readonly deadLetter?: InputContext['deadLetter'];
  /** Throws at what the pipeline is not to take. */
  readonly refuse?: (events: readonly Event[], onSettled: () => void) => void;
}

async function createProcessor(
  settings: Partial<RecordProcessorSettings> = {},
  { batchSize = 3, sleep = async () => {}, refuse = () => {}, ...around }: Around = {},
) {
  const emitted: Emitted[] = [];
  const { logger, lines } = recordLog();
  const context = testContext({ clock: { now: () => NOW_MS, monotonic: () => NOW_MS, sleep }, logger, ...around });
  const inputContext: InputContext = {
    ...context,
    emit: (events, onSettled) => {
      refuse(events, onSettled ?? (() => {}));
      emitted.push({ events, settle: onSettled ?? (() => {}) });
    },
    batchSize,
  };
  const processor = createRecordProcessor(
    {
      shard: { streamName: 'logs', shardId: 'shardId-000000000001' },
      codec: await openCodec(json, { charset: 'UTF-8' }),
      eventTime: 'arrival',
      stop: new AbortController().signal,
      ...settings,
    },
    inputContext,
  );
  const process = (...records: ConsumerRecord[]) => processor.process(records, { millisBehindLatest: 0 });
  const events = () => emitted.flatMap((slice) => slice.events);
  return {
    processor,
    process,
    emitted,
    events,
    counters: context.counters,
    deadLetters: context.deadLetters,
    log: lines,
  };
}

describe('events of a record', () => {
  test('carry the arrival time, the metadata and a name that a replay gives again', async () => {
    const { process, events } = await createProcessor();
    await process(record(1001, '{"remote":"81.2.69.142","@metadata":{"kept":true}}'));
    const [event] = events();
    expect(event?.data).toEqual({
      remote: '81.2.69.142',
      '@version': '1',
      '@timestamp': expect.objectContaining({ epochMs: ARRIVED_MS }),
    });
    expect(event?.metadata).toEqual({
      kept: true,
      approximate_arrival_timestamp: ARRIVED_MS,
      partition_key: 'key-1001',
      sequence_number: '1001',
      sub_sequence_number: 0,
    });
    expect(event?.origin).toBe('logs/shardId-000000000001/1001/0');
  });

  test('event_time => "decode" gives the time of decoding, as Logstash', async () => {
    const { process, events } = await createProcessor({ eventTime: 'decode' });
    await process(record(1, '{}'));
    expect(events()[0]?.timestamp?.epochMs).toBe(NOW_MS);
  });

  test('a @timestamp of its own wins', async () => {
    const { process, events } = await createProcessor();
    await process(record(1, '{"@timestamp":"2019-01-02T03:04:05.678Z"}'));
    expect(String(events()[0]?.timestamp)).toBe('2019-01-02T03:04:05.678Z');
  });

  test('several documents are several events with names of their own', async () => {
    const { process, events } = await createProcessor();
    await process(record(1, '{"n":0}{"n":1}\n{"n":2}'), record(2, '[{"n":3},{"n":4}]', { subSequenceNumber: 7 }));
    expect(events().map((event) => [event.data['n'], event.origin])).toEqual([
      [0, 'logs/shardId-000000000001/1/0'],
      [1, 'logs/shardId-000000000001/1/0/1'],
      [2, 'logs/shardId-000000000001/1/0/2'],
      [3, 'logs/shardId-000000000001/2/7'],
      [4, 'logs/shardId-000000000001/2/7/1'],
    ]);
  });

  test('bytes that are no JSON come as the codec gives them', async () => {
    const { process, events } = await createProcessor();
    await process(record(1, 'no json'));
    expect(events()[0]?.data).toMatchObject({ message: 'no json', tags: ['_jsonparsefailure'] });
    expect(events()[0]?.origin).toBe('logs/shardId-000000000001/1/0');
  });

  test('a line codec gives the unterminated rest of a record too', async () => {
    const codec = await openCodec(line, { charset: 'UTF-8', delimiter: '\n' });
    const { process, events } = await createProcessor({ codec });
    await process(record(1, 'a\nb'), record(2, 'c\n'));
    expect(events().map((event) => event.data['message'])).toEqual(['a', 'b', 'c']);
  });

  test('a record whose codec throws goes on, tagged and counted, and the next ones too', async () => {
    const good = await openCodec(json, { charset: 'UTF-8' });
    const codec: Codec = {
      ...good,
      decode: (data, ms) => {
        if (data.length === 3) throw new Error('a bug');
        return good.decode(data, ms);
      },
    };
    const { process, events, counters } = await createProcessor({ codec });
    await process(record(1, 'bad'), record(2, '{"n":2}'));
    expect(events()[0]?.data).toMatchObject({
      message: 'Error: a bug',
      data: Buffer.from('bad').toString('base64'),
      tags: ['_kinesisdecodefailure'],
    });
    expect(events()[1]?.data['n']).toBe(2);
    expect(counters.get('decode_errors')?.value).toBe(1);
    expect(counters.get('user_records')?.value).toBe(2);
  });

  test('what a codec holds back of a record on which it throws is no part of the next one', async () => {
    const held: string[] = [];
    const codec: Codec = {
      decode: (data) => {
        held.push(Buffer.from(data).toString());
        if (held.includes('bad')) throw new Error('a bug');
        return [];
      },
      flush: (ms) => held.splice(0).map((message) => Event.fromMap({ message }, ms)),
      encode: () => '',
    };
    const { process, events } = await createProcessor({ codec });
    await process(record(1, 'bad'), record(2, 'good'));
    expect(events().map(({ data }) => data['message'])).toEqual(['Error: a bug', 'good']);
  });

  test('a record that is not compressed as all were said to be goes on, tagged, counted and said once', async () => {
    const { process, events, counters, log } = await createProcessor();
    const fault = new NotCompressed('gzip', new Error('incorrect header check'));
    await process(record(1, 'plain', { fault }), record(2, 'more', { fault }), record(3, '{"n":3}'));
    expect(events()[0]?.data).toMatchObject({
      message: 'the record is not gzip, which `compression` says of all',
      data: Buffer.from('plain').toString('base64'),
      tags: ['_kinesisdecodefailure'],
    });
    expect(events().map((event) => event.origin?.split('/')[2])).toEqual(['1', '2', '3']);
    expect(counters.get('decode_errors')?.value).toBe(2);
    expect(log).toEqual([
      'WARN logs/shardId-000000000001/1/0 cannot be decoded: the record is not gzip, which `compression` says of all; it goes on tagged _kinesisdecodefailure',
    ]);
  });
});

describe('the event loop', () => {
  // Leases are renewed on it: 16 shards with 10,000 records each would hold it for seconds.
  test('has its turns while outputs take all at once', async () => {
    const { process, events } = await createProcessor({}, { batchSize: 125 });
    const seen: number[] = [];
    let isDone = false;
    const turns = (async () => {
      for (; !isDone; await setImmediate()) seen.push(events().length);
    })();
    await process(...Array.from({ length: 10_000 }, (_, n) => record(n, '{}')));
    isDone = true;
    await turns;
    seen.push(events().length);
    const steps = seen.map((count, i) => count - (seen[i - 1] ?? 0));
    expect(events()).toHaveLength(10_000);
    expect(Math.max(...steps)).toBeLessThanOrEqual(500);
  });
});

describe('a record that the pipeline throws at', () => {
  /** As `emit`: throws while one of `bad` is among the events, by their `n`. */
  const throwingAt =
    (...bad: number[]) =>
    (events: readonly Event[]) => {
      const found = events.find(({ data }) => bad.includes(Number(data['n'])));
      if (found !== undefined) throw new Error(`broken by ${found.data['n']}`);
    };
  const numbered = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => record(from + i, `{"n":${from + i}}`));

  test('goes to the dead letter queue whole after it failed alone; its neighbours go on, and so does the checkpoint', async () => {
    const refuse = throwingAt(2, 3);
    const { process, processor, emitted, events, deadLetters, counters, log } = await createProcessor({}, { refuse });
    await process(...numbered(1, 7));
    expect(events().map(({ data }) => data['n'])).toEqual([1, 4, 5, 6, 7]);
    expect(deadLetters).toMatchObject([
      { reason: 'Error: broken by 2', event: { origin: 'logs/shardId-000000000001/2/0' } },
      { reason: 'Error: broken by 3', event: { data: { data: Buffer.from('{"n":3}').toString('base64') } } },
    ]);
    for (const { settle } of emitted) settle();
    expect(processor.settledPosition()).toEqual({ sequenceNumber: '7', subSequenceNumber: 0 });
    expect(counters.get('records_poisoned')?.value).toBe(2);
    expect(log).toEqual(['WARN logs/shardId-000000000001/2/0: Error: broken by 2; it goes to the dead letter queue']);
  });

  test.each([
    ['in its first part', 3, [7]],
    ['in its last part', 59, [...Array.from({ length: 48 }, (_, n) => 10 + n), 7]],
  ])('and that comes in parts goes there once, though it throws %s', async (_where, bad, expected) => {
    const many = Array.from({ length: 52 }, (_, n) => `{"n":${n < bad - 10 ? 10 + n : bad}}`).join('');
    const { process, processor, emitted, events, deadLetters } = await createProcessor({}, { refuse: throwingAt(bad) });
    await process(record(1, many), record(2, '{"n":7}'));
    expect(events().map(({ data }) => data['n'])).toEqual(expected);
    expect(deadLetters.map(({ event }) => event.origin)).toEqual(['logs/shardId-000000000001/1/0']);
    for (const { settle } of emitted) settle();
    expect(processor.settledPosition()).toEqual({ sequenceNumber: '2', subSequenceNumber: 0 });
  });

  test('settles nothing of what had been taken before it threw', async () => {
    const late: (() => void)[] = [];
    const refuse = (events: readonly Event[], onSettled: () => void) => {
      if (events.length > 1) late.push(onSettled);
      throwingAt(...(events.length > 1 ? [1] : []))(events);
    };
    const { process, processor, emitted } = await createProcessor({}, { refuse });
    await process(...numbered(1, 2));
    for (const settle of late) settle();
    expect(processor.settledPosition()).toBeNull();
    for (const { settle } of emitted) settle();
    expect(processor.settledPosition()).toEqual({ sequenceNumber: '2', subSequenceNumber: 0 });
  });
});

describe('a record that grows too large', () => {
  const tooLarge = (sequence: number, sub = 0) =>
    record(sequence, 'packed', { subSequenceNumber: sub, fault: new RecordTooLarge('gzip', 6, 100) });
  const at = (sequence: number, sub = 0) => ({ sequenceNumber: String(sequence), subSequenceNumber: sub });

  test('goes to the dead letter queue whole, with its place, and around the filters', async () => {
    const { process, processor, emitted, deadLetters, counters, log } = await createProcessor();
    await process(tooLarge(1, 2));
    expect(emitted).toEqual([]);
    expect(deadLetters).toEqual([
      { event: expect.anything(), reason: 'a gzip record of 6 bytes grows beyond the bound of 100 bytes' },
    ]);
    const [event] = deadLetters.map((letter) => letter.event);
    expect(event?.data).toMatchObject({ data: Buffer.from('packed').toString('base64') });
    expect(event?.data).not.toHaveProperty('tags');
    expect(event?.timestamp?.epochMs).toBe(ARRIVED_MS);
    expect(event?.origin).toBe('logs/shardId-000000000001/1/2');
    expect(event?.metadata).toEqual({
      stream_name: 'logs',
      shard_id: 'shardId-000000000001',
      sequence_number: '1',
      sub_sequence_number: 2,
      partition_key: 'key-1',
      approximate_arrival_timestamp: ARRIVED_MS,
    });
    expect(processor.settledPosition()).toEqual(at(1, 2));
    expect(counters.get('records_too_large')?.value).toBe(1);
    expect(log).toEqual([
      'WARN logs/shardId-000000000001/1/2: a gzip record of 6 bytes grows beyond the bound of 100 bytes; it goes to the dead letter queue',
    ]);
  });

  test('is said once for many, and the rest is summed up at the end', async () => {
    const log = recordLog();
    const clock = { now: () => NOW_MS, monotonic: () => NOW_MS, sleep: async () => {} };
    const refused = new RefusedRecords({ ...testContext({ clock, logger: log.logger }), emit: () => {}, batchSize: 3 });
    for (const shardId of ['s0', 's1']) {
      const { process } = await createProcessor({ shard: { streamName: 'logs', shardId }, refused });
      await process(tooLarge(1), tooLarge(2));
    }
    expect(log.lines).toHaveLength(1);
    refused.close();
    expect(log.lines.slice(1)).toEqual(['WARN records that grow too large: 3 more since the last line']);
  });

  test('settles in its turn, and what stands before it is emitted first', async () => {
    const { process, processor, emitted, deadLetters } = await createProcessor();
    await process(record(1, '{"n":1}'), tooLarge(2), record(3, '{"n":3}'));
    expect(deadLetters).toHaveLength(1);
    expect(emitted.map(({ events }) => events.map((event) => event.data['n']))).toEqual([[1], [3]]);
    expect(processor.settledPosition()).toBeNull();
    emitted[0]?.settle();
    expect(processor.settledPosition()).toEqual(at(2));
    emitted[1]?.settle();
    expect(processor.settledPosition()).toEqual(at(3));
  });

  test('holds up the shard for as long as the queue cannot take it', async () => {
    const fakeDisk = { isFull: true, tries: 0 };
    const waiting: (() => void)[] = [];
    const { process, processor, emitted, log } = await createProcessor(
      {},
      {
        sleep: () => new Promise((resolve) => waiting.push(resolve)),
        deadLetter: async () => {
          fakeDisk.tries++;
          if (fakeDisk.isFull) throw new Error('ENOSPC: no space left on device, write');
        },
      },
    );
    const processed = process(record(1, '{}'), tooLarge(2), record(3, '{}'));
    await vi.waitFor(() => expect(fakeDisk.tries).toBe(1));
    emitted[0]?.settle();
    waiting.shift()?.();
    await vi.waitFor(() => expect(fakeDisk.tries).toBe(2));
    expect(processor.settledPosition()).toEqual(at(1));
    expect(emitted).toHaveLength(1);
    fakeDisk.isFull = false;
    waiting.shift()?.();
    await processed;
    expect(processor.settledPosition()).toEqual(at(2));
    expect(emitted).toHaveLength(2);
    expect(log[1]).toBe(
      'WARN writing to the dead letter queue fails and is tried again: ENOSPC: no space left on device, write',
    );
  });

  test.each(['a stop', 'the loss of the lease'])('does not hold up %s, and is not settled then', async (reason) => {
    const stop = new AbortController();
    const { process, processor, emitted } = await createProcessor(
      { stop: stop.signal },
      {
        sleep: systemClock.sleep,
        deadLetter: () => Promise.reject(new Error('ENOSPC')),
      },
    );
    const processed = process(tooLarge(1), record(2, '{}'));
    if (reason === 'a stop') stop.abort();
    else processor.lost();
    await processed;
    expect(processor.settledPosition()).toBeNull();
    expect(emitted).toEqual([]);
  });
});

describe('settling', () => {
  const at = (sequence: number) => ({ sequenceNumber: String(sequence), subSequenceNumber: 0 });

  test('is by slices, in the order of the records', async () => {
    const { process, processor, emitted } = await createProcessor();
    await process(...[1, 2, 3, 4, 5, 6, 7].map((n) => record(n, '{}')));
    expect(emitted.map((slice) => slice.events.length)).toEqual([3, 3, 1]);
    emitted[1]?.settle();
    expect(processor.settledPosition()).toBeNull();
    emitted[0]?.settle();
    expect(processor.settledPosition()).toEqual(at(6));
    emitted[2]?.settle();
    expect(processor.settledPosition()).toEqual(at(7));
    await processor.whenSettled(new AbortController().signal);
  });

  test('a record that gives no event is settled by itself', async () => {
    const { process, processor, emitted } = await createProcessor();
    await process(record(1, ' '), record(2, ''));
    expect(emitted).toEqual([]);
    expect(processor.settledPosition()).toEqual(at(2));
  });

  test('a record of very many events is emitted in parts and settled by the last', async () => {
    const { process, processor, emitted } = await createProcessor();
    await process(record(1, '{}'), record(2, '{}'.repeat(60)), record(3, '{}'));
    expect(emitted.map((slice) => slice.events.length)).toEqual([24, 24, 13, 1]);
    emitted[0]?.settle();
    emitted[1]?.settle();
    expect(processor.settledPosition()).toEqual(at(1));
    emitted[2]?.settle();
    expect(processor.settledPosition()).toEqual(at(2));
  });

  test('a position that is not settled yet is not taken back by the next batch', async () => {
    const { process, processor, emitted } = await createProcessor();
    await process(record(1, '{}'));
    await process(record(2, '{}'.repeat(30)));
    for (const slice of emitted.slice(1)) slice.settle();
    expect(processor.settledPosition()).toBeNull();
    emitted[0]?.settle();
    expect(processor.settledPosition()).toEqual(at(2));
  });

  test('nothing is emitted after a stop or the loss of the lease', async () => {
    const stop = new AbortController();
    const stopped = await createProcessor({ stop: stop.signal });
    stop.abort();
    await stopped.process(record(1, '{}'));
    expect(stopped.emitted).toEqual([]);
    expect(stopped.processor.settledPosition()).toBeNull();

    const lost = await createProcessor();
    lost.processor.lost();
    await lost.process(record(1, '{}'));
    expect(lost.emitted).toEqual([]);
  });
});

describe('a record that is emitted in parts', () => {
  test.each([
    ['as a whole', 16, [2, 16]],
    ['but for its end', 18, [2, 16, 2]],
  ])('and is so %s when the stop comes is completed and settled', async (_name, count, sizes) => {
    const stop = new AbortController();
    const { processor, process, emitted } = await createProcessor(
      { ackWindowMax: 2, stop: stop.signal },
      { batchSize: 2 },
    );
    const done = process(record(1, '{}'), record(2, '{}'), record(3, '{}'.repeat(count)), record(4, '{}'));
    await vi.waitFor(() => expect(emitted).toHaveLength(2));
    stop.abort();
    await done;
    expect(emitted.map(({ events }) => events.length)).toEqual(sizes);
    for (const { settle } of emitted) settle();
    expect(processor.settledPosition()).toEqual({ sequenceNumber: '3', subSequenceNumber: 0 });
  });

  test('is not completed after the loss of the lease', async () => {
    const { processor, process, emitted } = await createProcessor({ ackWindowMax: 1 }, { batchSize: 1 });
    const done = process(record(1, '{}'.repeat(20)));
    await vi.waitFor(() => expect(emitted).toHaveLength(1));
    processor.lost();
    await done;
    expect(emitted).toHaveLength(1);
  });
});

describe('the window of what is not settled', () => {
  const three = [1001, 1002, 1003].map((sequence) => record(sequence, `{"n":${sequence}}`));

  test('stops the shard at its bound until older events are settled, and tells since when they wait', async () => {
    const { processor, process, emitted } = await createProcessor({ ackWindowMax: 2 }, { batchSize: 1 });
    const done = process(...three);
    await vi.waitFor(() => expect(emitted).toHaveLength(2));
    expect(processor.unsettledSinceMs?.()).toBe(NOW_MS);
    emitted[1]?.settle();
    await Promise.resolve();
    expect(emitted).toHaveLength(2);
    emitted[0]?.settle();
    await vi.waitFor(() => expect(emitted).toHaveLength(3));
    emitted[2]?.settle();
    await done;
    expect(processor.unsettledSinceMs?.()).toBeNull();
  });

  test.each(['a stop', 'the loss of the lease'])('is not waited for after %s', async (cause) => {
    const stop = new AbortController();
    const { processor, process, emitted } = await createProcessor(
      { ackWindowMax: 2, stop: stop.signal },
      { batchSize: 1 },
    );
    const done = process(...three);
    await vi.waitFor(() => expect(emitted).toHaveLength(2));
    if (cause === 'a stop') stop.abort();
    else processor.lost();
    await done;
    expect(emitted).toHaveLength(2);
    expect(processor.settledPosition()).toBeNull();
  });
});

import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createAckTracker } from '../../../src/delivery/ackTracker.ts';
import { NotCompressed, RecordTooLarge } from '../../../src/kinesis/decompress.ts';
import { type RecordFormSettings, RecordForms } from '../../../src/kinesis/recordForms.ts';
import type { ConsumerRecord, Position } from '../../../src/kinesis/types.ts';
import { kplContainer } from '../../support/kpl.ts';
import { begin, createLab, createWorker, end, type FakeLab, type FakeWorker } from './fakes/lab.ts';

const MIB = 1024 * 1024;
const LAST_HASH_KEY = (2n ** 128n - 1n).toString();
const LOWER_HALF = { startingHashKey: '0', endingHashKey: (2n ** 127n - 1n).toString() };
const UPPER_HALF = { startingHashKey: (2n ** 127n).toString(), endingHashKey: LAST_HASH_KEY };

/** Numbers by name; `counted` gives those that were counted up. */
function createCounter() {
  const counters = new Map<string, { value: number }>();
  const counter = (name: string) => {
    const known = counters.get(name) ?? { value: 0 };
    counters.set(name, known);
    return known;
  };
  const counted = () =>
    Object.fromEntries([...counters].map(([name, { value }]) => [name, value]).filter(([, value]) => value !== 0));
  return { counter, counted };
}

function createForms(settings: Partial<RecordFormSettings> = {}, range: typeof LOWER_HALF | null = null) {
  const { counter, counted } = createCounter();
  const given = { compression: 'auto', expandedBytesMax: 64 * MIB, kplRecordsOutsideShard: 'keep' } as const;
  return { forms: new RecordForms({ ...given, counter, ...settings }, range), counted };
}

function stored(data: Uint8Array | string, sequence = 17) {
  return {
    SequenceNumber: String(sequence),
    Data: Buffer.from(data),
    PartitionKey: 'stored-key',
    ApproximateArrivalTimestamp: new Date(5),
  };
}

function userRecords(records: ReturnType<typeof stored>[], forms = createForms().forms): ConsumerRecord[] {
  return [...forms.batches(records, null)].flat();
}

function textsOf(records: readonly ConsumerRecord[]): string[] {
  return records.map(({ data }) => Buffer.from(data).toString());
}

describe('a fault of ours', () => {
  it('in taking a record out of its compression stays with that record, bytes and all', () => {
    const broken = {
      get value(): number {
        throw new Error('a bug');
      },
    };
    const counter = (name: string) => (name === 'gzip_records' ? broken : { value: 0 });
    const packed = gzipSync('{"a":1}');
    const records = userRecords([stored(packed, 1), stored('{"a":2}', 2)], createForms({ counter }).forms);
    expect(records).toMatchObject([{ data: packed, fault: new Error('a bug') }, { sequenceNumber: '2' }]);
    expect(records[1]?.fault).toBeUndefined();
  });
});

describe('user records', () => {
  it('are what is stored, expanded, with the place, the key and the time', () => {
    expect(userRecords([stored(gzipSync('{"a":1}'))])).toEqual([
      {
        sequenceNumber: '17',
        subSequenceNumber: 0,
        partitionKey: 'stored-key',
        approximateArrivalTimestampMs: 5,
        data: Buffer.from('{"a":1}'),
        fault: undefined,
      },
    ]);
  });

  it('stand in a container under keys of their own, each in its own form', () => {
    const container = kplContainer([
      { data: 'plain' },
      { data: gzipSync('gzip') },
      { data: zstdCompressSync('zstd'), key: 9 },
    ]);
    const { forms, counted } = createForms();
    const records = userRecords([stored(container), stored('alone', 18)], forms);
    expect(textsOf(records)).toEqual(['plain', 'gzip', 'zstd', 'alone']);
    expect(records.map(({ partitionKey }) => partitionKey)).toEqual(['key-0', 'key-0', 'stored-key', 'stored-key']);
    expect(records.map((record) => `${record.sequenceNumber}/${record.subSequenceNumber}`)).toEqual([
      '17/0',
      '17/1',
      '17/2',
      '18/0',
    ]);
    expect(counted()).toEqual({
      records: 2,
      aggregated_records: 1,
      gzip_records: 1,
      zstd_records: 1,
      expanded_bytes: 8,
    });
  });

  it('are not expanded with compression => "none"', () => {
    const packed = gzipSync('{"a":1}');
    const [record] = userRecords([stored(packed)], createForms({ compression: 'none' }).forms);
    expect(record?.data).toEqual(packed);
  });

  it('come without those that are settled, inside a container too', () => {
    const container = kplContainer(['b', 'c', 'd'].map((data) => ({ data })));
    const records = [stored('a', 1), stored(container, 2), stored('e', 3)];
    const settled = { sequenceNumber: '2', subSequenceNumber: 1 };
    expect(textsOf([...createForms().forms.batches(records, settled)].flat())).toEqual(['d', 'e']);
    const all = { sequenceNumber: '3', subSequenceNumber: 0 };
    expect([...createForms().forms.batches(records, all)]).toEqual([]);
  });
});

describe('a record that cannot be expanded', () => {
  const bomb = gzipSync(Buffer.alloc(1_000));

  it('keeps its bytes and says why', () => {
    const [record] = userRecords([stored(bomb)], createForms({ expandedBytesMax: 100 }).forms);
    expect(record).toMatchObject({ data: bomb, fault: expect.any(RecordTooLarge) });
  });

  it('does not take along the others of its container', () => {
    const container = kplContainer([{ data: 'a' }, { data: bomb }, { data: 'c' }]);
    const records = userRecords([stored(container)], createForms({ expandedBytesMax: 100 }).forms);
    expect(records.map(({ fault }) => fault?.name)).toEqual([undefined, 'RecordTooLarge', undefined]);
    expect(records[1]?.data).toEqual(bomb);
  });

  it('is one that is not as all were said to be, too', () => {
    const [record] = userRecords([stored('plain')], createForms({ compression: 'gzip' }).forms);
    expect(record).toMatchObject({ data: Buffer.from('plain'), fault: expect.any(NotCompressed) });
  });
});

describe('batches', () => {
  it('end where so much is expanded that the rest had better wait, inside a container too', () => {
    const packed = gzipSync(Buffer.alloc(0.6 * MIB));
    const container = kplContainer([{ data: packed }, { data: packed }, { data: packed }]);
    const { forms, counted } = createForms();
    const batches = forms.batches([stored(container, 1), stored('plain', 2)], null);
    const places = () =>
      (batches.next().value ?? []).map(
        (record: ConsumerRecord) => `${record.sequenceNumber}/${record.subSequenceNumber}`,
      );
    expect(places()).toEqual(['1/0', '1/1']);
    expect(counted()['gzip_records']).toBe(2);
    expect(places()).toEqual(['1/2', '2/0']);
    expect(places()).toEqual([]);
  });

  it('end after some hundred plain records, however small or large they are', () => {
    for (const data of ['a', Buffer.alloc(MIB)]) {
      const records = Array.from({ length: 600 }, (_, n) => stored(data, n));
      const batches = Array.from(createForms().forms.batches(records, null), ({ length }) => length);
      expect(batches).toEqual([250, 250, 100]);
    }
  });

  it('are settled one after the other, and none is expanded while the one before is not taken', async () => {
    const lab = createLab(['s0']);
    const container = kplContainer([0, 1, 2].map((n) => ({ data: gzipSync(Buffer.alloc(9 * MIB, String(n))) })));
    const [sequenceNumber] = lab.kinesis.put('s0', container);
    const { counter, counted } = createCounter();
    const gates: (() => void)[] = [];
    const gate = () => new Promise<void>((resolve) => gates.push(resolve));
    const worker = createWorker(lab, { counter, gate });
    await begin(lab, worker);
    for (const taken of [1, 2]) {
      expect(counted()['gzip_records']).toBe(taken);
      gates.shift()?.();
      await lab.clock.advance(1);
    }
    expect(worker.texts.map((text) => text[0])).toEqual(['0', '1']);
    await end(lab, worker);
    expect(lab.dynamodb.row('s0')).toMatchObject({ checkpoint: sequenceNumber, checkpointSubSequenceNumber: 1 });
  });
});

describe('user records outside the range of the shard', () => {
  // By MD5 key-0 lies in the upper half and key-1 in the lower one.
  const byKey = kplContainer([{ data: 'a' }, { data: 'b', key: 1 }, { data: 'c' }], ['key-0', 'key-1']);

  it('are kept by default', () => {
    expect(textsOf(userRecords([stored(byKey)], createForms({}, LOWER_HALF).forms))).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['the lower half', LOWER_HALF, ['1:b'], 2],
    ['the upper half', UPPER_HALF, ['0:a', '2:c'], 1],
    ['all', { startingHashKey: '0', endingHashKey: LAST_HASH_KEY }, ['0:a', '1:b', '2:c'], undefined],
    ['unknown', null, ['0:a', '1:b', '2:c'], undefined],
  ])('are dropped one by one and counted where that is asked for: the range is %s', (_name, range, kept, dropped) => {
    const { forms, counted } = createForms({ kplRecordsOutsideShard: 'drop' }, range);
    const records = userRecords([stored(byKey)], forms);
    expect(records.map(({ subSequenceNumber, data }) => `${subSequenceNumber}:${Buffer.from(data)}`)).toEqual(kept);
    expect(counted()['user_records_outside_shard']).toBe(dropped);
  });

  it('are told by the explicit hash key where there is one, up to both ends of the range', () => {
    const hashKeys = ['0', LOWER_HALF.endingHashKey, UPPER_HALF.startingHashKey, LAST_HASH_KEY];
    const parts = hashKeys.map((data, hashKey) => ({ data, hashKey }));
    const container = kplContainer(parts, ['key-0'], hashKeys);
    const inside = (range: typeof LOWER_HALF) =>
      textsOf(userRecords([stored(container)], createForms({ kplRecordsOutsideShard: 'drop' }, range).forms));
    expect(inside(LOWER_HALF)).toEqual(hashKeys.slice(0, 2));
    expect(inside(UPPER_HALF)).toEqual(hashKeys.slice(2));
  });

  it('are none whose keys are missing or no numbers, and no plain record', () => {
    const parts = [
      { data: 'a', key: 5 },
      { data: 'b', hashKey: 5 },
      { data: 'c', hashKey: 0 },
      { data: 'd', hashKey: 1 },
    ];
    const container = kplContainer(parts, ['key-0'], ['none', '9'.repeat(1000)]);
    const { forms } = createForms({ kplRecordsOutsideShard: 'drop' }, LOWER_HALF);
    expect(textsOf(userRecords([stored(container), stored('plain')], forms))).toEqual(['a', 'b', 'c', 'd', 'plain']);
  });

  it.each([
    ['the lease table has', (_row: Record<string, unknown>) => {}],
    [
      'the stream tells where the lease table has none',
      (row: Record<string, unknown>) => {
        delete row['startingHashKey'];
        delete row['endingHashKey'];
      },
    ],
  ])('are dropped by a worker by the range that %s', async (_name, change) => {
    const lab = createLab(['s0']);
    await end(lab, await begun(lab));
    change(lab.dynamodb.rows.get('s0') ?? {});
    const parts = ['99', '100'].map((data, hashKey) => ({ data, hashKey }));
    lab.kinesis.put('s0', kplContainer(parts, ['key'], ['99', '100']));
    const worker = createWorker(lab, { kplRecordsOutsideShard: 'drop' });
    await begin(lab, worker);
    expect(worker.texts).toEqual(['99']);
    await end(lab, worker);
  });
});

async function begun(lab: FakeLab): Promise<FakeWorker> {
  const worker = createWorker(lab);
  await begin(lab, worker);
  return worker;
}

it('goes on inside a record after a stop in its middle', async () => {
  const lab = createLab(['s0']);
  const texts = ['a', 'b', 'c', 'd', 'e'];
  const [sequenceNumber] = lab.kinesis.put('s0', kplContainer(texts.map((data) => ({ data }))));
  const first = recordByRecord(lab, 2);
  await begin(lab, first.worker);
  expect(first.texts).toEqual(texts);
  await end(lab, first.worker);
  expect(lab.dynamodb.row('s0')).toMatchObject({ checkpoint: sequenceNumber, checkpointSubSequenceNumber: 1 });
  const second = recordByRecord(lab, texts.length);
  await begin(lab, second.worker);
  expect(second.texts).toEqual(['c', 'd', 'e']);
  await end(lab, second.worker);
});

/** A worker that settles each of the first `settled` user records by itself, and no other. */
function recordByRecord(lab: FakeLab, settled: number): { worker: FakeWorker; texts: string[] } {
  const texts: string[] = [];
  const worker = createWorker(lab, {
    createProcessor: () => {
      const tracker = createAckTracker<Position>(lab.clock.now);
      return {
        process(records) {
          for (const record of records) {
            const token = tracker.open(record);
            if (texts.push(Buffer.from(record.data).toString()) <= settled) tracker.settle(token);
          }
        },
        settledPosition: () => tracker.settledPosition(),
        whenSettled: () => tracker.whenEmpty(),
        lost() {},
      };
    },
  });
  return { worker, texts };
}

it('takes what Fluent Bit aggregated apart into the same events as it wrote one a record', () => {
  const eventsOf = (name: string): string[] => {
    const path = new URL(`../../data/records/${name}.jsonl.gz`, import.meta.url);
    const lines = gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
    return lines
      .map((line) => JSON.parse(line))
      .flatMap(({ dataBase64, sequenceNumber }) => {
        const stored = {
          SequenceNumber: sequenceNumber,
          Data: Buffer.from(dataBase64, 'base64'),
          PartitionKey: 'k',
          ApproximateArrivalTimestamp: new Date(0),
        };
        const records = userRecords([stored]);
        expect(records.map(({ subSequenceNumber }) => subSequenceNumber)).toEqual([...records.keys()]);
        return records.map(({ data }) => Buffer.from(data).toString('utf8').trimEnd());
      })
      .map((text) => JSON.stringify(Object.entries(JSON.parse(text)).sort()))
      .sort();
  };
  const aggregated = eventsOf('fb5.1.1_go_aggregation_kpl');
  expect(aggregated).toHaveLength(2164);
  expect(aggregated).toEqual(eventsOf('fb5.1.1_go_seed_noimds'));
});

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createAckTracker } from '../../../src/delivery/ackTracker.ts';
import { deaggregate } from '../../../src/kinesis/kplDeaggregator.ts';
import { createRecordForms } from '../../../src/kinesis/recordForms.ts';
import type { Position } from '../../../src/kinesis/types.ts';
import { kplContainer as container, lengthDelimited as field } from '../../support/kpl.ts';
import { begin, createLab, createWorker, end, type FakeLab, type FakeWorker } from './fakes/lab.ts';

const userRecord = (keyIndex: number, text: string) =>
  field(3, Buffer.concat([Buffer.from([1 << 3, keyIndex]), field(3, Buffer.from(text))]));
const message = Buffer.concat([field(1, Buffer.from('key-0')), userRecord(0, 'first'), userRecord(7, 'second')]);

describe('deaggregate', () => {
  it('gives the user records in order, with keys where the table has them', () => {
    const records = deaggregate(container(message)) ?? [];
    expect(records.map(({ data }) => Buffer.from(data).toString())).toEqual(['first', 'second']);
    expect(records.map(({ partitionKey }) => partitionKey)).toEqual(['key-0', undefined]);
  });

  it.each([
    ['a plain record', Buffer.from('{"a":1}')],
    ['an empty record', Buffer.alloc(0)],
    ['magic bytes alone', Buffer.from('f3899ac2', 'hex')],
    ['a wrong digest', Buffer.concat([container(message).subarray(0, -1), Buffer.from([0])])],
    ['a message cut short under a right digest', container(message.subarray(0, -3))],
    ['a container without user records', container(field(1, Buffer.from('key-0')))],
    ['an endless varint', container(Buffer.alloc(12, 0xff))],
    ['a user record without data', container(field(3, Buffer.from([8, 0])))],
  ])('leaves %s as it is', (_name, bytes) => {
    expect(deaggregate(bytes)).toBeUndefined();
  });

  it('passes over fields of other kinds', () => {
    const fixed = Buffer.concat([
      Buffer.from([(9 << 3) | 1]),
      Buffer.alloc(8),
      Buffer.from([(10 << 3) | 5]),
      Buffer.alloc(4),
    ]);
    expect(deaggregate(container(Buffer.concat([fixed, message])))).toHaveLength(2);
  });

  it('never throws, whatever byte is changed', () => {
    const whole = container(message);
    for (let i = 0; i < whole.length; i++) {
      const changed = Buffer.from(whole);
      changed[i] = (changed[i] as number) ^ 0xff;
      expect(deaggregate(changed)).toBeUndefined();
    }
  });
});

it('goes on inside a record after a stop in its middle', async () => {
  const lab = createLab(['s0']);
  const texts = ['a', 'b', 'c', 'd', 'e'];
  const [sequenceNumber] = lab.kinesis.put('s0', container(Buffer.concat(texts.map((text) => userRecord(0, text)))));
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
  const texts = (name: string): string[] => {
    const path = new URL(`../../data/records/${name}.jsonl.gz`, import.meta.url);
    const lines = gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
    const forms = createRecordForms(undefined);
    return lines
      .map((line) => JSON.parse(line))
      .flatMap(({ dataBase64, sequenceNumber }) => {
        const stored = { SequenceNumber: sequenceNumber, Data: Buffer.from(dataBase64, 'base64'), PartitionKey: 'k' };
        const records = forms.userRecords(stored);
        expect(records.map(({ subSequenceNumber }) => subSequenceNumber)).toEqual([...records.keys()]);
        return records.map(({ data }) => Buffer.from(data).toString('utf8').trimEnd());
      })
      .map((text) => JSON.stringify(Object.entries(JSON.parse(text)).sort()))
      .sort();
  };
  const aggregated = texts('fb5.1.1_go_aggregation_kpl');
  expect(aggregated).toHaveLength(2164);
  expect(aggregated).toEqual(texts('fb5.1.1_go_seed_noimds'));
});

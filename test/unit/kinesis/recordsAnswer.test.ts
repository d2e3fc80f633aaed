import { describe, expect, it, vi } from 'vitest';
import { storedBytes } from '../../../src/kinesis/pace.ts';
import { parseRecordsAnswer } from '../../../src/kinesis/recordsAnswer.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

function record(n: number, key: string, data: string) {
  return {
    ApproximateArrivalTimestamp: 1_603_163_768.009 + n,
    Data: data,
    PartitionKey: key,
    SequenceNumber: `4959${n}`,
  };
}

const ANSWER = {
  MillisBehindLatest: 1500,
  NextShardIterator: 'AAA=',
  Records: [record(1, 'k', base64('one')), record(2, 'ü"\\', base64('')), record(3, '', base64('drei äöü'))],
  ChildShards: [{ ShardId: 's"1', ParentShards: ['p'], HashKeyRange: { StartingHashKey: '0', EndingHashKey: '9' } }],
};

const ANSWER_OF_MANY = {
  Records: Array.from({ length: 3_000 }, (_, n) => record(n, `key-${n}`, base64('x'.repeat((n * 37) % 1_000)))),
};

function parsed(text: string) {
  const { Records, ...rest } = parseRecordsAnswer(Buffer.from(text), () => {});
  return {
    ...rest,
    Records:
      Records &&
      Array.from(Records, ({ Data, ApproximateArrivalTimestamp, ...other }) => ({
        ...other,
        Data: Buffer.from(Data ?? []).toString(),
        ms: ApproximateArrivalTimestamp?.getTime(),
      })),
  };
}

const EXPECTED = {
  ...ANSWER,
  Records: [
    { PartitionKey: 'k', SequenceNumber: '49591', Data: 'one', ms: 1_603_163_769_009 },
    { PartitionKey: 'ü"\\', SequenceNumber: '49592', Data: '', ms: 1_603_163_770_009 },
    { PartitionKey: '', SequenceNumber: '49593', Data: 'drei äöü', ms: 1_603_163_771_009 },
  ],
};

describe('the answer to GetRecords', () => {
  it.each([
    ['compact', JSON.stringify(ANSWER)],
    ['with blanks', JSON.stringify(ANSWER, undefined, 2)],
    ['with its fields in another order', JSON.stringify(Object.fromEntries(Object.entries(ANSWER).reverse()))],
    ['with escapes that base64 does not need', JSON.stringify(ANSWER).replaceAll('=', '\\u003d')],
    ['with a field that nobody asks for', JSON.stringify(ANSWER).replaceAll('"Data"', '"EncryptionType":"KMS","Data"')],
  ])('is read %s', (_title, text) => {
    expect(parsed(text)).toEqual(EXPECTED);
  });

  it.each([
    ['{}', { Records: undefined }],
    ['{"Records":null}', { Records: undefined }],
    ['{"Records":[]}', { Records: [] }],
    ['{"Records":[],"NextShardIterator":null,"Other":[{"a":"}"}]}', { Records: [] }],
    ['{"Records":[{}]}', { Records: [{ Data: '' }] }],
    ['{"Records":[{"X":{"y":1},"Data":"YQ==","PartitionKey":null}]}', { Records: [{ Data: 'a' }] }],
  ])('%s', (text, expected) => {
    expect(parsed(text)).toEqual(expected);
  });

  it.each(['1603163768.009', '1.603163768009E9', '1603163768009e-3', '1603163768.0090', '1603163768.00900000000'])(
    'has the arrival at %s',
    (seconds) => {
      const text = `{"Records":[{"ApproximateArrivalTimestamp":${seconds},"Data":"YQ=="}]}`;
      expect(parsed(text).Records).toEqual([{ Data: 'a', ms: 1_603_163_768_009 }]);
    },
  );

  it('tells how many bytes Kinesis counts, and where the last record stands, before one is made', () => {
    const { Records } = parseRecordsAnswer(Buffer.from(JSON.stringify(ANSWER_OF_MANY)), () => {});
    expect(Records?.length).toBe(3_000);
    expect(Records?.at(-1)?.SequenceNumber).toBe('49592999');
    expect(Records?.at(3_000)).toBe(undefined);
    const bytes = ANSWER_OF_MANY.Records.map(({ Data, PartitionKey }) => atob(Data).length + PartitionKey.length);
    expect(storedBytes({ records: Records ?? [] })).toBe(bytes.reduce((sum, of) => sum + of));
  });

  it('gives its bytes back when all records are made, which live on', () => {
    const bytes = Buffer.from(JSON.stringify(ANSWER_OF_MANY));
    const release = vi.fn(() => bytes.fill(0));
    const records: unknown[] = [];
    for (const { Data } of parseRecordsAnswer(bytes, release).Records ?? []) {
      expect(release).not.toHaveBeenCalled();
      records.push(Data);
    }
    expect(release).toHaveBeenCalledOnce();
    expect(records.map(String)).toEqual(ANSWER_OF_MANY.Records.map(({ Data }) => atob(Data)));
  });

  it('is not given a second time', () => {
    const { Records } = parseRecordsAnswer(Buffer.from('{"Records":[{"Data":"YQ=="}]}'), () => {});
    expect([...(Records ?? [])]).toHaveLength(1);
    expect(() => [...(Records ?? [])]).toThrow('given before');
    expect(Records?.at(0)).toBe(undefined);
  });

  it('refuses every answer that was cut', () => {
    const text = JSON.stringify(ANSWER);
    for (let length = 0; length < text.length; length++) {
      expect(() => parsed(text.slice(0, length)), text.slice(0, length)).toThrow(SyntaxError);
    }
  });
});

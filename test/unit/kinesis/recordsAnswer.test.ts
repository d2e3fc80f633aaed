import { describe, expect, it } from 'vitest';
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

function parsed(text: string) {
  const { Records, ...rest } = parseRecordsAnswer(Buffer.from(text));
  return {
    ...rest,
    Records: Records?.map(({ Data, ApproximateArrivalTimestamp, ...other }) => ({
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
  ])('is read %s', (_title, text) => {
    expect(parsed(text)).toEqual(EXPECTED);
  });

  it.each([
    ['{}', { Records: undefined }],
    ['{"Records":[]}', { Records: [] }],
    ['{"Records":[],"NextShardIterator":null,"Other":[{"a":"}"}]}', { Records: [], Other: [{ a: '}' }] }],
  ])('%s', (text, expected) => {
    expect(parsed(text)).toEqual(expected);
  });

  it('keeps what a newer service says of a record', () => {
    expect(parsed('{"Records":[{"EncryptionType":"KMS","Data":"YQ==","X":{"y":1}}]}').Records).toEqual([
      { EncryptionType: 'KMS', Data: 'a', X: { y: 1 } },
    ]);
  });

  it('refuses every answer that was cut', () => {
    const text = JSON.stringify(ANSWER);
    for (let length = 0; length < text.length; length++) {
      expect(() => parsed(text.slice(0, length)), text.slice(0, length)).toThrow(SyntaxError);
    }
  });
});

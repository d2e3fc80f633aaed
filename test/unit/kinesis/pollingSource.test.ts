import { expect, test } from 'vitest';
import type { KinesisApi } from '../../../src/kinesis/awsApi.ts';
import { newLease } from '../../../src/kinesis/lease.ts';
import { ReadingPosition } from '../../../src/kinesis/readingPosition.ts';
import { createPollingSource } from '../../../src/kinesis/recordSource.ts';
import { systemClock } from '../../../src/util/clock.ts';

const LEASE = newLease({ shardId: 's0', parentShardIds: [], hashKeyRange: null }, 'TRIM_HORIZON');

/** The limits of reads that give one answer each, of records with data of these sizes. */
async function limits(answers: readonly (readonly number[])[], answerBytes: number | undefined): Promise<number[]> {
  const asked: number[] = [];
  const kinesis: Pick<KinesisApi, 'getShardIterator' | 'getRecords'> = {
    getShardIterator: async () => ({ ShardIterator: 'i' }),
    getRecords: async ({ Limit = 0 }) => {
      const sizes = answers[asked.length] ?? [];
      asked.push(Limit);
      const Records = sizes.map((size) => ({ SequenceNumber: '1', PartitionKey: '', Data: Buffer.alloc(size) }));
      return { Records, NextShardIterator: 'i', MillisBehindLatest: 0 };
    },
  };
  const position = new ReadingPosition(LEASE, { type: 'TRIM_HORIZON' });
  const settings = { streamName: 'stream', maxRecords: 10_000, idleTimeBetweenReadsMs: 0, answerBytes };
  const source = createPollingSource(kinesis as KinesisApi, systemClock, 's0', position, settings);
  for (const _ of answers) await source.fetch(new AbortController().signal);
  return asked;
}

test('as many records are asked for as make an answer of the wanted size, by those that came last', async () => {
  const answers = [[100, 300], [], [1_000_000], [2, 2], [0], []];
  expect(await limits(answers, 1_000_000)).toEqual([245, 5_000, 5_000, 1, 10_000, 10_000]);
});

test('without a wanted size all are asked for', async () => {
  expect(await limits([[100], [100]], undefined)).toEqual([10_000, 10_000]);
});

/**
 * A fake of Kinesis in a process of its own, only for measuring: sends records that were written beforehand, as fast as it can. Its
 * shards are closed: they end behind their last record; or, `endless`, begin anew, with higher sequence numbers. One line of JSON
 * says where it listens. Usage: node fakeStream.ts <folder> [endless]
 */
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { readBody } from '../support/servers/s3/request.ts';
import { listen } from '../support/servers/server.ts';
import { OutputTally } from './outputTally.ts';
import { SinkReport } from './sinkReport.ts';
import { markRound, placeInShard, readIndex, roundOf, shardFile } from './streamFiles.ts';

const HASH_KEYS = 2n ** 128n;
const [folder = '', mode] = process.argv.slice(2);
const isEndless = mode === 'endless';
const index = readIndex(folder);
const files = await Promise.all(index.map((_, shard) => open(shardFile(folder, shard))));
const report = new SinkReport(() => new OutputTally());

interface Input {
  readonly StreamName?: string;
  readonly ShardId?: string;
  readonly ShardIteratorType?: string;
  readonly StartingSequenceNumber?: string;
  readonly ShardIterator?: string;
  readonly Limit?: number;
}

/** By the type of an iterator, how many records of the shard go before it. */
const skips: Readonly<Record<string, (sequenceNumber: string) => number>> = {
  TRIM_HORIZON: () => 0,
  AT_SEQUENCE_NUMBER: (sequenceNumber) => placeInShard(sequenceNumber, index.length),
  AFTER_SEQUENCE_NUMBER: (sequenceNumber) => placeInShard(sequenceNumber, index.length) + 1,
};

type Answers = string | readonly [string, Buffer, string];

const operations: Readonly<Record<string, (input: Input) => Answers | Promise<Answers>>> = {
  ListShards: () => JSON.stringify({ Shards: index.map((_, shard) => shardOf(shard)) }),
  DescribeStreamSummary: ({ StreamName }) =>
    JSON.stringify({ StreamDescriptionSummary: { StreamName, StreamStatus: 'ACTIVE', OpenShardCount: index.length } }),
  GetShardIterator({ ShardId, ShardIteratorType = '', StartingSequenceNumber = '' }) {
    const shard = Number(ShardId?.slice('shardId-'.length));
    const skipped = skips[ShardIteratorType]?.(StartingSequenceNumber);
    if (skipped === undefined) throw new Error(`no iterator of type ${ShardIteratorType}`);
    return JSON.stringify({ ShardIterator: `${shard}/${skipped}/${roundOf(StartingSequenceNumber)}` });
  },
  GetRecords: getRecords,
};

function shardOf(shard: number) {
  const start = (n: number) => (HASH_KEYS * BigInt(n)) / BigInt(index.length);
  return {
    ShardId: `shardId-${String(shard).padStart(12, '0')}`,
    HashKeyRange: { StartingHashKey: String(start(shard)), EndingHashKey: String(start(shard + 1) - 1n) },
    SequenceNumberRange: { StartingSequenceNumber: '49590338271490256608559692538360000000000000000000000000' },
  };
}

/** As many as one GetRecords gives at most, and bytes of their data and keys, which are a little less than those of its text. */
const RECORDS_MAX = 10_000;
const ANSWER_BYTES_MAX = 10 * 1024 * 1024;

/** An iterator names the shard, how many of its records go before, and how often it was read whole. */
async function getRecords({ ShardIterator = '', Limit = RECORDS_MAX }: Input): Promise<Answers> {
  const [shard = 0, from = 0, round = 0] = ShardIterator.split('/').map(Number);
  const starts = index[shard] ?? [];
  const count = starts.length - 1;
  const start = starts[from] ?? 0;
  let to = Math.min(from + Limit, count);
  while ((starts[to] ?? 0) - start > ANSWER_BYTES_MAX) to--;
  const records = Buffer.allocUnsafe(Math.max(0, (starts[to] ?? 0) - start - 1));
  await files[shard]?.read(records, 0, records.length, start);
  report.note(to - from);
  if (round > 0) for (let nth = from + 1; nth <= to; nth++) markRound(records, (starts[nth] ?? 0) - start, round);
  const isLast = to === count;
  const next = isLast ? `${shard}/0/${round + 1}` : `${shard}/${to}/${round}`;
  const iterator = isLast && !isEndless ? '' : `"NextShardIterator":"${next}",`;
  return [`{"MillisBehindLatest":${isLast ? 0 : 60_000},${iterator}"Records":[`, records, ']}'];
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  if (report.answers(request, response)) return;
  void readBody(request).then(async (body) => {
    const name = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    try {
      const operation = operations[name];
      if (operation === undefined) throw new Error(`no operation ${name}`);
      const parts = [await operation(JSON.parse(body.toString()))].flat();
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1', 'content-length': length });
      for (const part of parts) response.write(part);
      response.end();
    } catch (error) {
      response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify({ __type: 'InvalidArgumentException', message: String(error) }));
    }
  });
});
process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${await listen(server, 0)}` })}\n`);

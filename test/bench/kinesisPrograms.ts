/** The user's filters on a Kinesis stream of which every shard is read to its end. */
import { setTimeout as wait } from 'node:timers/promises';
import { leases } from '../integration/pipeline/harness.ts';
import { type Server, startDynalite } from '../support/servers/index.ts';
import { logstashShape } from './check.ts';
import { type Measured, measure } from './measure.ts';
import { elasticsearchOutput, logstash, type Outcome, outcomeOf, type Program, type Work } from './programs.ts';
import { type Sink, startSink } from './sinks.ts';
import { streamFolder } from './streamFiles.ts';

const SHARDS = 16;
const POLL_MS = 200;

export function fromKinesis(work: Work, shards = SHARDS): Promise<Program> {
  return intoNull(work, shards, 'D', `D: Kinesis, ${shards} shards, to null`);
}

/** What it costs to fetch records and make events of them. */
export function fromKinesisUnfiltered(work: Work): Promise<Program> {
  return intoNull(work, SHARDS, 'D0', 'D0: D without filters', '');
}

/** Kinesis does not know when a pipeline without outputs is done, but the lease table does. */
async function intoNull(work: Work, shards: number, id: string, title: string, filter?: string): Promise<Program> {
  const stream = await startSink('fakeStream', streamFolder(work.events, shards));
  return {
    id,
    title,
    async run() {
      const measured = await readStream(work, id, stream, 'null { }', filter);
      const { firstMs: _, ...tally } = await stream.report();
      const again = tally.events - work.events;
      // Every shard is settled to its end, so that none is missing.
      if (again > 0)
        process.stderr.write(`${again} records were read twice: the machine was so busy that leases were lost\n`);
      return { measured, tally: { ...tally, events: Math.min(tally.events, work.events) } };
    },
    stop: () => stream.stop(),
  };
}

export async function fromKinesisToElasticsearch(work: Work): Promise<Program> {
  const [stream, sink] = await Promise.all([
    startSink('fakeStream', streamFolder(work.events, SHARDS)),
    startSink('bulkSink'),
  ]);
  return {
    id: 'E',
    title: 'E: Kinesis to Elasticsearch',
    shape: logstashShape,
    isOurs: true,
    async run(): Promise<Outcome> {
      return outcomeOf(await readStream(work, 'E', stream, elasticsearchOutput(sink.url)), sink);
    },
    stop: async () => void (await Promise.all([stream.stop(), sink.stop()])),
  };
}

/** With a lease table that is empty. */
async function readStream(work: Work, id: string, stream: Sink, output: string, filter?: string): Promise<Measured> {
  const dynamodb = await startDynalite({ childProcess: true });
  const input = `kinesis {
    kinesis_stream_name => "bench" codec => json
    additional_settings => { "kinesis_endpoint" => "${stream.url}" "dynamodb_endpoint" => "${dynamodb.url}" }
  }`;
  try {
    const launch = logstash(work, id, input, output, filter);
    return await measure({
      ...launch,
      stdin: '/dev/null',
      env: { ...launch.env, AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: 'SK' },
      done: (signal) => untilAllEnded(dynamodb, signal),
    });
  } finally {
    await dynamodb.stop();
  }
}

/** A shard's row says SHARD_END when all its events are settled. */
async function untilAllEnded(dynamodb: Server, signal: AbortSignal): Promise<void> {
  for (;;) {
    await wait(POLL_MS, undefined, { signal });
    const rows = Object.values(await leases({ dynamodb }).catch(() => ({})));
    if (rows.length > 0 && rows.every(({ checkpoint }) => checkpoint === 'SHARD_END')) return;
  }
}

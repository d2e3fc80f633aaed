/**
 * Memory of the user's pipeline over a long time at full load: an endless Kinesis stream of 16 shards to Elasticsearch and S3.
 * Usage: node test/bench/soak.ts [--minutes 30] [--workers 1]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Logstash } from '../integration/kinesis/logstash.ts';
import { startDynalite } from '../support/servers/index.ts';
import { buildIfStale } from './bundle.ts';
import { databases } from './databases.ts';
import { cpuSeconds, memoryMiB } from './process.ts';
import { elasticsearchOutput, filters, s3Output } from './programs.ts';
import { startSink } from './sinks.ts';
import { streamFolder } from './streamFiles.ts';

const SHARDS = 16;
/** After which the shards begin anew. */
const EVENTS = 1_000_000;
const SAMPLE_MS = 5_000;
/** Caches fill in the first part. */
const SETTLED_SHARE = 1 / 4;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, workers: { type: 'string', default: '1' } },
});
const minutes = Number(values.minutes);

interface Sample {
  readonly minute: number;
  readonly rssMiB: number;
}

/** Least squares, in MiB a minute. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number) => samples.reduce((sum, each) => sum + of(each), 0) / samples.length;
  const [minute, rss] = [mean((each) => each.minute), mean((each) => each.rssMiB)];
  const spread = samples.reduce((sum, each) => sum + (each.minute - minute) ** 2, 0);
  return samples.reduce((sum, each) => sum + (each.minute - minute) * (each.rssMiB - rss), 0) / spread;
}

function report(name: string, value: number, unit: string): void {
  process.stdout.write(`${name.padEnd(40)} ${value.toFixed(2)} ${unit}\n`);
}

buildIfStale();
const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-soak-'));
const stream = await startSink('fakeStream', streamFolder(EVENTS, SHARDS), 'endless');
const [bulks, objects, dynamodb] = await Promise.all([
  startSink('bulkSink'),
  startSink('takeAll'),
  startDynalite({ childProcess: true }),
]);
const configPath = join(folder, 'soak.conf');
const spool = `temporary_directory => "${join(folder, 's3')}" rotation_strategy => "time" time_file => 1`;
writeFileSync(
  configPath,
  `input { kinesis { kinesis_stream_name => "soak" codec => json additional_settings => {
    "kinesis_endpoint" => "${stream.url}" "dynamodb_endpoint" => "${dynamodb.url}" } } }
  ${filters(databases())}
  output { ${elasticsearchOutput(bulks.url)}
    ${s3Output(objects.url, 'accesslog/%{+YYYY}/%{+MM}/%{+dd}').replace('gzip_level => 1', `gzip_level => 1 ${spool}`)} }`,
);
const logstash = new Logstash({ configPath, dataPath: join(folder, 'data'), flags: ['-w', values.workers] });
try {
  const startMs = performance.now();
  logstash.start();
  const samples: Sample[] = [];
  for (let minute = 0; minute < minutes; minute = (performance.now() - startMs) / 60_000) {
    await wait(SAMPLE_MS);
    if (!logstash.isRunning) throw new Error(`the program ended:\n${logstash.log}`);
    samples.push({ minute: (performance.now() - startMs) / 60_000, rssMiB: memoryMiB(logstash.pid, 'VmRSS') });
  }
  const settled = samples.slice(Math.floor(samples.length * SETTLED_SHARE));
  report('events a second', (await bulks.report()).events / (minutes * 60), '');
  report('CPU', (100 * cpuSeconds(logstash.pid)) / (minutes * 60), '%');
  report('memory, most', memoryMiB(logstash.pid, 'VmHWM'), 'MiB');
  report('memory, mean after a quarter', settled.reduce((sum, { rssMiB }) => sum + rssMiB, 0) / settled.length, 'MiB');
  report('memory, slope after a quarter', slopeOf(settled), 'MiB a minute');
} finally {
  await logstash.end('SIGTERM');
  await Promise.all([stream, bulks, objects, dynamodb].map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
}

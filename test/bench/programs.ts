/** What is measured: the bare loop, and the user's filters from one input to one output each. */
import { closeSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { logstashShape, type Shape } from './check.ts';
import type { Databases } from './databases.ts';
import { type Launch, type Measured, measure } from './measure.ts';
import { OutputTally, type Tally } from './outputTally.ts';
import { S3_BUCKET, S3_CREDENTIALS, type Sink, startSink } from './sinks.ts';

export interface Work {
  readonly events: number;
  /** Path of the events, one a line. */
  readonly lines: string;
  readonly databases: Databases;
  /** For configurations and outputs. */
  readonly folder: string;
  /** Where CPU profiles go, when they are asked for. */
  readonly profiles: string | undefined;
  readonly workers: number;
}

export interface Outcome {
  readonly measured: Measured;
  readonly tally: Tally;
}

export interface Program {
  /** As the options name it. */
  readonly id: string;
  readonly title: string;
  /** How its events look; absent when it does not change them. */
  readonly shape?: Shape;
  /** Whether its number of found addresses has to be that of the others of ours. */
  readonly isOurs?: boolean;
  run(): Promise<Outcome>;
  stop(): Promise<void>;
}

const CHUNK_BYTES = 1 << 20;

export function bareLoop(work: Work): Program {
  const outputFile = join(work.folder, 'loop.jsonl');
  return {
    id: 'loop',
    title: '(a) bare Node loop',
    run: () =>
      intoFile({
        command: process.execPath,
        args: [...profiling(work, 'loop'), resolve('test/bench/bareLoop.js'), outputFile],
        stdin: work.lines,
        outputFile,
      }),
    stop: async () => {},
  };
}

export function toFile(work: Work): Program {
  const outputFile = join(work.folder, 'a.jsonl');
  const output = `file { path => "${outputFile}" }`;
  return {
    id: 'A',
    title: 'A: lines to a file',
    shape: logstashShape,
    isOurs: true,
    run: () => intoFile({ ...logstash(work, 'A', STDIN, output), outputFile }),
    stop: async () => {},
  };
}

export async function toElasticsearch(work: Work): Promise<Program> {
  const sink = await startSink('bulkSink');
  const output = elasticsearchOutput(sink.url);
  return {
    id: 'B',
    title: 'B: _bulk to Elasticsearch',
    shape: logstashShape,
    isOurs: true,
    async run() {
      const measured = await measure(logstash(work, 'B', STDIN, output));
      return outcomeOf(measured, sink);
    },
    stop: () => sink.stop(),
  };
}

export function elasticsearchOutput(url: string): string {
  return `elasticsearch { hosts => "${url}" index => "accesslog-%{+YYYYMM}" }`;
}

/** Each run has a sink of its own, which keeps the objects. */
export function toS3(work: Work): Program {
  return {
    id: 'C',
    title: 'C: gzip objects to S3',
    shape: logstashShape,
    isOurs: true,
    run: () => intoS3((url) => logstash(work, 'C', STDIN, s3Output(url, 'accesslog/%{+YYYY}/%{+MM}/%{+dd}'))),
    stop: async () => {},
  };
}

export async function intoS3(launch: (url: string) => Launch): Promise<Outcome> {
  const sink = await startSink('s3Sink');
  try {
    return await outcomeOf(await measure(launch(sink.url)), sink);
  } finally {
    await sink.stop();
  }
}

export function s3Output(endpoint: string, prefix: string): string {
  const { accessKeyId, secretAccessKey } = S3_CREDENTIALS;
  return `s3 {
    bucket => "${S3_BUCKET}" region => "us-east-1" endpoint => "${endpoint}" additional_settings => { force_path_style => true }
    access_key_id => "${accessKeyId}" secret_access_key => "${secretAccessKey}"
    prefix => "${prefix}" codec => json_lines encoding => "gzip" gzip_level => 1
  }`;
}

export const STDIN = 'stdin { codec => json_lines }';

export function filters({ city, asn }: Databases): string {
  return `
filter {
  if [logtype] in "accesslog" {
    mutate { convert => { "code" => "integer" "size" => "integer" } }
    geoip { source => "remote" target => "remote_geoip" database => "${city}" }
    geoip { source => "remote" target => "remote_geoip_asn" database => "${asn}" }
  }
}`;
}

/** As users start it, on an empty data directory. */
export function logstash(
  work: Work,
  id: string,
  input: string,
  output: string,
  filter = filters(work.databases),
): Launch {
  const configPath = join(work.folder, 'bench.conf');
  const dataPath = join(work.folder, 'data');
  rmSync(dataPath, { recursive: true, force: true });
  writeFileSync(configPath, `input { ${input} }\n${filter}\noutput { ${output} }\n`);
  return {
    command: resolve('bin/logstash-ts'),
    args: ['-f', configPath, '--path.data', dataPath, '--log.level', 'error', '-w', String(work.workers)],
    stdin: work.lines,
    env: { NODE_OPTIONS: profiling(work, id).join(' ') },
  };
}

export async function outcomeOf(measured: Measured, sink: Sink): Promise<Outcome> {
  const { firstMs, ...tally } = await sink.report();
  return { measured: { ...measured, firstOutputMs: firstMs ?? undefined }, tally };
}

/** Into a folder a program. */
function profiling({ profiles }: Work, id: string): string[] {
  return profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profiles, id)}`];
}

export async function intoFile(launch: Launch & { readonly outputFile: string }): Promise<Outcome> {
  rmSync(launch.outputFile, { force: true });
  const measured = await measure(launch);
  const tally = tallyOf(launch.outputFile);
  rmSync(launch.outputFile);
  return { measured, tally };
}

function tallyOf(path: string): Tally {
  const tally = new OutputTally();
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let kept = 0;
  for (let read = 1; read > 0; ) {
    read = readSync(file, buffer, kept, CHUNK_BYTES - kept, null);
    const filled = buffer.subarray(0, kept + read);
    const whole = filled.lastIndexOf('\n') + 1;
    tally.take(filled.subarray(0, whole));
    kept = filled.copy(buffer, 0, whole);
  }
  closeSync(file);
  if (kept > 0) throw new Error(`${path} ends within a line`);
  return tally.result();
}

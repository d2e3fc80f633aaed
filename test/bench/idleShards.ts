/**
 * Memory and CPU of the program on a stream of many shards on which nothing comes: kinesis to null, all leases its own.
 * Usage: node test/bench/idleShards.ts [--shards 100] [--seconds 60]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Logstash } from '../integration/kinesis/logstash.ts';
import { startDynalite, startKinesisLocal } from '../support/servers/index.ts';
import { cpuSeconds, memoryMiB } from './process.ts';

const SAMPLE_MS = 500;
const AIM_MIB = 200;

const { values } = parseArgs({
  options: { shards: { type: 'string', default: '100' }, seconds: { type: 'string', default: '60' } },
});
const shards = Number(values.shards);
const seconds = Number(values.seconds);

async function untilHolding(logstash: Logstash): Promise<void> {
  while (!logstash.log.includes(`holding ${shards} of ${shards} leases`)) {
    if (!logstash.isRunning) throw new Error(`the program ended:\n${logstash.log}`);
    await wait(SAMPLE_MS);
  }
}

function report(name: string, value: number, unit: string): void {
  process.stdout.write(`${name.padEnd(36)} ${value.toFixed(1)} ${unit}\n`);
}

const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-idle-'));
const [kinesis, dynamodb] = await Promise.all([
  startKinesisLocal({ streams: { idle: shards }, shardLimit: 2 * shards }),
  startDynalite({ childProcess: true }),
]);
const configPath = join(folder, 'idle.conf');
writeFileSync(
  configPath,
  `input { kinesis { kinesis_stream_name => "idle" application_name => "idle-leases" codec => json additional_settings => {
    "kinesis_endpoint" => "${kinesis.url}" "dynamodb_endpoint" => "${dynamodb.url}" } } } output { null { } }`,
);
const logstash = new Logstash({ configPath, dataPath: join(folder, 'data') });
try {
  const startMs = performance.now();
  logstash.start();
  await untilHolding(logstash);
  report(`${shards} leases held after`, (performance.now() - startMs) / 1_000, 's');
  const cpuBefore = cpuSeconds(logstash.pid);
  const samples: number[] = [];
  for (const untilMs = performance.now() + seconds * 1_000; performance.now() < untilMs; await wait(SAMPLE_MS)) {
    samples.push(memoryMiB(logstash.pid, 'VmRSS'));
  }
  const most = memoryMiB(logstash.pid, 'VmHWM');
  report(`resident memory, most (aim: < ${AIM_MIB})`, most, 'MiB');
  report('resident memory, last', samples.at(-1) ?? 0, 'MiB');
  report(`CPU over ${seconds} s idle`, ((cpuSeconds(logstash.pid) - cpuBefore) / seconds) * 100, '% of a core');
  if (most >= AIM_MIB) process.exitCode = 1;
} finally {
  await logstash.end('SIGKILL');
  await Promise.all([kinesis.stop(), dynamodb.stop()]);
  rmSync(folder, { recursive: true, force: true });
}

/**
 * Memory, time and open files of the program on events that each have an S3 prefix of their own, with few files allowed:
 * generator to s3, against the stand-in in another process. Once with S3 answering, once with S3 away for a while.
 * Usage: node test/bench/s3Prefixes.ts [--prefixes 100000] [--files 1024] [--away 20] [--batch 1000] [--outputs 1]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { boundToParent, startApart, startFaultProxy } from '../support/servers/index.ts';

const SAMPLE_MS = 100;
const AIM_MIB = 300;
const BUCKET = 'many';
const credentials = { accessKeyId: 'AK', secretAccessKey: 'SK' };
/** Every so many objects one is read and unpacked. */
const READ_EVERY = 1000;

const { values } = parseArgs({
  options: {
    prefixes: { type: 'string', default: '100000' },
    files: { type: 'string', default: '1024' },
    away: { type: 'string', default: '20' },
    batch: { type: 'string', default: '1000' },
    outputs: { type: 'string', default: '1' },
  },
});
const prefixes = Number(values.prefixes);

interface Most {
  rssMiB: number;
  files: number;
  spoolFiles: number;
}

function configOf(endpoint: string, directory: string): string {
  const outputs = Array.from(
    { length: Number(values.outputs) },
    (_, index) => `s3 {
      bucket => "${BUCKET}" prefix => "p${index}/%{sequence}" codec => json_lines encoding => gzip restore => false
      endpoint => "${endpoint}" additional_settings => { force_path_style => true }
      access_key_id => "AK" secret_access_key => "SK" temporary_directory => "${directory}"
    }`,
  );
  return `input { generator { count => ${prefixes} } } output { ${outputs.join('\n')} }`;
}

/** The limit holds for the program only, which cannot raise it again. */
function start(config: string, folder: string): ChildProcess {
  const command = `ulimit -n ${Number(values.files)} && exec "$@"`;
  const program = [resolve('bin/logstash-ts'), '-e', config, '-b', values.batch, '--path.data', join(folder, 'data')];
  return spawn(...boundToParent('bash', ['-c', command, 'bash', ...program]), { stdio: ['ignore', 'ignore', 'pipe'] });
}

function sample(pid: number, spool: string, most: Most): void {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    most.rssMiB = Math.max(most.rssMiB, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
    most.files = Math.max(most.files, readdirSync(`/proc/${pid}/fd`).length);
    most.spoolFiles = Math.max(most.spoolFiles, readdirSync(spool, { recursive: true }).length);
  } catch {
    // It has just ended, or has not begun.
  }
}

/** How many prefixes have an object; some objects are read. */
async function countPrefixes(endpoint: string): Promise<number> {
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true });
  const found = new Set<string>();
  let token: string | undefined;
  do {
    const page = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, ContinuationToken: token }));
    for (const { Key = '' } of page.Contents ?? []) {
      found.add(Key.slice(0, Key.lastIndexOf('/')));
      if (found.size % READ_EVERY === 0) await read(client, Key);
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
  client.destroy();
  return found.size;
}

async function read(client: S3Client, key: string): Promise<void> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
  const line = JSON.parse(gunzipSync((await Body?.transformToByteArray()) ?? new Uint8Array()).toString());
  if (String(line.sequence) !== key.split('/')[1]) throw new Error(`${key} holds the event ${line.sequence}`);
}

function report(name: string, value: number | string, unit = ''): void {
  process.stdout.write(`${name.padEnd(40)} ${typeof value === 'number' ? value.toFixed(1) : value} ${unit}\n`);
}

async function run(title: string, awaySeconds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-prefixes-'));
  const server = await startApart('s3', { ...credentials, buckets: [BUCKET] });
  const proxy = await startFaultProxy(server.url);
  const away = { kind: 'answer', status: 503, body: '<Error><Code>SlowDown</Code></Error>' } as const;
  const most: Most = { rssMiB: 0, files: 0, spoolFiles: 0 };
  try {
    const startMs = performance.now();
    const spool = join(folder, 'spool');
    const child = start(configOf(awaySeconds > 0 ? proxy.url : server.url, spool), folder);
    let log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const ended = once(child, 'exit');
    proxy.setRule(({ url }) => {
      const isAway = performance.now() - startMs < awaySeconds * 1000;
      return isAway && url.includes('/p0/') ? away : undefined;
    });
    while (child.exitCode === null && child.signalCode === null) {
      sample(child.pid ?? 0, spool, most);
      await Promise.race([wait(SAMPLE_MS), ended]);
    }
    const seconds = (performance.now() - startMs) / 1000;
    const expected = prefixes * Number(values.outputs);
    const found = await countPrefixes(server.url);
    process.stdout.write(`\n${title}\n`);
    report('exit code', String(child.exitCode ?? child.signalCode));
    report(`prefixes with an object, of ${expected}`, String(found));
    report('time', seconds, 's');
    report(`resident memory, most (aim: < ${AIM_MIB})`, most.rssMiB, 'MiB');
    report(`open files, most (of ${values.files})`, String(most.files));
    report('files in the spool, most', String(most.spoolFiles));
    report('lines of log', String(log.split('\n').length - 1));
    process.stdout.write(log.replace(/^.*\[INFO \].*\n/gm, ''));
    if (child.exitCode !== 0 || found !== expected || most.rssMiB >= AIM_MIB) process.exitCode = 1;
  } finally {
    await Promise.all([proxy.stop(), server.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

await run('S3 answers', 0);
if (Number(values.away) > 0) await run(`S3 refuses for ${values.away} s`, Number(values.away));

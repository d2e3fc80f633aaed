/**
 * Elasticsearch away for a while under load, with and without a spool: how old events are when they are in S3, memory of the
 * program, and how long Elasticsearch takes to catch up. Usage: node test/bench/outage.ts [--rate 5000] [--seconds 50] [--from 8] [--until 38]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startFakeElasticsearch } from '../support/servers/fakeElasticsearch.ts';
import { startFakeS3 } from '../support/servers/fakeS3.ts';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '50' },
    from: { type: 'string', default: '8' },
    until: { type: 'string', default: '38' },
  },
});
const [rate, seconds, fromS, untilS] = [values.rate, values.seconds, values.from, values.until].map(Number) as [
  number,
  number,
  number,
  number,
];
const total = rate * seconds;
const TEXT = 'x'.repeat(1000);
const TICK_MS = 20;
const BUCKET = 'bench';
const keys = { accessKeyId: 'AKTEST', secretAccessKey: 'test-secret' };

/** Times in milliseconds since the load began. */
interface Measured {
  /** When each event came to the destination; 0 for not. */
  readonly inElasticsearch: Float64Array;
  readonly inS3: Float64Array;
  readonly twice: number;
  /** By second. */
  readonly residentMb: readonly number[];
}

async function measure(spool: string): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-outage-'));
  const inElasticsearch = new Float64Array(total);
  const inS3 = new Float64Array(total);
  let twice = 0;
  let beginMs = 0;
  const now = () => performance.now() - beginMs;
  const isAway = () => beginMs > 0 && now() >= fromS * 1000 && now() < untilS * 1000;
  const note = (times: Float64Array, n: number) => {
    if (times[n] !== 0) twice += 1;
    times[n] = now();
  };
  const elasticsearch = await startFakeElasticsearch({
    keepRequests: false,
    respond: ({ path, body }) => {
      if (!path.endsWith('/_bulk')) return undefined;
      if (isAway()) return { reset: 'before' };
      const items: object[] = [];
      for (const [, n] of body.matchAll(/"n":(\d+)/g)) {
        note(inElasticsearch, Number(n));
        items.push({ index: { status: 201 } });
      }
      return { answer: { status: 200, body: { took: 1, errors: false, items } } };
    },
  });
  const s3 = await startFakeS3({
    ...keys,
    buckets: [BUCKET],
    respond: ({ operation, rawBody }) => {
      if (operation !== 'PutObject') return undefined;
      for (const [, n] of rawBody.toString('latin1').matchAll(/^n(\d+)$/gm)) note(inS3, Number(n));
      return undefined;
    },
  });
  const child = startProgram(folder, spool, elasticsearch.url, s3.url);
  const residentMb: number[] = [];
  const sampling = setInterval(() => residentMb.push(residentOf(child)), 1000);
  const exited = once(child, 'exit');
  beginMs = performance.now();
  await feed(child, now);
  const [code] = await exited;
  clearInterval(sampling);
  await Promise.all([elasticsearch.stop(), s3.stop()]);
  rmSync(folder, { recursive: true });
  if (code !== 0) throw new Error(`the program ended with ${code}`);
  return { inElasticsearch, inS3, twice, residentMb };
}

function startProgram(folder: string, spool: string, esUrl: string, s3Url: string): ChildProcess {
  const config = `
    input { stdin { codec => json_lines } }
    output {
      elasticsearch { hosts => "${esUrl}" index => "bench" ${spool} }
      s3 {
        bucket => "${BUCKET}" region => "us-east-1" endpoint => "${s3Url}" temporary_directory => "${folder}/s3"
        access_key_id => "${keys.accessKeyId}" secret_access_key => "${keys.secretAccessKey}"
        additional_settings => { force_path_style => true } validate_credentials_on_root_bucket => false
        size_file => 20000 rotation_strategy => "size" codec => line { format => "n%{n}" }
      }
    }`;
  const args = ['-e', config, '--path.data', join(folder, 'data'), '--log.level', 'error'];
  return spawn(resolve('bin/logstash-ts'), args, { stdio: ['pipe', 'ignore', 'inherit'] });
}

/** Event `n` is due at `n / rate`; while the program does not read, what is due waits, as in a stream. */
async function feed({ stdin }: ChildProcess, now: () => number): Promise<void> {
  if (stdin === null) throw new Error('no stdin');
  for (let n = 0; n < total; ) {
    const due = Math.min(total, Math.floor((now() / 1000) * rate));
    let lines = '';
    // A part at a time, so that catching up does not fill the memory.
    for (const end = Math.min(due, n + rate / 10); n < end; n++) lines += `{"n":${n},"text":"${TEXT}"}\n`;
    if (!stdin.write(lines)) await once(stdin, 'drain');
    if (n >= due) await new Promise((done) => setTimeout(done, TICK_MS));
  }
  stdin.end();
}

function residentOf({ pid }: ChildProcess): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1000;
  } catch {
    return Number.NaN;
  }
}

/** Of the events that were due between two seconds: how long they took, in seconds. */
function latencies(times: Float64Array, from: number, to: number): string {
  const taken = Array.from(times.subarray(from * rate, to * rate), (ms, i) => ms / 1000 - (from + i / rate));
  const sorted = taken.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(1);
  return [0.5, 0.95, 0.99, 1].map(at).join(' / ');
}

/** The first second from which on all that was due has been delivered within two seconds. */
function caughtUpS(times: Float64Array): number {
  const late = times.findLastIndex((ms, n) => ms / 1000 - n / rate > 2);
  return Math.max(0, (times[late] ?? 0) / 1000 - untilS);
}

console.log(`${rate} events of 1 KB a second for ${seconds} s; Elasticsearch away from ${fromS} to ${untilS} s`);
for (const [name, spool] of [
  ['without spool', ''],
  ['with spool', 'spool => { max_bytes => "4gb" }'],
] as const) {
  const { inElasticsearch, inS3, twice, residentMb } = await measure(spool);
  const missing = [inElasticsearch, inS3].map((times) => times.filter((ms) => ms === 0).length);
  const resident = (s: number) => `${Math.round(residentMb[s - 1] ?? Number.NaN)} MB`;
  const known = residentMb.filter((mb) => mb > 0);
  console.log(`\n${name}
  age in S3, seconds: median / 95 % / 99 % / most
    before            ${latencies(inS3, 1, fromS)}
    while away        ${latencies(inS3, fromS, untilS)}
    after             ${latencies(inS3, untilS, seconds)}
  Elasticsearch had caught up ${caughtUpS(inElasticsearch).toFixed(1)} s after it came back
  memory: ${resident(fromS)} before, ${resident(Math.floor((fromS + untilS) / 2))} in the midst, ${resident(untilS)} at the end of the outage, ${Math.round(known.at(-1) ?? Number.NaN)} MB at last, most ${Math.round(Math.max(...known))} MB
  missing in Elasticsearch ${missing[0]}, in S3 ${missing[1]}; delivered twice ${twice}`);
}

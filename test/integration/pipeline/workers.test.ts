/** Several workers: the same events, each once, and a worker that dies loses none. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Arguments, parseArguments } from '../../../src/cli/arguments.ts';
import { pipelineSettings } from '../../../src/cli/pipelineSettings.ts';
import { compile } from '../../../src/compiler/index.ts';
import { DeadLetterQueue } from '../../../src/delivery/deadLetterQueue.ts';
import { ParallelPipeline } from '../../../src/runtime/threads/parallelPipeline.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { crashingRegistry } from '../../support/crashingWorker.ts';
import { recordLog } from '../../support/outputHarness.ts';
import { credentials, kinesisClient, leases, putOn, REGION, type Stack, startStack, stopStack } from './harness.ts';

const WAIT = { timeout: 30_000, interval: 50 };
const LINES = 20_000;
const GZIP_START = 0x1f;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'logstash-ts-workers-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function run(config: string, flags: readonly string[], input = '') {
  const args = ['-e', config, '--path.data', join(folder, 'data'), ...flags];
  const child = spawn(resolve('bin/logstash-ts'), args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

function numbersIn(path: string): number[] {
  const bytes = readFileSync(path);
  const text = bytes[0] === GZIP_START ? gunzipSync(bytes) : bytes;
  const lines = text.toString('utf8').split('\n').filter(Boolean);
  return lines.map((line) => (JSON.parse(line) as { n: number }).n).sort((a, b) => a - b);
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('the program with two workers', () => {
  it.each([false, true])('writes each line of standard input once, gzip %s', { timeout: 60_000 }, async (gzip) => {
    const path = join(folder, 'out');
    const config = `input { stdin { codec => json_lines } } output { file { path => "${path}" gzip => ${gzip} } }`;
    const input = upTo(LINES).map((n) => `${JSON.stringify({ n, text: 'x'.repeat(100) })}\n`);
    const { code, stderr } = await run(config, ['-w', '2'], input.join('').trimEnd());
    expect(code).toBe(0);
    expect(numbersIn(path)).toEqual(upTo(LINES));
    expect(stderr).toContain(`:eventsIn=>${LINES}, :eventsOut=>${LINES}`);
  });

  it('prints to standard output', { timeout: 60_000 }, async () => {
    const config = 'input { stdin { codec => json_lines } } output { stdout { codec => json_lines } }';
    const { stdout } = await run(config, ['-w', '3'], '{"n":1}\n{"n":2}\n{"n":3}\n');
    expect(
      stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line).n)
        .sort(),
    ).toEqual([1, 2, 3]);
  });

  it('has one of them do all of an input that cannot be shared, with its persisted queue', {
    timeout: 60_000,
  }, async () => {
    const path = join(folder, 'out');
    const config = `input { generator { count => 1000 } } output { file { path => "${path}" codec => json_lines } }`;
    const { code, stderr } = await run(config, ['-w', '2', '--queue.type', 'persisted', '--queue.drain']);
    expect(code).toBe(0);
    expect(readFileSync(path, 'utf8').split('\n').filter(Boolean)).toHaveLength(1000);
    expect(stderr).toContain('a single worker reads, filters and writes');
    expect(existsSync(join(folder, 'data', 'queue', 'main'))).toBe(true);
  });

  it.each([
    [
      'a fault of a filter, told once',
      'filter { geoip { source => "ip" database => "package.json" } }',
      /is no MaxMind DB file/g,
    ],
    [
      'an output that cannot start',
      'output { s3 { bucket => "b" endpoint => "http://127.0.0.1:1" access_key_id => "a" secret_access_key => "b" } }',
      /cannot start/g,
    ],
  ])('does not start: %s', { timeout: 60_000 }, async (_title, part, said) => {
    const config = `input { stdin {} } ${part.startsWith('output') ? '' : 'output { null {} }'} ${part}`;
    const { code, stderr } = await run(config, ['-w', '2'], 'x\n');
    expect(code).toBe(1);
    expect(stderr.match(said)).toHaveLength(1);
  });

  it('refuses to keep the order of all events', async () => {
    const { code, stderr } = await run('', ['-w', '2', '--pipeline.ordered', 'true']);
    expect(code).toBe(1);
    expect(stderr).toContain("the 'pipeline.ordered' setting requires the use of a single pipeline worker");
  });
});

describe('a worker that dies', () => {
  const STREAM = 'workers';
  const RECORDS = 600;
  let stack: Stack;

  beforeAll(async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey);
    stack = await startStack([STREAM]);
  }, 120_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await stopStack(stack);
  });

  async function start(config: string) {
    const given = ['-e', config, '-w', '2', '--path.data', join(folder, 'data')];
    const args: Arguments = parseArguments(given);
    const files = [{ path: 'workers.conf', text: config }];
    const { pipeline: resolved, reporter } = await compile(files, {
      registry: crashingRegistry,
      variable: () => undefined,
      supportEscapes: false,
      fileExists: () => true,
    });
    const { logger, lines: log } = recordLog();
    const deadLetterQueue = new DeadLetterQueue({ directory: join(folder, 'dlq'), clock: systemClock, logger });
    const pipeline = new ParallelPipeline(
      {
        ...pipelineSettings(args, () => logger),
        deadLetterQueue,
        workerCount: 2,
        spawn: (index, shared) =>
          new Worker(new URL('../../support/crashingWorker.ts', import.meta.url), {
            workerData: { args, files, index, count: 2, shared },
          }),
        addDeadLetter: (entry) => deadLetterQueue.addEncoded(entry),
        writeLog: (line) => void log.push(line),
        random: Math.random,
      },
      reporter,
    );
    await pipeline.start(resolved);
    return { pipeline, log, running: pipeline.run() };
  }

  it('is started again, and reads its shards from what was settled', { timeout: 120_000 }, async () => {
    const path = join(folder, 'out');
    const { pipeline, log, running } = await start(`
      input { kinesis { kinesis_stream_name => "${STREAM}" application_name => "${STREAM}" region => "${REGION}" codec => json
        additional_settings => { "kinesis_endpoint" => "${stack.kinesis.url}" "dynamodb_endpoint" => "${stack.dynamodb.url}"
          "failover_time_millis" => 60000 "idle_time_between_reads_in_millis" => 200 } checkpoint_interval_seconds => 1 } }
      filter { crash { once => "${join(folder, 'crashed')}" } }
      output { file { path => "${path}" flush_interval => 0 codec => json_lines } }`);
    const client = kinesisClient(stack);
    const put = (from: number, to: number, crash = false) =>
      putOn(
        client,
        STREAM,
        upTo(to - from).map((i) => {
          const event = { n: from + i, ...(crash && i === 50 && { crash: true }) };
          return { PartitionKey: `key-${i}`, Data: Buffer.from(JSON.stringify(event)) };
        }),
      );
    const arrived = () => (existsSync(path) ? new Set(numbersIn(path)).size : 0);
    await put(0, RECORDS / 3);
    await vi.waitFor(() => expect(arrived()).toBe(RECORDS / 3), WAIT);
    // The thread with the leases has heard that all of it is settled.
    await vi.waitFor(async () => {
      const { plugins } = await pipeline.snapshot();
      const { status, oldestUnsettledMs } = plugins.find(({ name }) => name === 'kinesis') ?? {};
      expect({ records: status?.['records'], oldestUnsettledMs }).toEqual({
        records: RECORDS / 3,
        oldestUnsettledMs: null,
      });
    }, WAIT);
    await put(RECORDS / 3, (2 * RECORDS) / 3, true);
    await vi.waitFor(() => expect(arrived()).toBe((2 * RECORDS) / 3), WAIT);
    await put((2 * RECORDS) / 3, RECORDS);
    await vi.waitFor(() => expect(arrived()).toBe(RECORDS), WAIT);
    client.destroy();
    pipeline.stop();
    await running;
    expect(existsSync(join(folder, 'crashed'))).toBe(true);
    expect(log.filter((line) => /worker [12] died and is started again/.test(line))).toHaveLength(1);
    // What was settled before is not read again, though no checkpoint may have told of it.
    const numbers = numbersIn(path);
    expect(numbers.filter((n) => n < RECORDS / 3)).toEqual(upTo(RECORDS / 3));
    expect(Object.values(await leases(stack, STREAM)).map(({ owner }) => owner)).toEqual([undefined, undefined]);
  });
});

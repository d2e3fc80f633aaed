/** The program with `--queue.type persisted`, killed, with damaged pages, and stopped in good order. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { decodeEvents } from '../../../src/delivery/eventLines.ts';
import { listSegments, readSegment } from '../../../src/delivery/segmentLog.ts';
import { startFakeElasticsearch } from '../../support/servers/fakeElasticsearch.ts';

vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let data: string;
let child: ChildProcess | undefined;
let log = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'logstash-ts-queue-'));
  data = join(folder, 'data');
});

afterEach(async () => {
  await kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function start(...args: string[]): ChildProcess {
  const spawned = spawn(resolve('bin/logstash-ts'), [...args, '--path.data', data], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  log = '';
  for (const stream of [spawned.stdout, spawned.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  // What a killed process has not read is lost, as this test means it.
  spawned.stdin.on('error', () => {});
  child = spawned;
  return spawned;
}

async function exitCode(): Promise<number | null> {
  if (child?.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child?.exitCode ?? null;
}

async function kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
  if (child?.exitCode === null && child.signalCode === null) child.kill(signal);
  return exitCode();
}

const within = <T>(check: () => T) => vi.waitFor(check, { timeout: 60_000, interval: 20 });

const fileConfig = () => `
  input { stdin { codec => line } }
  output { file { path => "${folder}/out.txt" codec => line { format => "<%{message}>" } } }`;

const persisted = ['--queue.type', 'persisted'];

/** How often each number was written. A line that a kill cut in two is not one. */
function written(): Map<number, number> {
  const counts = new Map<number, number>();
  const path = join(folder, 'out.txt');
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  for (const [, n] of text.matchAll(/<(\d+)>/g)) counts.set(Number(n), (counts.get(Number(n)) ?? 0) + 1);
  return counts;
}

/** -1 for none. There may be more than a call takes as arguments. */
function highestWritten(): number {
  return written()
    .keys()
    .reduce((highest, n) => Math.max(highest, n), -1);
}

/** The highest number that is on disk: all that was acknowledged is at or below it. */
async function highestOnDisk(): Promise<number> {
  let highest = highestWritten();
  const segments = await listSegments(join(data, 'queue', 'main'));
  for (const [index, segment] of segments.entries()) {
    for (const { payload } of await readSegment(segment, { isLast: index === segments.length - 1 })) {
      for (const event of decodeEvents(payload)) highest = Math.max(highest, Number(event.data['message']));
    }
  }
  return highest;
}

async function feed({ stdin }: ChildProcess, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n += 100) {
    const lines = Array.from({ length: Math.min(100, to - n) }, (_, i) => `${n + i}\n`).join('');
    if (stdin === null || stdin.destroyed) return;
    if (!stdin.write(lines)) await Promise.race([once(stdin, 'drain'), once(stdin, 'close')]).catch(() => {});
  }
}

test('after ten kills at any moment every line that was acknowledged arrives', async () => {
  const kills = 10;
  let next = 0;
  for (let round = 0; round < kills; round++) {
    const running = start('-e', fileConfig(), ...persisted, '--queue.page_capacity', '1mb', '--queue.max_bytes', '4mb');
    const feeding = feed(running, next, next + 50_000);
    const target = highestWritten() + 1 + Math.floor(Math.random() * 5_000);
    await within(() => expect(highestWritten()).toBeGreaterThanOrEqual(target));
    await kill('SIGKILL');
    await feeding;
    const highest = await highestOnDisk();
    expect(highest).toBeGreaterThanOrEqual(target);
    next = highest + 1;
  }
  const last = start('-e', fileConfig(), ...persisted, '--queue.drain');
  last.stdin?.end();
  expect(await exitCode()).toBe(0);
  const counts = written();
  const missing = Array.from({ length: next }, (_, n) => n).filter((n) => !counts.has(n));
  expect(missing).toEqual([]);
  // Those that were written and not noted as settled when it was killed; never all of them.
  const again = [...counts.values()].reduce((sum, count) => sum + count - 1, 0);
  expect(again).toBeLessThan(next);
});

test('a replay writes the same documents: a reader of Elasticsearch sees each line once', async () => {
  const elasticsearch = await startFakeElasticsearch({ keepRequests: false });
  const config = `
    input { stdin { codec => line } }
    output { elasticsearch { hosts => "${elasticsearch.url}" index => "logs" } }`;
  const documents = () => elasticsearch.documents('logs');
  const running = start('-e', config, ...persisted, '--queue.checkpoint.acks', '0', '--queue.checkpoint.interval', '0');
  await feed(running, 0, 3_000);
  await within(() => expect(documents().size).toBe(3_000));
  await kill('SIGKILL');
  const last = start('-e', config, ...persisted, '--queue.drain');
  await within(() => expect(log).toContain('3000 events of an earlier run are in the queue, and go first'));
  await feed(last, 3_000, 3_500);
  last.stdin?.end();
  expect(await exitCode()).toBe(0);
  const messages = [...documents().values()].map(({ source }) => JSON.parse(source)['message']).map(Number);
  expect(messages.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 3_500 }, (_, n) => n));
  await elasticsearch.stop();
});

test('a damaged page is refused with its place and a command, which mends it', async () => {
  const elasticsearch = await startFakeElasticsearch({ respond: () => ({ reset: 'before' }) });
  const stuck = `input { stdin { codec => line } } output { elasticsearch { hosts => "${elasticsearch.url}" } }`;
  const running = start('-e', stuck, ...persisted);
  for (const n of [0, 1, 2]) {
    await feed(running, n, n + 1);
    await within(async () => expect(await highestOnDisk()).toBe(n));
  }
  await kill('SIGKILL');
  await elasticsearch.stop();
  const queue = join(data, 'queue', 'main');
  const [name = ''] = readdirSync(queue).filter((file) => file.endsWith('.seg'));
  const path = join(queue, name);
  const bytes = readFileSync(path);
  bytes[300] = (bytes[300] ?? 0) ^ 1;
  writeFileSync(path, bytes);

  start('-e', fileConfig(), ...persisted);
  expect(await exitCode()).toBe(1);
  const [, command = ''] =
    /To take the damaged bytes out: bin\/logstash-ts (queue repair --path\.data \S+)/.exec(log) ?? [];
  expect(log).toMatch(new RegExp(`FATAL.*${path} is damaged at byte \\d+; nothing was changed`));
  expect(readFileSync(path)).toEqual(bytes);

  start('queue', 'check');
  expect(await exitCode()).toBe(1);
  expect(log).toMatch(/2 events to deliver in 1 page/);
  expect(log).toMatch(/\.seg +\d+ +\d+ +\d+ +damaged at byte \d+/);
  expect(command).toContain(data);
  start(...command.split(' ').slice(0, 2));
  expect(await exitCode()).toBe(0);
  expect(log).toMatch(/bytes taken out of .*\.seg, and kept in .*\.damaged\n2 events to deliver/);
  start('queue', 'check', '--json');
  expect(await exitCode()).toBe(0);
  expect(JSON.parse(log)).toMatchObject({ directory: queue, sound: true, events: 2 });

  const again = start('-e', fileConfig(), ...persisted, '--queue.drain');
  again.stdin?.end();
  expect(await exitCode()).toBe(0);
  expect([...written().keys()].toSorted()).toHaveLength(2);
});

test('a stop leaves what has not gone out for the next start, and a queue in memory says that it is there', async () => {
  const elasticsearch = await startFakeElasticsearch({ respond: () => ({ reset: 'before' }) });
  const stuck = `input { stdin { codec => line } } output { elasticsearch { hosts => "${elasticsearch.url}" } }`;
  const running = start('-e', stuck, ...persisted);
  await feed(running, 0, 10);
  await within(async () => expect(await highestOnDisk()).toBe(9));
  start('queue', 'repair');
  expect(await exitCode()).toBe(1);
  expect(log).toContain('another instance uses the queue');
  running.kill('SIGKILL');
  await once(running, 'exit');
  await elasticsearch.stop();

  const memory = start('-e', fileConfig());
  memory.stdin?.end();
  expect(await exitCode()).toBe(0);
  expect(log).toContain('has events of a persisted queue that are not delivered: --queue.type persisted delivers them');
  expect(written().size).toBe(0);

  // One that brings its own again goes past the queue.
  const config = fileConfig().replace('input {', `input { dead_letter_queue { path => "${folder}" }`);
  start('-e', config, ...persisted);
  await within(() => expect(written().size).toBe(10));
  expect(log.match(/its events go past the persisted queue/g)).toHaveLength(1);
  expect(await kill('SIGTERM')).toBe(0);
  start('queue', 'check');
  expect(await exitCode()).toBe(0);
  expect(log).toContain('0 events to deliver');
});

/** An output that is away, with a spool before it: the program as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SegmentLog } from '../../../src/delivery/segmentLog.ts';
import { type FakeElasticsearch, startFakeElasticsearch } from '../../support/servers/fakeElasticsearch.ts';

vi.setConfig({ testTimeout: 120_000 });

/** An Elasticsearch that can be away, and keeps only how often each `sequence` came. */
class CountingElasticsearch {
  readonly counts: Uint8Array;
  isAway = true;
  /** Away again when it has taken so many. */
  takesAtMost = Number.POSITIVE_INFINITY;
  total = 0;
  #server: FakeElasticsearch | undefined;

  constructor(events: number) {
    this.counts = new Uint8Array(events);
  }

  async start(): Promise<void> {
    this.#server = await startFakeElasticsearch({
      keepRequests: false,
      respond: ({ path, body }) => {
        if (!path.endsWith('/_bulk')) return undefined;
        if (this.isAway || this.total >= this.takesAtMost) return { reset: 'before' };
        return { answer: { status: 200, body: this.#take(body) } };
      },
    });
  }

  #take(body: string): object {
    const items: object[] = [];
    for (const [, sequence] of body.matchAll(/"sequence":(\d+)/g)) {
      this.counts[Number(sequence)] = (this.counts[Number(sequence)] ?? 0) + 1;
      this.total += 1;
      items.push({ create: { status: 201 } });
    }
    return { took: 1, errors: false, items };
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  get missing(): number {
    return this.counts.filter((count) => count === 0).length;
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }
}

let folder: string;
let data: string;
let child: ChildProcess | undefined;
let log = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'logstash-ts-spool-'));
  data = join(folder, 'data');
  log = '';
});

afterEach(async () => {
  if (child?.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

function start(config: string): void {
  child = spawn(resolve('bin/logstash-ts'), ['-e', config, '--path.data', data], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
}

async function exitCode(): Promise<number | null> {
  if (child?.exitCode === null) await once(child, 'exit');
  return child?.exitCode ?? null;
}

/** In MB, as the system counts. */
function residentMb(): number {
  const [, kb = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child?.pid}/status`, 'utf8')) ?? [];
  return Number(kb) / 1000;
}

function spoolMb(): number {
  const directory = join(data, 'spool', 'main', 'es');
  if (!existsSync(directory)) return 0;
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0) / 1e6;
}

const writtenLines = () =>
  existsSync(join(folder, 'out.txt')) ? readFileSync(join(folder, 'out.txt'), 'utf8').split('\n').length - 1 : 0;

const within = <T>(check: () => T) => vi.waitFor(check, { timeout: 60_000, interval: 50 });

const pipeline = (url: string, events: number, maxBytes: string) => `
  input { generator { message => "${'x'.repeat(1000)}" count => ${events} } }
  output {
    elasticsearch { id => "es" hosts => "${url}" spool => { max_bytes => "${maxBytes}" } }
    file { path => "${folder}/out.txt" codec => line { format => "%{sequence}" } }
  }`;

test.runIf(process.platform === 'linux')(
  'while Elasticsearch is away its neighbour gets all, memory stays flat, and then it gets each event once',
  async () => {
    const events = 180_000;
    const elasticsearch = new CountingElasticsearch(events);
    await elasticsearch.start();
    start(pipeline(elasticsearch.url, events, '1gb'));
    await within(() => expect(spoolMb()).toBeGreaterThan(20));
    const [mbBefore, spooledBefore] = [residentMb(), spoolMb()];
    await within(() => expect(writtenLines()).toBe(events));
    await within(() => expect(spoolMb()).toBeGreaterThan(spooledBefore + 80));
    expect(residentMb() - mbBefore).toBeLessThan(60);
    expect(elasticsearch.total).toBe(0);

    elasticsearch.isAway = false;
    expect(await exitCode()).toBe(0);
    expect(elasticsearch.missing).toBe(0);
    expect(elasticsearch.total).toBe(events);
    expect(spoolMb()).toBe(0);
    await elasticsearch.stop();
  },
);

test('at max_bytes the source waits, which is said, and goes on when there is room', async () => {
  const events = 120_000;
  const elasticsearch = new CountingElasticsearch(events);
  await elasticsearch.start();
  start(pipeline(elasticsearch.url, events, '20mb'));
  await within(() => expect(log).toContain('all 20000000 bytes of max_bytes are used; the source waits'));
  expect(spoolMb()).toBeLessThan(20.1);
  expect(spoolMb()).toBeGreaterThan(18);
  expect(writtenLines()).toBeLessThan(events);

  elasticsearch.isAway = false;
  expect(await exitCode()).toBe(0);
  expect([elasticsearch.missing, elasticsearch.total, writtenLines()]).toEqual([0, events, events]);
  await elasticsearch.stop();
});

test('what waited on disk at a kill -9 comes again from a source that can replay', async () => {
  const events = 15_000;
  await fillDeadLetterQueue(join(folder, 'refused', 'other'), events);
  const elasticsearch = new CountingElasticsearch(events);
  await elasticsearch.start();
  elasticsearch.isAway = false;
  elasticsearch.takesAtMost = 2_000;
  const config = `
    input { dead_letter_queue { path => "${join(folder, 'refused')}" pipeline_id => "other" } }
    output { elasticsearch { id => "es" hosts => "${elasticsearch.url}" spool => { max_bytes => "1gb" } } }`;
  start(config);
  await within(() => expect(spoolMb()).toBeGreaterThan(20));
  child?.kill('SIGKILL');
  await exitCode();
  expect(elasticsearch.missing).toBeGreaterThan(10_000);

  elasticsearch.takesAtMost = Number.POSITIVE_INFINITY;
  start(config);
  await within(() => expect(elasticsearch.missing).toBe(0));
  child?.kill('SIGTERM');
  expect(await exitCode()).toBe(0);
  expect(spoolMb()).toBe(0);
  await elasticsearch.stop();
});

/** Entries of 8 KB, numbered. */
async function fillDeadLetterQueue(directory: string, count: number): Promise<void> {
  const queue = await SegmentLog.open({ directory });
  const text = 'y'.repeat(8_000);
  for (let from = 0; from < count; from += 1000) {
    const entries = Array.from({ length: 1000 }, (_, i) => {
      const event = { '@timestamp': '2020-10-20T03:56:00.000Z', '@version': '1', sequence: from + i, text };
      const origin = `stream/shard/${from + i}`;
      return {
        entry_time: '2020-10-20T03:56:00.000Z',
        plugin_type: 'x',
        plugin_id: 'x',
        reason: 'x',
        origin,
        metadata: {},
        event,
      };
    });
    await queue.append(
      entries.map((entry) => Buffer.from(JSON.stringify(entry))),
      false,
    );
  }
  await queue.close();
}

/** `logstash-ts kinesis leases` and `seek` as processes, on local servers, with workers in this one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { kplRecord } from '../../support/kpl.ts';
import { type Ended, runProgram } from '../../support/program.ts';
import { type Lab, startLab, type Worker } from './harness.ts';

vi.setConfig({ testTimeout: 60_000 });
const WAIT = { timeout: 20_000, interval: 50 };
const SHARD_0 = 'shardId-000000000000';
const SHARD_1 = 'shardId-000000000001';
const FAILOVER_MS = 2_000;
const WORKER = 'ip-10-0-1-7:5f2c0a1b-0000-4000-8000-000000000000';

const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-tools-'));
let lab: Lab;

beforeAll(async () => {
  lab = await startLab();
}, 60_000);

afterEach(async () => {
  await lab.closeWorkers();
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await lab.stop();
}, 30_000);

function input(stream: string, kinesisUrl = lab.kinesisUrl): string {
  return `input { kinesis { kinesis_stream_name => "${stream}" application_name => "${stream}-leases" codec => json
    additional_settings => { kinesis_endpoint => "${kinesisUrl}" dynamodb_endpoint => "${lab.dynamodbUrl}"
      failover_time_millis => ${FAILOVER_MS} } } }`;
}

/** Runs `kinesis <line>`; the configuration reads these streams. */
function tool(line: string, ...streams: string[]): Promise<Ended> {
  const path = join(folder, `${streams.join('-')}.conf`);
  writeFileSync(path, `${streams.map((stream) => input(stream)).join('\n')}\noutput { null { } }`);
  return run(...line.split(' '), '-f', path);
}

function run(...args: string[]): Promise<Ended> {
  return runProgram(['kinesis', ...args], { env: { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' } });
}

/** What differs from run to run, and with it the width of columns, is masked. */
function masked(text: string): string {
  return text
    .replace(/…\d{7}/g, '…N')
    .replace(/\d+(\.\d)? (s|min) ago/g, 'T ago')
    .replace(/(?<= )\d+(\.\d)? s(?=$|\.$| {2})/gm, 'T')
    .replace(/(?<=sign of life for )\d+(\.\d)? s/, 'T')
    .replace(/ {2,}/g, '  ');
}

function worker(stream: string, workerId = WORKER): Worker {
  return lab.worker({
    streamName: stream,
    tableName: `${stream}-leases`,
    workerId,
    failoverTimeMs: FAILOVER_MS,
    shardSyncIntervalMs: 200,
  });
}

const put = (stream: string, ...texts: string[]) =>
  lab.put(
    stream,
    texts.map((data) => ({ key: data, data })),
  );

/** A time after all that was put, and before all that will be. */
async function between(): Promise<string> {
  const afterMs = Date.now() + 20;
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(afterMs + 20), WAIT);
  return new Date(afterMs).toISOString();
}

/** What a worker that starts now is given, once it has all of it. */
async function delivers(stream: string, expected: readonly string[]): Promise<void> {
  const successor = worker(stream, 'host:successor');
  await successor.consumer.start();
  await vi.waitFor(() => expect(successor.texts()).toEqual([...expected].sort()), WAIT);
  // A last record shows that nothing else was on the way.
  const shards = await lab.shards(stream);
  const open = shards.filter(({ SequenceNumberRange }) => SequenceNumberRange?.EndingSequenceNumber === undefined);
  const last = open.map(({ ShardId = '', HashKeyRange }) => ({
    key: ShardId,
    data: `last ${ShardId}`,
    hashKey: HashKeyRange?.StartingHashKey ?? '0',
  }));
  const placed = await lab.put(stream, last);
  const lastTexts = last.map(({ data }) => data);
  await vi.waitFor(() => expect(successor.texts()).toEqual([...expected, ...lastTexts].sort()), WAIT);
  await vi.waitFor(
    async () =>
      expect(await positions(stream)).toEqual(
        expect.arrayContaining(placed.map(({ sequenceNumber }) => sequenceNumber)),
      ),
    WAIT,
  );
  await successor.consumer.close();
}

async function positions(stream: string): Promise<(string | undefined)[]> {
  return [...(await lab.rows(`${stream}-leases`)).values()].map((row) => row['checkpoint']?.S);
}

/** All that was put is read and checkpointed, and nobody holds a row. */
async function readAll(stream: string, expected: readonly string[]): Promise<void> {
  const reader = worker(stream);
  await reader.consumer.start();
  await vi.waitFor(() => expect(reader.texts()).toEqual([...expected].sort()), WAIT);
  await reader.consumer.close();
}

describe('leases', () => {
  test('say who reads what, from before the first start to after the last', async () => {
    await lab.createStream('shown', 2);
    await lab.put('shown', [
      { key: 'a', data: 'a', hashKey: '0' },
      { key: 'b', data: 'b', hashKey: '340282366920938463463374607431768211455' },
    ]);
    expect(await tool('leases', 'shown')).toEqual({
      code: 0,
      stderr: '',
      stdout: `stream shown, lease table shown-leases in us-east-1
There is no such table yet: the first start makes it. The stream has 2 shards.
`,
    });

    const reader = worker('shown');
    await reader.consumer.start();
    await vi.waitFor(
      async () =>
        expect(await positions('shown')).toEqual([expect.stringMatching(/^\d/), expect.stringMatching(/^\d/)]),
      WAIT,
    );
    const alive = await tool('leases', 'shown');
    expect({ ...alive, stdout: masked(alive.stdout) }).toEqual({
      code: 0,
      stderr: '',
      stdout: `stream shown, lease table shown-leases in us-east-1

shard  owner  worker  checkpoint  behind  moved
shardId-000000000000  ip-10-0-1-7:5f2c…  alive  …N (T ago)  T  no
shardId-000000000001  ip-10-0-1-7:5f2c…  alive  …N (T ago)  T  no

2 shards: 2 held by 1 worker. Furthest behind: T.
`,
    });

    await reader.consumer.close();
    await lab.split('shown', SHARD_0);
    await lab.setRow('shown-leases', SHARD_1, 'leaseOwner', { S: 'host:dead' });
    const stopped = await tool('leases', 'shown');
    expect({ ...stopped, stdout: masked(stopped.stdout) }).toEqual({
      code: 0,
      stderr: '',
      stdout: `stream shown, lease table shown-leases in us-east-1

shard  owner  worker  checkpoint  behind  moved
shardId-000000000000  nobody  …N (T ago)  T  no
shardId-000000000001  host:dead  silent  …N (T ago)  T  no
shardId-000000000002  no row  waits for the end of 0
shardId-000000000003  no row  waits for the end of 0

4 shards: 1 held by 1 worker, 1 held by nobody, 2 without a row. Furthest behind: T.
Nobody holds shardId-000000000000: no worker runs.
No sign of life for T from the owner of shardId-000000000001: after 2 s others take over.
`,
    });

    const { stdout } = await tool('leases --json', 'shown');
    expect(JSON.parse(stdout)).toEqual({
      streams: [
        {
          stream: 'shown',
          table: 'shown-leases',
          region: 'us-east-1',
          time: expect.stringMatching(/^\d{4}-.*Z$/),
          failoverTimeMs: FAILOVER_MS,
          tableExists: true,
          watchedMs: expect.any(Number),
          millisBehindLatestMax: expect.any(Number),
          owners: [{ leaseOwner: 'host:dead', leases: 1, state: 'silent' }],
          problems: [
            { problem: 'no_owner', shardIds: [SHARD_0] },
            { problem: 'silent_owner', shardIds: [SHARD_1] },
          ],
          shards: [
            {
              shardId: SHARD_0,
              isOpen: false,
              row: {
                leaseOwner: null,
                ownerState: null,
                leaseCounter: expect.any(Number),
                ownerSwitchesSinceCheckpoint: 0,
                checkpoint: expect.stringMatching(/^\d{50,}$/),
                checkpointSubSequenceNumber: 0,
                checkpointArrival: expect.stringMatching(/^\d{4}-.*Z$/),
                checkpointAgeMs: expect.any(Number),
                parentShardIds: [],
                childShardIds: [],
              },
              millisBehindLatest: expect.any(Number),
              waitsFor: [],
            },
            expect.objectContaining({ shardId: SHARD_1, isOpen: true }),
            ...['shardId-000000000002', 'shardId-000000000003'].map((shardId) => ({
              shardId,
              isOpen: true,
              row: null,
              millisBehindLatest: null,
              waitsFor: [SHARD_0],
            })),
          ],
        },
      ],
    });
  });

  test('of several streams are shown one below the other, or chosen', async () => {
    await Promise.all([lab.createStream('left', 1), lab.createStream('right', 1)]);
    const { stdout } = await tool('leases', 'left', 'right');
    expect(stdout.split('\n\n').map((part) => part.split('\n')[0])).toEqual([
      'stream left, lease table left-leases in us-east-1',
      'stream right, lease table right-leases in us-east-1',
    ]);
    const chosen = await tool('leases --stream right', 'left', 'right');
    expect(chosen.stdout).toMatch(/^stream right, .*\nThere is no such table yet[^\n]*\n$/);
    const refused = await tool('seek --to LATEST', 'left', 'right');
    expect(refused).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'ERROR: seek moves one stream at a time: choose by --stream or --table among left (lease table left-leases), right (lease table right-leases)\n',
    });
  });
});

describe('seek', () => {
  test('to a time between two batches: what came at or after it is read again, and nothing else', async () => {
    await lab.createStream('time', 2);
    await put('time', 'a0', 'a1', 'a2', 'a3');
    const time = await between();
    await put('time', 'b0', 'b1', 'b2', 'b3');
    await readAll('time', ['a0', 'a1', 'a2', 'a3', 'b0', 'b1', 'b2', 'b3']);
    const { code, stdout, stderr } = await tool(`seek --to ${time}`, 'time');
    expect([code, stderr]).toEqual([0, 'looking up positions in 2 shards\n']);
    expect(masked(stdout)).toBe(`stream time, lease table time-leases in us-east-1: to ${time}

shard  before  after
shardId-000000000000  …N (T ago)  at …N (T ago)  back T
shardId-000000000001  …N (T ago)  at …N (T ago)  back T

2 rows written. The next start reads from there.
`);
    await delivers('time', ['b0', 'b1', 'b2', 'b3']);
  });

  test('to the oldest records, and to what comes from now on', async () => {
    await lab.createStream('ends', 2);
    await put('ends', 'a', 'b', 'c');
    await readAll('ends', ['a', 'b', 'c']);
    const dry = await tool('seek --to TRIM_HORIZON --dry-run', 'ends');
    expect(dry.stdout).toContain('\n2 rows would change. Nothing was written.\n');
    expect(await positions('ends')).not.toContain('TRIM_HORIZON');
    expect((await tool('seek --to TRIM_HORIZON', 'ends')).code).toBe(0);
    expect(await positions('ends')).toEqual(['TRIM_HORIZON', 'TRIM_HORIZON']);
    const { code, stdout } = await tool('seek --to LATEST --json', 'ends');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      to: 'LATEST',
      stopped: null,
      shards: [
        { shardId: SHARD_0, change: 'move', direction: 'forward', done: true, before: { checkpoint: 'TRIM_HORIZON' } },
        { shardId: SHARD_1, change: 'move', direction: 'forward', done: true, before: { checkpoint: 'TRIM_HORIZON' } },
      ],
    });
    await put('ends', 'd', 'e');
    await delivers('ends', ['d', 'e']);
    expect((await tool('seek --to TRIM_HORIZON', 'ends')).code).toBe(0);
    await delivers('ends', ['a', 'b', 'c', 'd', 'e', `last ${SHARD_0}`, `last ${SHARD_1}`]);
  });

  test('over a split and a merge goes back into shards whose rows were cleaned up, and forward over them', async () => {
    const stream = 'family';
    await lab.createStream(stream, 1);
    await put(stream, 'a0', 'a1');
    const time = await between();
    await put(stream, 'b0', 'b1');
    await lab.split(stream, SHARD_0);
    await put(stream, 'c0', 'c1', 'c2', 'c3');
    await lab.merge(stream, SHARD_1, 'shardId-000000000002');
    await put(stream, 'd0', 'd1');
    const all = ['a0', 'a1', 'b0', 'b1', 'c0', 'c1', 'c2', 'c3', 'd0', 'd1'];
    const reader = worker(stream);
    await reader.consumer.start();
    await vi.waitFor(() => expect(reader.texts()).toEqual(all), WAIT);
    await vi.waitFor(async () => expect([...(await lab.rows(`${stream}-leases`)).keys()]).not.toContain(SHARD_0), WAIT);
    await reader.consumer.close();

    const back = await tool(`seek --to ${time}`, stream);
    expect(back.code).toBe(0);
    expect(back.stdout).toMatch(/shardId-000000000000 {3}no row +at …\d{7} \(.* ago\) +new row/);
    await delivers(stream, all.slice(2));

    expect((await tool('seek --to TRIM_HORIZON', stream)).code).toBe(0);
    expect((await tool('seek --to LATEST', stream)).code).toBe(0);
    expect((await positions(stream)).filter((checkpoint) => checkpoint === 'SHARD_END')).toHaveLength(3);
    await put(stream, 'e0', 'e1');
    await delivers(stream, ['e0', 'e1']);
  });

  test('over aggregated records begins at the first of one, and after the last', async () => {
    const stream = 'packed';
    await lab.createStream(stream, 1);
    const packed = (...texts: string[]) => ({ key: 'k', data: kplRecord(texts.map((data) => ({ key: 'k', data }))) });
    await lab.put(stream, [packed('a0', 'a1', 'a2')]);
    const time = await between();
    await lab.put(stream, [packed('b0', 'b1', 'b2')]);
    await readAll(stream, ['a0', 'a1', 'a2', 'b0', 'b1', 'b2']);
    expect((await tool(`seek --to ${time}`, stream)).code).toBe(0);
    await readAll(stream, ['b0', 'b1', 'b2']);
    expect((await tool('seek --to TRIM_HORIZON', stream)).code).toBe(0);
    expect((await tool('seek --to LATEST', stream)).code).toBe(0);
    await lab.put(stream, [packed('c0', 'c1')]);
    await delivers(stream, ['c0', 'c1']);
  });

  test('is refused while a worker lives, and taken when its owner is dead', async () => {
    const stream = 'owned';
    await lab.createStream(stream, 1);
    await put(stream, 'a', 'b');
    const reader = worker(stream);
    await reader.consumer.start();
    await vi.waitFor(async () => expect(await positions(stream)).toEqual([expect.stringMatching(/^\d/)]), WAIT);
    const watching = `rows belong to ${WORKER}: watching for 3 s whether they are alive\n`;
    expect(await tool('seek --to TRIM_HORIZON', stream)).toEqual({
      code: 1,
      stdout: '',
      stderr: `${watching}ERROR: workers use the lease table "owned-leases": ${WORKER}. Stop them, and give the command again\n`,
    });
    expect(await positions(stream)).not.toContain('TRIM_HORIZON');

    await reader.consumer.close();
    await lab.setRow(`${stream}-leases`, SHARD_0, 'leaseOwner', { S: WORKER });
    const taken = await tool('seek --to TRIM_HORIZON', stream);
    expect([taken.code, taken.stderr]).toEqual([0, `${watching}looking up positions in 1 shard\n`]);
    const row = (await lab.rows(`${stream}-leases`)).get(SHARD_0);
    expect(row?.['checkpoint']).toEqual({ S: 'TRIM_HORIZON' });
    expect(row).not.toHaveProperty('leaseOwner');
    await delivers(stream, ['a', 'b']);
  });
});

describe('one line says what is wrong, with exit code 1', () => {
  test.each<[name: string, args: () => string[], stderr: RegExp]>([
    ['no command', () => [], /^ERROR: kinesis needs a command\n\nUsage: logstash-ts kinesis /],
    ['an unknown command', () => ['leeses'], /^ERROR: unknown command 'leeses'\n\(Did you mean leases\?\)\n/],
    ['an unknown flag', () => ['leases', '--jsn'], /^ERROR: unknown option '--jsn'\n\(Did you mean --json\?\)\n/],
    ['no configuration', () => ['leases'], /^ERROR: No configuration: /],
    ['two configurations', () => ['leases', '-e', 'input{}', '-f', 'x'], /^ERROR: .* can't be used simultaneously/],
    ['no such file', () => ['leases', '-f', join(folder, 'no.conf')], /^ERROR: No config files found/],
    [
      'no kinesis input',
      () => ['leases', '-e', 'input { stdin { } }'],
      /^ERROR: the configuration has no kinesis input/,
    ],
    [
      'no such stream',
      () => ['leases', '-e', input('absent')],
      /^ERROR: stream absent, .*: ResourceNotFoundException: /,
    ],
    [
      'no such stream in the file',
      () => ['leases', '-e', input('a'), '--stream', 'b'],
      /^ERROR: .* no stream "b"; it reads a /,
    ],
    ['no server', () => ['leases', '-e', input('a', 'http://127.0.0.1:9')], /^ERROR: .*: ECONNREFUSED: [^\n]*\n$/],
    ['no table', () => ['seek', '--to', '-2h', '-e', input('a')], /^ERROR: there is no lease table "a-leases" yet/],
    ['no position', () => ['seek', '-e', input('a')], /^ERROR: seek needs --to: /],
    ['no zone', () => ['seek', '--to', '2026-11-22T09:00', '-e', input('a')], /^ERROR: .* has no zone: add Z for UTC/],
  ])('%s', async (_name, args, stderr) => {
    const ended = await run(...args());
    expect(ended).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(stderr) });
    expect(ended.stderr).not.toContain('    at ');
  });

  test('faults of the configuration are told as -t tells them', async () => {
    const { code, stderr } = await run('leases', '-e', 'input { kinesis { strem => "x" } }');
    expect(code).toBe(1);
    expect(stderr).toContain('unknown option `strem` for input `kinesis`');
    expect(stderr).toMatch(/\d errors in 1 file\. Nothing was started\.\n$/);
  });

  test('--help teaches, with exit code 0', async () => {
    for (const args of [['--help'], ['leases', '--help'], ['seek', '--help']]) {
      const { code, stdout, stderr } = await run(...args);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toContain('\nExamples:\n  bin/logstash-ts kinesis ');
    }
  });
});

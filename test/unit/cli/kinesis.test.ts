/** What the kinesis tools make of their flags and results; test/integration/kinesis/tools.test.ts runs them on servers. */
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/cli/arguments.ts';
import { durationText } from '../../../src/cli/durationText.ts';
import { leasesText } from '../../../src/cli/kinesisLeases.ts';
import { parseTarget, seekText } from '../../../src/cli/kinesisSeek.ts';
import { chooseStreams, type StreamTarget } from '../../../src/cli/kinesisStreams.ts';
import { ownerText, positionText } from '../../../src/cli/kinesisText.ts';
import { type Lease, newLease } from '../../../src/kinesis/lease.ts';
import { describeLeases } from '../../../src/kinesis/leaseReport.ts';
import type { KnownShard } from '../../../src/kinesis/shards.ts';
import { silentLogger } from '../../../src/util/logger.ts';

const NOW_MS = Date.parse('2026-11-22T12:00:00Z');

const stream = (streamName: string, tableName: string): StreamTarget => ({
  streamName,
  tableName,
  region: 'us-east-1',
  failoverTimeMs: 10_000,
  initialPosition: { type: 'TRIM_HORIZON' },
  client: { region: 'us-east-1' },
  logger: silentLogger,
});
const LOGS = stream('logs', 'logstash');

describe('--to', () => {
  it.each([
    ['2026-11-22T09:00:00Z', '2026-11-22T09:00:00.000Z'],
    ['2026-11-22T09:00Z', '2026-11-22T09:00:00.000Z'],
    ['2026-11-22T09:00:00.5z', '2026-11-22T09:00:00.500Z'],
    ['2026-11-22T18:00:00+09:00', '2026-11-22T09:00:00.000Z'],
    ['2026-11-22T18:00+0900', '2026-11-22T09:00:00.000Z'],
    ['-90s', '2026-11-22T11:58:30.000Z'],
    ['-15m', '2026-11-22T11:45:00.000Z'],
    ['-2h', '2026-11-22T10:00:00.000Z'],
    ['-3d', '2026-11-19T12:00:00.000Z'],
    ['-999999999d', '1970-01-01T00:00:00.000Z'],
  ])('%s is %s', (text, time) => {
    expect(parseTarget(text, NOW_MS)).toEqual({ type: 'AT_TIMESTAMP', timestampMs: Date.parse(time) });
  });

  it.each(['TRIM_HORIZON', 'LATEST'])('%s is taken by name', (text) => {
    expect(parseTarget(text, NOW_MS)).toEqual({ type: text });
  });

  it.each([
    [undefined, /^seek needs --to: a time with its zone/],
    ['2026-11-22T09:00:00', /has no zone: add Z for UTC/],
    ['2026-11-22', /^--to must be a time with its zone/],
    ['2026-13-22T09:00:00Z', /^--to must be/],
    ['yesterday', /^--to must be/],
    ['2h', /^--to must be/],
    ['-2w', /^--to must be/],
    ['latest', /^--to must be/],
    ['1606035600', /^--to must be/],
    ['2026-11-22T12:00:01Z', /lies in the future; LATEST/],
  ])('%s is refused', (text, message) => {
    expect(() => parseTarget(text, NOW_MS)).toThrow(UsageError);
    expect(() => parseTarget(text, NOW_MS)).toThrow(message);
  });
});

describe('--stream and --table', () => {
  const streams = [stream('a', 'a1'), stream('a', 'a2'), stream('b', 'b1')];

  it.each([
    [undefined, undefined, 'a1 a2 b1'],
    ['a', undefined, 'a1 a2'],
    ['a', 'a2', 'a2'],
    [undefined, 'b1', 'b1'],
  ])('%s and %s choose %s', (streamName, tableName, expected) => {
    const chosen = chooseStreams(streams, { streamName, tableName });
    expect(chosen.map((each) => each.tableName).join(' ')).toBe(expected);
  });

  it('that fit nothing are told what there is', () => {
    expect(() => chooseStreams(streams, { streamName: 'b', tableName: 'a1' })).toThrow(
      'the configuration has no stream "b" with lease table "a1"; it reads a (lease table a1), a (lease table a2), b (lease table b1)',
    );
  });
});

it.each([
  [0, '0 s'],
  [840, '0.8 s'],
  [4_000, '4 s'],
  [12_400, '12 s'],
  [99_400, '99 s'],
  [100_000, '2 min'],
  [5_900_000, '98 min'],
  [6_100_000, '2 h'],
  [172_000_000, '48 h'],
  [180_000_000, '2 days'],
])('%i ms is %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

it.each([
  ['ip-10-0-1-7:5f2c0a1b-0000-4000-8000-000000000000', 'ip-10-0-1-7:5f2c…'],
  ['ip-10-0-1-7:worker', 'ip-10-0-1-7:worker'],
])('owner %s is shown as %s', (owner, text) => {
  expect(ownerText(owner)).toBe(text);
});

it.each<[string, number, number | null, string]>([
  ['49680539859561397878551924876755743937753423053502545938', 0, NOW_MS - 12_000, '…2545938 (12 s ago)'],
  ['49680539859561397878551924876755743937753423053502545938', 3, null, '…2545938/3'],
  ['49680539859561397878551924876755743937753423053502545938', -1, NOW_MS + 50, 'at …2545938 (0 s ago)'],
  ['SHARD_END', 0, null, 'SHARD_END'],
])('position %s/%i', (checkpoint, checkpointSubSequenceNumber, arrivalMs, text) => {
  expect(positionText({ checkpoint, checkpointSubSequenceNumber, arrivalMs }, NOW_MS)).toBe(text);
});

const id = (n: number) => `shardId-${String(n).padStart(12, '0')}`;
const shard = (n: number, isOpen: boolean, ...parents: number[]): KnownShard => ({
  shardId: id(n),
  parentShardIds: parents.map(id),
  hashKeyRange: null,
  startingSequenceNumber: '1',
  isOpen,
});
const lease = (n: number, leaseOwner: string | null, checkpoint: string, changes: Partial<Lease> = {}): Lease => ({
  ...newLease(shard(n, true), 'TRIM_HORIZON'),
  leaseOwner,
  checkpoint,
  ...changes,
});

describe('the table of leases', () => {
  const shards = [
    shard(0, true),
    shard(1, true),
    shard(2, false),
    shard(3, true, 2),
    shard(4, false),
    shard(5, true, 4),
  ];
  const leases = [
    lease(0, 'ip-10-0-1-7:5f2c0a1b-0000-4000-8000-000000000000', '4968053985956139787855'),
    lease(1, 'dead:1', '4968053985956139780001', { ownerSwitchesSinceCheckpoint: 2, checkpointSubSequenceNumber: 4 }),
    lease(2, null, 'SHARD_END', { childShardIds: [id(3)] }),
    lease(3, null, 'TRIM_HORIZON', { parentShardIds: [id(2)] }),
    lease(4, 'dead:1', 'LATEST'),
    lease(9, null, '1'),
  ];
  const reads = new Map([
    [id(0), { arrivalMs: NOW_MS - 12_000, isTrimmed: false, millisBehindLatest: 800 }],
    [id(1), { arrivalMs: NOW_MS - 7_200_000, isTrimmed: false, millisBehindLatest: 7_200_000 }],
  ]);
  const report = describeLeases(shards, leases, reads, { alive: new Set([id(0)]), forMs: 4_033 });

  it('says in one screen who reads what, and what is wrong', () => {
    const lines = leasesText({ stream: LOGS, report: { ...report, tableExists: true }, nowMs: NOW_MS }, false);
    expect(lines.join('\n')).toBe(
      `
stream logs, lease table logstash in us-east-1

shard                  owner               worker   checkpoint             behind   moved
shardId-000000000000   ip-10-0-1-7:5f2c…   alive    …9787855 (12 s ago)     0.8 s   no
shardId-000000000001   dead:1              silent   …9780001/4 (2 h ago)      2 h   2×
shardId-000000000002   nobody                       SHARD_END                               children 3
shardId-000000000003   nobody                       TRIM_HORIZON                    no
shardId-000000000004   dead:1              silent   LATEST                          no
shardId-000000000005   no row                                                               waits for the end of 4
shardId-000000000009   nobody                       1                               no      no longer in the stream

7 shards: 3 held by 2 workers, 1 read to the end, 2 held by nobody, 1 without a row. Furthest behind: 2 h.
Shards each: dead:1 2, ip-10-0-1-7:5f2c… 1.
Nobody holds shardId-000000000003, shardId-000000000009: a worker takes what is free within 10 s, unless each has as many as it may.
No sign of life for 4 s from the owner of shardId-000000000001, shardId-000000000004: after 10 s others take over.
Lost: the stream no longer holds all that follows the checkpoint of shardId-000000000009.`.trimStart(),
    );
  });

  it('has colours for what needs a look, where there are colours', () => {
    const red = (color: boolean) =>
      leasesText({ stream: LOGS, report: { ...report, tableExists: true }, nowMs: NOW_MS }, color)
        .join('\n')
        .split('\u001B[31m')
        .slice(1)
        .map((part) => part.slice(0, part.indexOf('\u001B')).slice(0, 12));
    expect(red(false)).toEqual([]);
    expect(red(true)).toEqual([
      'silent',
      'nobody',
      'silent',
      'nobody',
      'no longer in',
      'Nobody holds',
      'No sign of l',
      'Lost: the st',
    ]);
  });
});

describe('the table of a seek', () => {
  const position = (checkpoint: string, arrivalMs: number | null = null, checkpointSubSequenceNumber = 0) => ({
    checkpoint,
    checkpointSubSequenceNumber,
    arrivalMs,
  });
  const result = {
    stopped: null,
    leftShardIds: [id(9)],
    shards: [
      {
        shardId: id(0),
        change: 'move',
        direction: 'back',
        leaseOwner: 'ip-10-0-1-7:5f2c0a1b-0000-4000-8000-000000000000',
        before: position('4968053985956139787855', NOW_MS - 12_000),
        after: position('4968053985956139780001', NOW_MS - 7_200_000, -1),
        done: true,
      },
      {
        shardId: id(1),
        change: 'create',
        direction: 'unknown',
        leaseOwner: null,
        before: null,
        after: position('TRIM_HORIZON'),
        done: true,
      },
      {
        shardId: id(2),
        change: 'none',
        direction: 'none',
        leaseOwner: null,
        before: position('SHARD_END'),
        after: position('SHARD_END'),
        done: true,
      },
    ],
  } as const;
  const target = { type: 'AT_TIMESTAMP', timestampMs: NOW_MS - 7_200_000 } as const;

  it('says how far each row was moved', () => {
    const lines = seekText({ stream: LOGS, target, flags: { json: false, dryRun: false }, result }, NOW_MS, false);
    expect(lines.join('\n')).toBe(
      `
stream logs, lease table logstash in us-east-1: to 2026-11-22T10:00:00.000Z

shard                  before                after
shardId-000000000000   …9787855 (12 s ago)   at …9780001 (2 h ago)   back 2 h
shardId-000000000001   no row                TRIM_HORIZON            new row
shardId-000000000002   SHARD_END             SHARD_END               stays

2 rows written. The next start reads from there.
Left alone, since the stream no longer has them: shardId-000000000009.`.trimStart(),
    );
  });

  it('says on a dry run what would be, and who is in the way', () => {
    const dry = { ...result, shards: result.shards.map((each) => ({ ...each, done: each.change === 'none' })) };
    const lines = seekText({ stream: LOGS, target, flags: { json: false, dryRun: true }, result: dry }, NOW_MS, true);
    expect(lines).toContain(
      '2 rows would change. Nothing was written. Rows have owners (ip-10-0-1-7:5f2c…): while they live, seek refuses.',
    );
    expect(lines.join()).not.toContain('\u001B');
  });

  it('marks what was not moved when a worker came in between', () => {
    const stopped = {
      ...result,
      stopped: { shardId: id(1), reason: 'its row has changed' },
      shards: result.shards.map((each, index) => ({ ...each, done: index !== 1 })),
    };
    const lines = seekText(
      { stream: LOGS, target, flags: { json: false, dryRun: false }, result: stopped },
      NOW_MS,
      true,
    );
    expect(lines).toContain(
      'shardId-000000000001   no row                TRIM_HORIZON            \u001B[31mnot moved\u001B[39m',
    );
    expect(lines).toContain('1 of 2 rows written.');
  });
});

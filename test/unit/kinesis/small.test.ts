import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeError } from '../../../src/kinesis/awsErrors.ts';
import { fromItem, newLease, toItem } from '../../../src/kinesis/lease.ts';
import { pauseMs } from '../../../src/kinesis/pace.ts';
import { comparePositions, compareSequenceNumbers } from '../../../src/kinesis/position.ts';
import { backoffMs } from '../../../src/util/backoff.ts';
import { awsError } from './fakes/faults.ts';

const ROOT = join(import.meta.dirname, '../../..');

describe('positions', () => {
  test.each([
    ['49', '5', 1],
    [
      '49590338271490256608559692538361571095921575989136588898',
      '49590338271490256608559692538361571095921575989136588899',
      -1,
    ],
    ['7', '7', 0],
  ])('sequence numbers %s and %s', (left, right, sign) => {
    expect(Math.sign(compareSequenceNumbers(left, right))).toBe(sign);
    expect(Math.sign(compareSequenceNumbers(right, left))).toBe(-sign + 0);
  });

  test('the sub-sequence number decides within one record', () => {
    const at = (subSequenceNumber: number) => ({ sequenceNumber: '10', subSequenceNumber });
    expect(comparePositions(at(2), at(10))).toBeLessThan(0);
    expect(comparePositions({ sequenceNumber: '9', subSequenceNumber: 99 }, at(0))).toBeLessThan(0);
  });
});

describe('rows', () => {
  const shard = { shardId: 's', parentShardIds: [], hashKeyRange: { startingHashKey: '0', endingHashKey: '9' } };

  test('a new one has no owner, no parents and no children', () => {
    expect(toItem(newLease(shard, 'LATEST'))).toEqual({
      leaseKey: { S: 's' },
      leaseCounter: { N: '0' },
      ownerSwitchesSinceCheckpoint: { N: '0' },
      checkpoint: { S: 'LATEST' },
      checkpointSubSequenceNumber: { N: '0' },
      startingHashKey: { S: '0' },
      endingHashKey: { S: '9' },
    });
  });

  test('come back as they went', () => {
    const lease = {
      ...newLease(shard, 'TRIM_HORIZON'),
      leaseOwner: 'host:1',
      leaseCounter: 12,
      checkpointSubSequenceNumber: 2,
      parentShardIds: ['a', 'b'],
      childShardIds: ['c'],
    };
    expect(fromItem(toItem(lease))).toEqual(lease);
  });

  test('a minimal one, written by hand, is taken', () => {
    expect(fromItem({ leaseKey: { S: 's' }, leaseCounter: { N: '3' }, checkpoint: { S: 'TRIM_HORIZON' } })).toEqual({
      ...newLease({ ...shard, hashKeyRange: null }, 'TRIM_HORIZON'),
      leaseCounter: 3,
    });
  });
});

describe('pace', () => {
  const fetched = (bytes: number, millisBehindLatest: number) => ({
    records: [{ Data: new Uint8Array(bytes), SequenceNumber: '1', PartitionKey: '' }],
    millisBehindLatest,
    ended: false,
    children: [],
  });

  test.each([
    ['at the tip', 10, 0, 1_000, 1_000],
    ['behind the tip', 10, 5_000, 1_000, 200],
    ['at the tip without idling: five calls a second', 10, 0, 0, 200],
    ['after a large read: two megabytes a second', 10 * 1024 * 1024, 5_000, 1_000, 5_000],
  ])('%s', (_name, bytes, behindMs, idleMs, expected) => {
    expect(pauseMs(fetched(bytes, behindMs), idleMs)).toBe(expected);
  });
});

test('pauses after failures double, half of each by chance, up to 30 s', () => {
  const least = (failures: number) => backoffMs(500, 30_000, failures, () => 0);
  expect([1, 2, 3, 6, 7, 1_000].map(least)).toEqual([250, 500, 1_000, 8_000, 15_000, 15_000]);
  expect(backoffMs(500, 30_000, 1, () => 0.5)).toBe(375);
});

describe('describeError', () => {
  test('says code and message on one line, cut short', () => {
    expect(describeError(awsError('AccessDeniedException', 'not\n  allowed'))).toBe(
      'AccessDeniedException: not allowed',
    );
    expect(describeError(Object.assign(new Error('connect ECONNREFUSED ::1:1'), { code: 'ECONNREFUSED' }))).toBe(
      'ECONNREFUSED: connect ECONNREFUSED ::1:1',
    );
    expect(describeError(awsError('X', 'long '.repeat(200)))).toHaveLength(804);
    expect(describeError('text')).toBe('text');
  });

  test('leaves out the request that AWS quotes, and with it the session token', () => {
    const message = `The signature does not match.\n\nThe Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:TOKEN\n'`;
    expect(describeError(awsError('InvalidSignatureException', message))).toBe(
      'InvalidSignatureException: The signature does not match.',
    );
  });
});

test('nothing of the AWS SDK is loaded before a client is made', () => {
  const script = `
    import { registerHooks } from 'node:module';
    const seen = [];
    registerHooks({ resolve(name, context, next) { seen.push(name); return next(name, context); } });
    await import('./src/kinesis/consumer.ts');
    await import('./src/kinesis/clients.ts');
    await import('./src/plugins/inputs/kinesis/index.ts');
    console.log(JSON.stringify(seen.filter((name) => /^@aws-sdk|^@smithy/.test(name))));`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(JSON.parse(run.stdout)).toEqual([]);
});

import { describe, expect, test } from 'vitest';
import { type Lease, newLease } from '../../../src/kinesis/lease.ts';
import { firstLeases, missingLeases, removableLeases } from '../../../src/kinesis/leasePlan.ts';
import type { KnownShard } from '../../../src/kinesis/shards.ts';

function shard(shardId: string, start: number, isOpen: boolean, ...parentShardIds: string[]): KnownShard {
  return { shardId, parentShardIds, hashKeyRange: null, startingSequenceNumber: String(start), isOpen };
}

function lease(shardId: string, checkpoint: string, more: Partial<Lease> = {}): Lease {
  return { ...newLease({ shardId, parentShardIds: [], hashKeyRange: null }, 'TRIM_HORIZON'), checkpoint, ...more };
}

/**
 * The example in KCL's documentation:
 *   0 1 2 3 4   5    until 102
 *   \ / \ / |   |
 *    6   7  4   5    from 103
 *     \ /   |  / \
 *      8    4 9  10  from 206, open
 */
const FAMILY = [
  shard('0', 1, false),
  shard('1', 1, false),
  shard('2', 1, false),
  shard('3', 1, false),
  shard('4', 1, true),
  shard('5', 1, false),
  shard('6', 103, false, '0', '1'),
  shard('7', 103, false, '2', '3'),
  shard('8', 206, true, '6', '7'),
  shard('9', 206, true, '5'),
  shard('10', 206, true, '5'),
];
const ROWS = ['4', '5', '7'].map((id) => lease(id, '17'));

function planned(leases: readonly Lease[]): string[] {
  return leases.map((planned) => `${planned.leaseKey} ${planned.checkpoint}`);
}

describe('missingLeases', () => {
  test.each([
    ['LATEST', ['6 LATEST']],
    ['TRIM_HORIZON', ['0 TRIM_HORIZON', '1 TRIM_HORIZON']],
    ['AT_TIMESTAMP', ['0 AT_TIMESTAMP', '1 AT_TIMESTAMP']],
  ] as const)("KCL's example with %s", (position, expected) => {
    expect(planned(missingLeases(FAMILY, ROWS, position))).toEqual(expected);
  });

  test('an open shard without ancestors in the table starts at the initial position', () => {
    const shards = [shard('a', 1, true), shard('b', 2, true)];
    expect(planned(missingLeases(shards, [lease('a', '17')], 'LATEST'))).toEqual(['b LATEST']);
  });

  test('children of a shard that is being read get their rows at its end', () => {
    const shards = [shard('p', 1, false), shard('c1', 2, true, 'p'), shard('c2', 2, true, 'p')];
    expect(planned(missingLeases(shards, [lease('p', '17')], 'TRIM_HORIZON'))).toEqual([]);
  });

  test('an open child of an open parent, seen during a reshard, waits', () => {
    const shards = [shard('p', 1, true), shard('c', 2, true, 'p')];
    expect(planned(missingLeases(shards, [lease('x', '17')], 'LATEST'))).toEqual(['p LATEST']);
  });

  test('children that a crashed worker did not put start at their oldest record', () => {
    const shards = [shard('p', 1, false), shard('c1', 2, true, 'p'), shard('c2', 2, true, 'p')];
    const rows = [lease('p', 'SHARD_END'), lease('c2', '17')];
    expect(planned(missingLeases(shards, rows, 'LATEST'))).toEqual(['c1 TRIM_HORIZON']);
  });

  test('a child of a merge is not put while one parent is unread', () => {
    const shards = [shard('a', 1, false), shard('b', 1, false), shard('m', 2, true, 'a', 'b')];
    expect(planned(missingLeases(shards, [lease('a', 'SHARD_END'), lease('b', '17')], 'LATEST'))).toEqual([]);
    const ended = [lease('a', 'SHARD_END'), lease('b', 'SHARD_END')];
    expect(planned(missingLeases(shards, ended, 'LATEST'))).toEqual(['m TRIM_HORIZON']);
  });

  test('a shard whose children are in the table is not put again', () => {
    const shards = [shard('p', 1, false), shard('c', 2, false, 'p'), shard('g', 3, true, 'c')];
    expect(planned(missingLeases(shards, [lease('p', 'SHARD_END'), lease('g', '17')], 'TRIM_HORIZON'))).toEqual([]);
  });
});

test('an empty table gets all shards, oldest first', () => {
  const shards = [shard('b', 100, true, 'a'), shard('a', 99, false)];
  const rows = firstLeases(shards, 'LATEST');
  expect(planned(rows)).toEqual(['a LATEST', 'b LATEST']);
  expect(rows[1]).toMatchObject({ leaseOwner: null, leaseCounter: 0, parentShardIds: ['a'] });
});

describe('removableLeases', () => {
  const shards = [shard('p', 1, false), shard('c', 2, false, 'p'), shard('g', 3, true, 'c')];
  const children = (...childShardIds: string[]) => ({ childShardIds });

  test.each<[string, Lease[], string[]]>([
    ['a child at its start', [lease('p', 'SHARD_END', children('c')), lease('c', 'TRIM_HORIZON')], []],
    ['a child under way', [lease('p', 'SHARD_END', children('c')), lease('c', '17')], ['p']],
    ['a child whose row is missing', [lease('p', 'SHARD_END', children('c'))], []],
    ['children known from the stream only', [lease('p', 'SHARD_END'), lease('c', '17')], ['p']],
    ['a parent that is not read to its end', [lease('p', '17', children('c')), lease('c', '17')], []],
    [
      'a chain of ended shards: the oldest first',
      [
        lease('p', 'SHARD_END', children('c')),
        lease('c', 'SHARD_END', { ...children('g'), parentShardIds: ['p'] }),
        lease('g', '17', { parentShardIds: ['c'] }),
      ],
      ['p'],
    ],
    ['a shard that is gone from the stream', [lease('old', 'SHARD_END', { parentShardIds: ['p'] })], ['old']],
  ])('%s', (_name, rows, expected) => {
    expect(removableLeases(shards, rows).map((row) => row.leaseKey)).toEqual(expected);
  });
});

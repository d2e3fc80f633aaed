import { describe, expect, test } from 'vitest';
import { newLease } from '../../../src/kinesis/lease.ts';
import { chooseLeases, type SeenLease } from '../../../src/kinesis/leaseTaker.ts';

const NOW = 1_000_000;
const SETTINGS = { workerId: 'me', failoverTimeMs: 10_000, maxLeasesForWorker: 100 };

/** `a:other` is held by a live worker, `a:dead!` expired, `a:` free, `a:me` ours. */
function seen(...texts: string[]): SeenLease[] {
  return texts.map((text) => {
    const [leaseKey = '', owner = ''] = text.replace('!', '').split(':');
    const lease = newLease({ shardId: leaseKey, parentShardIds: [], hashKeyRange: null }, 'TRIM_HORIZON');
    const movedMs = text.endsWith('!') ? NOW - 10_001 : NOW - 10_000;
    return { lease: { ...lease, leaseOwner: owner || null }, movedMs, moves: true };
  });
}

function chosen(leases: SeenLease[], held: string[] = [], settings = SETTINGS): string[] {
  const choice = chooseLeases(
    leases,
    (id) => held.includes(id),
    settings,
    NOW,
    () => 0.99,
  );
  return choice.map((lease) => lease.leaseKey);
}

describe('chooseLeases', () => {
  test.each<[string, string[], string[], string[]]>([
    ['alone it takes all that is free', ['a:', 'b:', 'c:'], [], ['a', 'b', 'c']],
    ['an expired lease is free', ['a:dead!', 'b:dead!'], [], ['a', 'b']],
    ['a lease that moved within the failover time is not', ['a:other'], [], []],
    ['with one live worker it takes half, rounded up', ['a:other', 'b:', 'c:', 'd:', 'e:'], [], ['b', 'c', 'd']],
    ['what it holds counts', ['a:me', 'b:other', 'c:', 'd:'], ['a'], ['c']],
    ['a row of its own that it does not hold is free', ['a:me', 'b:me'], ['b'], ['a']],
    ['more workers than leases: one each', ['a:x', 'b:y', 'c:'], [], ['c']],
    ['its share is reached', ['a:me', 'b:other', 'c:dead!', 'd:me'], ['a', 'd'], []],
    ['an empty table', [], [], []],
  ])('%s', (_name, leases, held, expected) => {
    expect(chosen(seen(...leases), held)).toEqual(expected);
  });

  test('no more than the bound', () => {
    expect(chosen(seen('a:', 'b:', 'c:'), [], { ...SETTINGS, maxLeasesForWorker: 2 })).toHaveLength(2);
  });

  test('in random order, so that workers do not race for the same', () => {
    const choice = chooseLeases(
      seen('a:', 'b:', 'c:'),
      () => false,
      SETTINGS,
      NOW,
      () => 0,
    );
    expect(choice.map((lease) => lease.leaseKey)).toEqual(['b', 'c', 'a']);
  });
});

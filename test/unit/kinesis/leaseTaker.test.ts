import { describe, expect, test } from 'vitest';
import { newLease } from '../../../src/kinesis/lease.ts';
import { chooseLeases, type SeenLease } from '../../../src/kinesis/leaseTaker.ts';

const NOW = 1_000_000;
const SETTINGS = { workerId: 'me', failoverTimeMs: 10_000, maxLeasesForWorker: 100, maxLeasesToStealAtOneTime: 100 };

/** `a:other` is held by a live worker, `a:dead!` expired, `a:` free, `a:me` ours. */
function seen(...texts: string[]): SeenLease[] {
  return texts.map((text) => {
    const [leaseKey = '', owner = ''] = text.replace('!', '').split(':');
    const lease = newLease({ shardId: leaseKey, parentShardIds: [], hashKeyRange: null }, 'TRIM_HORIZON');
    const movedMs = text.endsWith('!') ? NOW - 10_001 : NOW - 10_000;
    return { lease: { ...lease, leaseOwner: owner || null }, movedMs, moves: true };
  });
}

function chosen(seenLeases: SeenLease[], held: string[] = [], settings = SETTINGS, departed = 0): string[] {
  const isHeld = (id: string) => held.includes(id);
  const choice = chooseLeases({ seen: seenLeases, isHeld, departed }, settings, NOW, () => 0.99);
  return choice.map((lease) => lease.leaseKey);
}

function six(owner: string): string[] {
  return ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => `${key}:${owner}`);
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
    ['nothing free: it steals from the worker with most, a third of what is missing', six('x'), [], ['a']],
    ['it takes what is free before it steals', ['a:x', 'b:x', 'c:x', 'd:'], [], ['d']],
    ['one lease over the share is stolen', ['a:me', 'b:x', 'c:x', 'd:x'], ['a'], ['b']],
    ['a balanced fleet stays still', ['a:me', 'b:me', 'c:x', 'd:x', 'e:y', 'f:y'], ['a', 'b'], []],
    ['as even as it can be is balanced', ['a:me', 'b:x', 'c:x'], ['a'], []],
    ['of a worker at its share one goes when two are missing', ['a:x', 'b:x', 'c:y', 'd:y'], [], ['a']],
  ])('%s', (_name, leases, held, expected) => {
    expect(chosen(seen(...leases), held)).toEqual(expected);
  });

  test('nothing is stolen from a worker that was not seen to renew', () => {
    const still = seen(...six('x')).map((sighting) => ({ ...sighting, moves: false }));
    expect(chosen(still)).toEqual([]);
  });

  test('the share of a worker that has just gone is kept free for it', () => {
    const leases = seen('a:me', 'b:me', 'c:x', 'd:x', 'e:', 'f:');
    expect(chosen(leases, ['a', 'b'], SETTINGS, 1)).toEqual([]);
    expect(chosen(leases, ['a'], SETTINGS, 1)).toHaveLength(1);
    expect(chosen(leases, ['a', 'b'], SETTINGS, 0)).toHaveLength(1);
  });

  test('no more is stolen at a time than the bound', () => {
    const leases = seen(...six('x'), ...six('x').map((text) => `z${text}`));
    expect(chosen(leases)).toHaveLength(2);
    expect(chosen(leases, [], { ...SETTINGS, maxLeasesToStealAtOneTime: 1 })).toHaveLength(1);
  });

  test('no more than the bound', () => {
    expect(chosen(seen('a:', 'b:', 'c:'), [], { ...SETTINGS, maxLeasesForWorker: 2 })).toHaveLength(2);
  });

  test('in random order, so that workers do not race for the same', () => {
    const fleet = { seen: seen('a:', 'b:', 'c:'), isHeld: () => false, departed: 0 };
    const choice = chooseLeases(fleet, SETTINGS, NOW, () => 0);
    expect(choice.map((lease) => lease.leaseKey)).toEqual(['b', 'c', 'a']);
  });
});

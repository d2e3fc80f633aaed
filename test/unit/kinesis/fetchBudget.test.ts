import { describe, expect, test } from 'vitest';
import { FetchBudget } from '../../../src/kinesis/fetchBudget.ts';

const MIB = 1024 * 1024;
const never = new AbortController().signal;

/** Names of those that have been granted, in order. */
function asking(budget: FetchBudget) {
  const granted: string[] = [];
  const ask = (name: string, bytes: number, signal = never) =>
    budget.take(bytes, signal).then((isGranted) => granted.push(isGranted ? name : `not ${name}`));
  return { granted, ask };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('FetchBudget', () => {
  test('grants in the order of asking, and nobody overtakes', async () => {
    const budget = new FetchBudget(10);
    const { granted, ask } = asking(budget);
    for (const [name, bytes] of [
      ['a', 6],
      ['b', 6],
      ['c', 1],
    ] as const)
      void ask(name, bytes);
    await turn();
    expect(granted).toEqual(['a']);
    budget.give(6);
    await turn();
    expect(granted).toEqual(['a', 'b', 'c']);
    expect(budget.bytes).toBe(7);
  });

  test('grants what is larger than all of it once nothing is out', async () => {
    const budget = new FetchBudget(10);
    const { granted, ask } = asking(budget);
    void ask('a', 3);
    void ask('large', 100);
    await turn();
    expect(granted).toEqual(['a']);
    budget.give(3);
    await turn();
    expect(granted).toEqual(['a', 'large']);
  });

  test('an abort ends the waiting and lets the next one through', async () => {
    const budget = new FetchBudget(10);
    const stop = new AbortController();
    const { granted, ask } = asking(budget);
    void ask('a', 6);
    void ask('b', 8, stop.signal);
    void ask('c', 4);
    await turn();
    stop.abort();
    await turn();
    expect(granted.sort()).toEqual(['a', 'c', 'not b']);
    expect(await budget.take(1, stop.signal)).toBe(false);
    expect(budget.bytes).toBe(10);
  });
});

describe('FetchShare', () => {
  test('reserves what is asked for first, and then twice what came last, up to what is asked for', async () => {
    const budget = new FetchBudget(64 * MIB);
    const share = budget.share();
    await share.reserve(never);
    expect(budget.bytes).toBe(1 * MIB);
    share.fetched(MIB / 4);
    expect(budget.bytes).toBe(MIB / 4);
    share.release();
    expect(budget.bytes).toBe(0);
    await share.reserve(never);
    expect(budget.bytes).toBe(MIB / 2);
    share.fetched(3 * MIB);
    share.release();
    await share.reserve(never);
    expect(budget.bytes).toBe(3 * MIB);
    share.fetched(0);
    share.release();
    await share.reserve(never);
    expect(budget.bytes).toBe(64 * 1024);
  });
});

import { describe, expect, test } from 'vitest';
import { createAckTracker } from '../../../src/delivery/ackTracker.ts';

function tracker(now: () => number = () => 0) {
  return createAckTracker<number>(now);
}

describe('settledPosition', () => {
  test('follows the lowest entry that is open', () => {
    const acks = tracker();
    const [a, b, c] = [acks.open(10), acks.open(20), acks.open(30)];
    expect(acks.settledPosition()).toBeNull();
    acks.settle(b);
    expect(acks.settledPosition()).toBeNull();
    acks.settle(a);
    expect(acks.settledPosition()).toBe(20);
    acks.settle(c);
    expect(acks.settledPosition()).toBe(30);
  });

  test('keeps its place when entries are opened after all were settled', () => {
    const acks = tracker();
    acks.settle(acks.open(10));
    const next = acks.open(20);
    expect(acks.settledPosition()).toBe(10);
    acks.settle(next);
    expect(acks.settledPosition()).toBe(20);
  });

  test('is right for entries settled in any order, through growth and wrap-around', () => {
    let seed = 42;
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed / 2_147_483_648;
    };
    const acks = tracker();
    const open = new Map<number, number>();
    let opened = 0;
    for (let step = 0; step < 20_000; step += 1) {
      const growing = step % 4_000 < 2_200;
      if (open.size === 0 || random() < (growing ? 0.6 : 0.4)) {
        opened += 1;
        open.set(acks.open(opened), opened);
      } else {
        const tokens = [...open.keys()];
        const token = tokens[Math.floor(random() * tokens.length)] as number;
        open.delete(token);
        acks.settle(token);
      }
      const expected = Math.min(opened + 1, ...open.values()) - 1;
      expect(acks.settledPosition()).toBe(expected === 0 ? null : expected);
      expect(acks.snapshot().openEntries).toBe(open.size);
    }
  });
});

describe('settle', () => {
  test('refuses a token twice, before and after it was passed', () => {
    const acks = tracker();
    const [first, second] = [acks.open(1), acks.open(2)];
    acks.settle(second);
    expect(() => acks.settle(second)).toThrow(RangeError);
    acks.settle(first);
    expect(() => acks.settle(first)).toThrow('entry 0 is not open');
    expect(() => acks.settle(2)).toThrow(RangeError);
    expect(acks.settledPosition()).toBe(2);
  });
});

describe('whenEmpty', () => {
  test('resolves with the last open entry', async () => {
    const acks = tracker();
    await acks.whenEmpty();
    const [a, b] = [acks.open(1), acks.open(2)];
    const order: string[] = [];
    const waits = [acks.whenEmpty().then(() => order.push('empty')), acks.whenEmpty().then(() => order.push('empty'))];
    acks.settle(b);
    await Promise.resolve();
    order.push('one open');
    acks.settle(a);
    await Promise.all(waits);
    expect(order).toEqual(['one open', 'empty', 'empty']);
  });
});

test('snapshot counts what is open, what waits behind it, and since when', () => {
  let nowMs = 100;
  const acks = tracker(() => nowMs);
  expect(acks.snapshot()).toEqual({ openEntries: 0, settledAhead: 0, oldestOpenSinceMs: null });
  const first = acks.open(1);
  nowMs = 200;
  const second = acks.open(2);
  acks.open(3);
  acks.settle(second);
  expect(acks.snapshot()).toEqual({ openEntries: 2, settledAhead: 1, oldestOpenSinceMs: 100 });
  acks.settle(first);
  expect(acks.snapshot()).toEqual({ openEntries: 1, settledAhead: 0, oldestOpenSinceMs: 200 });
});

test('room is given again when a good part of the window is free', async () => {
  const tracker = createAckTracker<number>(() => 0, 4);
  const tokens = [1, 2, 3].map((position) => tracker.open(position));
  expect(tracker.room()).toBeUndefined();
  tokens.push(tracker.open(4), tracker.open(5));
  let isThere = false;
  const room = tracker.room()?.then(() => {
    isThere = true;
  });
  for (const token of tokens.slice(1)) tracker.settle(token);
  await Promise.resolve();
  expect(isThere).toBe(false);
  tracker.settle(tokens[0] as number);
  await room;
  expect(isThere).toBe(true);
  expect(tracker.room()).toBeUndefined();
});

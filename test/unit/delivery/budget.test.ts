import { describe, expect, it } from 'vitest';
import { BufferBudget } from '../../../src/delivery/budget.ts';

describe('buffer budget', () => {
  it.each([
    ['events', 11, 0],
    ['bytes', 1, 1001],
  ])('makes its user wait above the bound of %s', (_name, events, bytes) => {
    const budget = new BufferBudget({ events: 10, bytes: 1000 });
    budget.take(events, bytes);
    expect(budget.room()).toBeInstanceOf(Promise);
    expect([budget.events, budget.bytes]).toEqual([events, bytes]);
  });

  it('lets its user go on at the bound', () => {
    const budget = new BufferBudget({ events: 10, bytes: 1000 });
    budget.take(10, 1000);
    expect(budget.room()).toBeUndefined();
  });

  it('gives room again well below the bound, to all who wait', async () => {
    const budget = new BufferBudget({ events: 100, bytes: 1000 });
    budget.take(101, 0);
    const waits = [budget.room(), budget.room()];
    budget.give(1, 0);
    expect(budget.room()).toBe(waits[0]);
    budget.give(25, 0);
    await Promise.all(waits);
    expect(budget.room()).toBeUndefined();
  });
});

import { expect, test } from 'vitest';
import { simulate } from './simulation.ts';
import { failureText } from './violations.ts';

const SEEDS = 300;
const SEEDS_PER_TEST = 25;

const ranges = Array.from({ length: SEEDS / SEEDS_PER_TEST }, (_, nth) => nth * SEEDS_PER_TEST);

test.each(ranges)(`no rule is broken in the ${SEEDS_PER_TEST} seeds from %d on`, async (from) => {
  const failures: string[] = [];
  for (let seed = from; seed < from + SEEDS_PER_TEST; seed += 1) {
    const { violations } = await simulate(seed);
    for (const violation of violations.slice(0, 1)) failures.push(failureText(seed, violation));
  }
  expect(failures).toEqual([]);
});

test.each([3, 25, 88, 171, 204])('seed %d goes the same way each time', async (seed) => {
  const [first, second] = [await traceOf(seed), await traceOf(seed)];
  expect(first.length).toBeGreaterThan(100);
  expect(second).toEqual(first);
});

async function traceOf(seed: number): Promise<string[]> {
  const lines: string[] = [];
  await simulate(seed, { onTrace: (line) => lines.push(line) });
  return lines;
}

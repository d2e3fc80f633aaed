/** Somebody sets the clock of the machine, by hours, while a worker runs. */
import { expect, test } from 'vitest';
import { begin, createLab, createWorker, end } from './fakes/lab.ts';

const HOUR_MS = 3_600_000;

test.each([6, -6])('a worker whose clock is set by %d hours reads on, renews and checkpoints', async (hours) => {
  const lab = createLab(['s0']);
  let aheadMs = 0;
  const clock = lab.clock.aheadBy(() => aheadMs);
  const worker = createWorker(lab, { clock, checkpointIntervalMs: 1_000 });
  const counter = () => Number(lab.dynamodb.row('s0')?.['leaseCounter']);
  const checkpoint = () => lab.dynamodb.row('s0')?.['checkpoint'];
  await begin(lab, worker);
  lab.kinesis.put('s0', 'before');
  await lab.clock.advance(3_000);

  aheadMs = hours * HOUR_MS;
  for (const text of ['first', 'second']) {
    lab.kinesis.put('s0', text);
    const [checkpointBefore, counterBefore] = [checkpoint(), counter()];
    await lab.clock.advance(5_000);
    expect(worker.texts.at(-1)).toBe(text);
    expect(checkpoint()).not.toBe(checkpointBefore);
    // Once for the checkpoint; the others are renewals.
    expect(counter()).toBeGreaterThan(counterBefore + 1);
  }
  aheadMs = 0;
  lab.kinesis.put('s0', 'after');
  await lab.clock.advance(5_000);
  expect(worker.texts).toEqual(['before', 'first', 'second', 'after']);
  expect(worker.lost).toEqual([]);
  await end(lab, worker);
});

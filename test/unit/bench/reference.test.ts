import { describe, expect, it } from 'vitest';
import type { Measured } from '../../bench/measure.ts';
import { changesOf } from '../../bench/reference.ts';

const EVENTS = 1_000_000;

function row(id: string, cpuUs: number) {
  const run: Measured = { cpuSeconds: cpuUs, wallSeconds: 1, rssMiB: 1, startMs: 0, firstOutputMs: undefined };
  return { id, title: id, events: EVENTS, runs: [run] };
}

describe('what has changed since the ratios were kept', () => {
  const kept = { A: 2, B: 2, C: 2 };

  it('is told of each program, and marked from 15 % on', () => {
    const rows = [row('loop', 4), row('A', 8.8), row('B', 9.6), row('C', 6)];
    expect(changesOf(rows, kept)).toBe(
      'A: 2.20 times the bare loop, kept: 2.00 (+10 %)\n' +
        'B: 2.40 times the bare loop, kept: 2.00 (+20 %)  more than 15 % slower\n' +
        'C: 1.50 times the bare loop, kept: 2.00 (-25 %)  more than 15 % faster\n',
    );
  });

  it('leaves out what was not measured before', () => {
    expect(changesOf([row('loop', 4), row('E', 8)], kept)).toBe('');
  });
});

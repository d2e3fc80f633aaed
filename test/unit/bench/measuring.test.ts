import { describe, expect, it } from 'vitest';
import { type CpuProfile, selfTimes } from '../../bench/cpuProfile.ts';
import { figuresOf, type Row } from '../../bench/figures.ts';
import { childrenSeconds } from '../../bench/measure.ts';
import { OutputTally } from '../../bench/outputTally.ts';
import { median } from '../../bench/statistics.ts';

describe('median', () => {
  it.each([
    [[3, 1, 2], 2],
    [[10, 9, 100], 10],
    [[4, 1, 3, 2], 3],
    [[], Number.NaN],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });
});

describe('CPU seconds from `times`', () => {
  it.each([
    ['17\nexit 0\n0m0.010000s 0m0.000000s\n0m8.120000s 0m0.410000s\n', 8.53],
    ['17\nexit 0\n0m0.003s 0m0.001s\n1m2.250s 0m0.500s\n', 62.75],
  ])('takes the line of the children: %j', (text, expected) => {
    expect(childrenSeconds(text)).toBeCloseTo(expected, 6);
  });
});

describe('self times of a profile', () => {
  const frame = (functionName: string, lineNumber: number) => ({
    functionName,
    url: 'file:///a/dist/main.js',
    lineNumber,
    columnNumber: 4,
  });
  const profile: CpuProfile = {
    nodes: [
      { id: 1, callFrame: { functionName: '(root)', url: '', lineNumber: -1, columnNumber: -1 } },
      { id: 2, callFrame: frame('parse', 9) },
      { id: 3, callFrame: frame('', 20) },
      // The same function, called from elsewhere.
      { id: 4, callFrame: frame('parse', 9) },
    ],
    samples: [1, 2, 3, 4, 2],
    timeDeltas: [50, 10, 100, 30, 200],
  };

  it('go to the sample before each delta, by function', () => {
    expect(selfTimes([profile])).toEqual([
      { name: 'parse main.js:10:5', us: 300 },
      { name: '(anonymous) main.js:21:5', us: 30 },
      { name: '(root)', us: 10 },
    ]);
  });

  it('add up over the threads of a program', () => {
    expect(selfTimes([profile, profile])[0]).toEqual({ name: 'parse main.js:10:5', us: 600 });
  });
});

describe('a tally', () => {
  const hit = '{"remote_geoip":{"country_code2":"KR"},"remote_geoip_asn":{"as_org":"x"}}\n';

  it('counts lines and found addresses over all it takes', () => {
    const tally = new OutputTally();
    expect(tally.take(Buffer.from(`${hit}{"remote_geoip":{}}\n`))).toBe(2);
    expect(tally.take(Buffer.from(hit))).toBe(1);
    expect(tally.result()).toMatchObject({ events: 3, cityHits: 2, asnHits: 2, bytes: 2 * hit.length + 20 });
  });

  it('keeps every thousandth event, which in a bulk is the second of two lines', () => {
    const tally = new OutputTally(2);
    for (let n = 1; n <= 2500; n++) tally.take(Buffer.from(`{"create":{}}\n{"n":${n}}\n`));
    expect(tally.result()).toMatchObject({ events: 2500, samples: ['{"n":1000}', '{"n":2000}'] });
  });
});

describe('figures', () => {
  const run = (cpuSeconds: number, firstOutputMs?: number) => {
    return { cpuSeconds, wallSeconds: 2, rssMiB: 100.4, startMs: 1000, firstOutputMs };
  };
  const loop: Row = { id: 'loop', title: 'loop', events: 1000, runs: [run(0.004), run(0.005), run(0.1)] };

  it('are medians, and the ratio is that of the medians', () => {
    const row: Row = { id: 'A', title: 'A', events: 1000, runs: [run(0.01, 1500), run(0.02, 1250), run(0.5, 1400)] };
    expect(figuresOf(row, loop)).toEqual({
      ratio: 4,
      cpuUsPerEvent: 20,
      eventsPerSecond: 500,
      rssMiB: 100,
      firstOutputSeconds: 0.4,
    });
  });

  it('have no first output where there was none', () => {
    expect(figuresOf(loop, loop)).toMatchObject({ ratio: 1, firstOutputSeconds: null });
  });
});

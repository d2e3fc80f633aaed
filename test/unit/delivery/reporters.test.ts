import { describe, expect, it, vi } from 'vitest';
import { TallyReporter } from '../../../src/delivery/tallyReporter.ts';
import { TroubleReporter } from '../../../src/util/troubleReporter.ts';
import { recordLog } from '../../support/outputHarness.ts';
import { FakeClock } from '../kinesis/fakes/fakeClock.ts';

function setUp() {
  const clock = new FakeClock();
  const { logger, lines } = recordLog();
  const trouble = new TroubleReporter('upload', logger, clock);
  return { clock, lines, trouble, tally: new TallyReporter(logger, clock) };
}

describe('trouble', () => {
  it('is spoken of when it begins and when all of it is over', async () => {
    const { clock, lines, trouble } = setUp();
    trouble.failed('a', 'no route');
    trouble.failed('b', 'no route');
    await clock.advance(4200);
    trouble.worked('a');
    expect(trouble.isFailing).toBe(true);
    trouble.worked('b');
    trouble.worked('b');
    expect(lines).toEqual(['WARN upload fails and is tried again: no route', 'INFO upload works again after 4.2 s']);
  });

  it('is spoken of at longer and longer intervals while it lasts', async () => {
    const { clock, lines, trouble } = setUp();
    const saidAt: number[] = [];
    for (let second = 0; second <= 600; second++) {
      const before = lines.length;
      trouble.failed('a', 'no route');
      if (lines.length > before) saidAt.push(second);
      await clock.advance(1000);
    }
    expect(saidAt).toEqual([0, 30, 90, 210, 330, 450, 570]);
    expect(lines[1]).toBe('WARN upload still fails after 30 s, 30 more tries: no route');
  });

  it.each([6, -6])('is spoken of at the same intervals although somebody sets the clock by %d hours', async (hours) => {
    const { clock, lines, trouble } = setUp();
    trouble.failed('a', 'no route');
    vi.spyOn(clock, 'now').mockImplementation(() => clock.monotonic() + hours * 3_600_000);
    await clock.advance(29_000);
    trouble.failed('a', 'no route');
    expect(lines).toHaveLength(1);
    await clock.advance(1_000);
    trouble.failed('a', 'no route');
    trouble.worked('a');
    expect(lines.slice(1)).toEqual([
      'WARN upload still fails after 30 s, 2 more tries: no route',
      'INFO upload works again after 30 s',
    ]);
  });

  it('is spoken of at once when its cause is a new one', () => {
    const { lines, trouble } = setUp();
    for (const cause of ['429', '503', '429', '503']) trouble.failed('a', `answer ${cause}`, {}, cause);
    expect(lines).toEqual([
      'WARN upload fails and is tried again: answer 429',
      'WARN upload still fails after 0.0 s, 1 more try: answer 503',
    ]);
  });

  it('that comes and goes is not spoken of each time', async () => {
    const { clock, lines, trouble } = setUp();
    for (let n = 0; n < 300; n++) {
      trouble.failed('a', 'no route');
      await clock.advance(100);
      trouble.worked('a');
      await clock.advance(100);
    }
    expect(lines).toHaveLength(4);
    expect(lines.filter((line) => line.startsWith('INFO'))).toHaveLength(2);
  });

  it('ends in silence for what was given up', () => {
    const { lines, trouble } = setUp();
    trouble.failed('a', 'no route');
    trouble.forget('a');
    expect([trouble.isFailing, lines.length]).toEqual([false, 1]);
  });
});

describe('a tally', () => {
  it('says the first of each kind, then a count an interval, and the rest at the end', async () => {
    const { clock, lines, tally } = setUp();
    for (let n = 0; n < 61; n++) {
      tally.note('400 mapping', () => `event ${n} is rejected`);
      await clock.advance(1000);
    }
    tally.note('404 missing', () => 'an event finds no index');
    tally.note('400 mapping', () => 'never said');
    tally.flush();
    tally.flush();
    expect(lines).toEqual([
      'WARN event 0 is rejected',
      'WARN event 30 is rejected (30 such in 30 s)',
      'WARN event 60 is rejected (30 such in 30 s)',
      'WARN an event finds no index',
      'WARN 400 mapping: 1 more since the last line',
    ]);
  });
});

import type { Clock } from '../../../../src/util/clock.ts';

/** Time passes only by sleeping, at once. For code that sleeps in one place at a time. */
export class QuickClock implements Clock {
  #nowMs = 1_700_000_000_000;

  now = (): number => this.#nowMs;

  monotonic = (): number => this.#nowMs;

  sleep = async (ms: number): Promise<void> => {
    this.#nowMs += Math.max(0, ms);
  };

  pass(ms: number): void {
    this.#nowMs += ms;
  }
}

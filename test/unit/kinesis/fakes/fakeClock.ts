import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../../../src/util/clock.ts';

/** Time stands still until a test moves it. */
export class FakeClock implements Clock {
  #nowMs: number;
  #sleepers: { dueMs: number; wake: () => void }[] = [];

  constructor(nowMs = 1_700_000_000_000) {
    this.#nowMs = nowMs;
  }

  now = (): number => this.#nowMs;

  monotonic = (): number => this.#nowMs;

  /** That of a machine on which somebody has set the clock to so far ahead of this one. */
  aheadBy(ms: () => number): Clock {
    return { now: () => this.#nowMs + ms(), monotonic: this.monotonic, sleep: this.sleep };
  }

  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const sleeper = { dueMs: this.#nowMs + Math.max(0, ms), wake };
      const sleepers = () => this.#sleepers;
      function wake(): void {
        const index = sleepers().indexOf(sleeper);
        if (index >= 0) sleepers().splice(index, 1);
        signal?.removeEventListener('abort', wake);
        resolve();
      }
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
    });

  /** Lets everybody run whose time comes, each at his time. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await setImmediate();
      const next = this.#sleepers.reduce<number>((least, sleeper) => Math.min(least, sleeper.dueMs), untilMs + 1);
      if (next > untilMs) break;
      this.#nowMs = Math.max(this.#nowMs, next);
      for (const sleeper of this.#sleepers.filter((candidate) => candidate.dueMs <= next)) sleeper.wake();
    }
    this.#nowMs = untilMs;
    await setImmediate();
  }
}

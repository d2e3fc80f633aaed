import type { Clock } from '../util/clock.ts';

/** Ends the pauses of those who wait for something that may come sooner than their next look. */
export class Wakeup {
  readonly #clock: Clock;
  #bell = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    const bell = this.#bell;
    this.#bell = new AbortController();
    bell.abort();
  }

  /** Take it before looking, wait by it after: a ring between the two is not missed. */
  next(): (ms: number, signal: AbortSignal) => Promise<void> {
    const bell = this.#bell.signal;
    return (ms, signal) => this.#clock.sleep(ms, AbortSignal.any([bell, signal]));
  }
}

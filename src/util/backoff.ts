const DOUBLINGS_MAX = 30;

/**
 * The pause before the next try after `failures` failures in a row (from 1), in milliseconds: doubled each time up to
 * `maxMs`, the half of it random, so that those who failed together do not come back together.
 */
export function backoffMs(initialMs: number, maxMs: number, failures: number, random: () => number): number {
  const fullMs = Math.min(maxMs, initialMs * 2 ** Math.min(failures - 1, DOUBLINGS_MAX));
  return fullMs / 2 + (fullMs / 2) * random();
}

/** Counts the failures for `backoffMs`. */
export class Backoff {
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #attempts = 0;

  constructor(initialMs: number, maxMs: number, random: () => number = Math.random) {
    this.#initialMs = initialMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** Failed attempts since the last success. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The time to wait after one more failure. */
  nextDelayMs(): number {
    this.#attempts++;
    return backoffMs(this.#initialMs, this.#maxMs, this.#attempts, this.#random);
  }

  succeeded(): void {
    this.#attempts = 0;
  }
}

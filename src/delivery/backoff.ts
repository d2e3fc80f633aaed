/** Waiting times between attempts: doubling from `initialMs` to `maxMs`, each spread by up to half of itself. */
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

  /** The time to wait after one more failure, in milliseconds. Jitter keeps many workers from coming back together. */
  nextDelayMs(): number {
    const ceilingMs = Math.min(this.#maxMs, this.#initialMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts++;
    return ceilingMs / 2 + (ceilingMs / 2) * this.#random();
  }

  succeeded(): void {
    this.#attempts = 0;
  }
}

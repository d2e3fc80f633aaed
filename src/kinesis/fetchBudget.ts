/**
 * How many bytes of records all shards of a worker may have fetched that are not handed over yet. After an outage each of
 * a hundred shards would have an answer in memory.
 */
import { ANSWER_BYTES } from './pace.ts';

const ANSWER_BYTES_MIN = 64 * 1024;

export class FetchBudget {
  readonly #bytesMax: number;
  readonly #waiting: { bytes: number; grant: () => void }[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes fetched or being fetched. */
  get bytes(): number {
    return this.#bytes;
  }

  /** One a shard. */
  share(): FetchShare {
    return new FetchShare(this);
  }

  /** In the order of asking; one that is larger than the whole budget waits until it is alone. Resolves early on an abort. */
  async take(bytes: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#bytes += bytes;
      return true;
    }
    return new Promise((resolve) => {
      const end = (isGranted: boolean) => {
        signal.removeEventListener('abort', giveUp);
        resolve(isGranted);
      };
      const asked = { bytes, grant: () => end(true) };
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(asked), 1);
        end(false);
        this.#grantWaiting();
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(asked);
    });
  }

  /** `bytes` may be negative: a fetch brought more than was expected. */
  give(bytes: number): void {
    this.#bytes -= bytes;
    this.#grantWaiting();
  }

  #grantWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#bytes += next.bytes;
      next.grant();
    }
  }

  #fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax;
  }
}

/** What one shard holds of the budget: before a fetch as much as it is likely to bring, after it what it brought. */
export class FetchShare {
  readonly #budget: FetchBudget;
  #expected = ANSWER_BYTES;
  #held = 0;

  constructor(budget: FetchBudget) {
    this.#budget = budget;
  }

  /** Resolves early on an abort: nothing is reserved then. */
  async reserve(signal: AbortSignal): Promise<void> {
    const bytes = this.#expected;
    if (await this.#budget.take(bytes, signal)) this.#held = bytes;
  }

  fetched(bytes: number): void {
    this.#budget.give(this.#held - bytes);
    this.#held = bytes;
    this.#expected = Math.max(ANSWER_BYTES_MIN, Math.min(bytes * 2, Math.max(bytes, ANSWER_BYTES)));
  }

  release(): void {
    this.#budget.give(this.#held);
    this.#held = 0;
  }
}

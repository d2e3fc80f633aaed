/**
 * Says that a kind of call fails: one line when it begins, one an interval while it lasts, one when it is over, however
 * many shards and calls are concerned.
 */
import type { Clock } from '../util/clock.ts';
import { describeError } from './awsErrors.ts';
import type { ConsumerLogger } from './types.ts';

const INTERVAL_MS = 30_000;

export class Trouble {
  readonly #what: string;
  readonly #logger: ConsumerLogger;
  readonly #clock: Clock;
  readonly #failing = new Set<string>();
  #sinceMs = 0;
  #saidMs = 0;
  #unsaid = 0;

  /** `what` reads well before "fails": `GetRecords on stream "logs"`. */
  constructor(what: string, logger: ConsumerLogger, clock: Clock) {
    this.#what = what;
    this.#logger = logger;
    this.#clock = clock;
  }

  /** `subject` is what the call was for, such as a shard. */
  failed(subject: string, error: unknown): void {
    const nowMs = this.#clock.now();
    const isNew = this.#failing.size === 0;
    this.#failing.add(subject);
    if (isNew) {
      this.#sinceMs = nowMs;
      this.#say(`${this.#what} fails and is tried again: ${describeError(error)}`, nowMs, { subject });
    } else if (nowMs - this.#saidMs >= INTERVAL_MS) {
      const [calls, seconds] = [this.#unsaid + 1, secondsText(nowMs - this.#sinceMs)];
      const fields = { concerned: [...this.#failing].sort().join(', ') };
      this.#say(
        `${this.#what} still fails after ${seconds}, ${calls} more calls: ${describeError(error)}`,
        nowMs,
        fields,
      );
    } else {
      this.#unsaid += 1;
    }
  }

  worked(subject: string): void {
    if (!this.#failing.delete(subject) || this.#failing.size > 0) return;
    this.#logger.info(`${this.#what} works again after ${secondsText(this.#clock.now() - this.#sinceMs)}`);
  }

  /** The subject is of no concern any more: its shard went to another worker. */
  forget(subject: string): void {
    this.#failing.delete(subject);
  }

  #say(message: string, nowMs: number, fields: Readonly<Record<string, unknown>>): void {
    this.#saidMs = nowMs;
    this.#unsaid = 0;
    this.#logger.warn(message, fields);
  }
}

function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

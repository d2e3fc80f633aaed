import type { Clock } from '../util/clock.ts';
import type { LogFields, Logger } from '../util/logger.ts';

const INTERVAL_MS = 30_000;

/**
 * Says that a kind of delivery fails: one line when it begins, one an interval while it lasts, one when it is over,
 * however many deliveries are concerned.
 */
export class TroubleReporter {
  readonly #what: string;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #failing = new Set<string>();
  #sinceMs = 0;
  #saidMs = 0;
  #unsaid = 0;

  /** `what` reads well before "fails" and "works again": `upload to s3://logs`. */
  constructor(what: string, logger: Logger, clock: Clock, intervalMs = INTERVAL_MS) {
    this.#what = what;
    this.#logger = logger;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  get isFailing(): boolean {
    return this.#failing.size > 0;
  }

  /** `subject` is what was to be delivered, such as an object's key; `reason` is one line without secrets. */
  failed(subject: string, reason: string, fields: LogFields = {}): void {
    const nowMs = this.#clock.now();
    const isNew = this.#failing.size === 0;
    this.#failing.add(subject);
    if (isNew) {
      this.#sinceMs = nowMs;
      this.#say(`${this.#what} fails and is tried again: ${reason}`, nowMs, fields);
    } else if (nowMs - this.#saidMs >= this.#intervalMs) {
      const tries = `${this.#unsaid + 1} more ${this.#unsaid === 0 ? 'try' : 'tries'}`;
      this.#say(
        `${this.#what} still fails after ${seconds(nowMs - this.#sinceMs)}, ${tries}: ${reason}`,
        nowMs,
        fields,
      );
    } else {
      this.#unsaid += 1;
    }
  }

  worked(subject: string): void {
    if (!this.#failing.delete(subject) || this.#failing.size > 0) return;
    this.#logger.info(`${this.#what} works again after ${seconds(this.#clock.now() - this.#sinceMs)}`);
  }

  /** The subject was given up, which its caller says. */
  forget(subject: string): void {
    this.#failing.delete(subject);
  }

  #say(message: string, nowMs: number, fields: LogFields): void {
    this.#saidMs = nowMs;
    this.#unsaid = 0;
    this.#logger.warn(message, fields);
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

import type { Clock } from './clock.ts';
import type { LogFields, Logger } from './logger.ts';
import { secondsText } from './secondsText.ts';

const INTERVAL_MS = 30_000;
/** The interval doubles at each line up to this multiple: who reads the first lines knows. */
const INTERVAL_FACTOR_MAX = 4;

/**
 * Says that a kind of work fails: one line when it begins or its cause changes, one an interval while it lasts, one when
 * it is over, however many tries are concerned. Trouble that comes back within the interval is the same trouble.
 */
export class TroubleReporter {
  readonly #what: string;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #failing = new Set<string>();
  /** When each cause was last spoken of. */
  readonly #causes = new Map<string, number>();
  #isAnnounced = false;
  #sinceMs = 0;
  #saidMs = Number.NEGATIVE_INFINITY;
  #nextIntervalMs: number;
  #unsaid = 0;

  /** `what` reads well before "fails" and "works again": `upload to s3://logs`. */
  constructor(what: string, logger: Logger, clock: Clock, intervalMs = INTERVAL_MS) {
    this.#what = what;
    this.#logger = logger;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#nextIntervalMs = intervalMs;
  }

  get isFailing(): boolean {
    return this.#failing.size > 0;
  }

  /**
   * `subject` is what the work was for, such as an object's key or a shard; `reason` is one line without secrets; `cause` tells
   * kinds of failures apart, such as a status.
   */
  failed(subject: string, reason: string, fields: LogFields = {}, cause = ''): void {
    const nowMs = this.#clock.monotonic();
    if (this.#failing.size === 0) this.#begin(nowMs);
    this.#failing.add(subject);
    this.#unsaid += 1;
    if (!this.#causes.has(cause) || nowMs - this.#saidMs >= this.#nextIntervalMs)
      this.#say(reason, fields, cause, nowMs);
  }

  worked(subject: string): void {
    if (!this.#failing.delete(subject) || this.#failing.size > 0 || !this.#isAnnounced) return;
    this.#isAnnounced = false;
    this.#logger.info(`${this.#what} works again after ${secondsText(this.#clock.monotonic() - this.#sinceMs)}`);
  }

  /** The subject was given up, which its caller says. */
  forget(subject: string): void {
    this.#failing.delete(subject);
  }

  #begin(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#unsaid = 0;
    this.#isAnnounced = false;
    this.#nextIntervalMs = this.#intervalMs;
    for (const [cause, saidMs] of this.#causes) if (nowMs - saidMs >= this.#intervalMs) this.#causes.delete(cause);
  }

  #say(reason: string, fields: LogFields, cause: string, nowMs: number): void {
    if (this.#isAnnounced) {
      const lasted = secondsText(nowMs - this.#sinceMs);
      const tries = `${this.#unsaid} more ${this.#unsaid === 1 ? 'try' : 'tries'}`;
      this.#logger.warn(`${this.#what} still fails after ${lasted}, ${tries}: ${reason}`, fields);
      this.#nextIntervalMs = Math.min(this.#nextIntervalMs * 2, this.#intervalMs * INTERVAL_FACTOR_MAX);
    } else {
      this.#logger.warn(`${this.#what} fails and is tried again: ${reason}`, fields);
    }
    this.#isAnnounced = true;
    this.#causes.set(cause, nowMs);
    this.#saidMs = nowMs;
    this.#unsaid = 0;
  }
}

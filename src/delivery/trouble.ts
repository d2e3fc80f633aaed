import type { Clock } from '../util/clock.ts';
import type { LogFields, Logger } from '../util/logger.ts';

export interface TroubleSettings {
  readonly logger: Logger;
  readonly clock: Clock;
  /** At the front of every line: whom the trouble is with. */
  readonly subject: string;
  /** Shortest time between two lines about the same trouble, in milliseconds; doubled at each line up to `intervalMaxMs`. */
  readonly intervalMs?: number;
  readonly intervalMaxMs?: number;
}

export interface Failure {
  /** What makes it another trouble when it changes: `unreachable`, `429`. */
  readonly cause: string;
  /** Reads well behind the subject: `cannot be reached (connection refused)`. Holds no secret. */
  readonly message: string;
  readonly fields?: LogFields;
}

const INTERVAL_MS = 30_000;
const INTERVAL_MAX_MS = 120_000;

/**
 * Says that a destination fails: one line when it begins or its cause changes, one an interval while it lasts, one when
 * it is over; however many requests are concerned, and also when it comes and goes.
 */
export class TroubleReporter {
  readonly #settings: TroubleSettings;
  readonly #firstIntervalMs: number;
  readonly #intervalMaxMs: number;
  #intervalMs: number;
  #sinceMs: number | undefined;
  /** Whether the present trouble has been spoken of, so that its end has to be too. */
  #announced = false;
  /** When each cause was last spoken of. */
  readonly #saidMs = new Map<string, number>();
  #lastSaidMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #unsaid = 0;

  constructor(settings: TroubleSettings) {
    this.#settings = settings;
    this.#firstIntervalMs = settings.intervalMs ?? INTERVAL_MS;
    this.#intervalMaxMs = settings.intervalMaxMs ?? INTERVAL_MAX_MS;
    this.#intervalMs = this.#firstIntervalMs;
  }

  get isInTrouble(): boolean {
    return this.#sinceMs !== undefined;
  }

  failed(failure: Failure): void {
    const nowMs = this.#settings.clock.now();
    this.#sinceMs ??= nowMs;
    this.#failures++;
    this.#unsaid++;
    const saidMs = this.#saidMs.get(failure.cause) ?? Number.NEGATIVE_INFINITY;
    const isNews = nowMs - saidMs >= this.#firstIntervalMs && (saidMs === Number.NEGATIVE_INFINITY || !this.#announced);
    if (isNews || nowMs - this.#lastSaidMs >= this.#intervalMs) this.#say(failure, nowMs);
  }

  /** A request succeeded. Costs nothing while there is no trouble. */
  succeeded(): void {
    if (this.#sinceMs === undefined) return;
    const nowMs = this.#settings.clock.now();
    if (this.#announced) {
      const lasted = secondsText(nowMs - this.#sinceMs);
      this.#settings.logger.info(`${this.#settings.subject} works again after ${lasted}, ${this.#failures} failures`);
    }
    this.#sinceMs = undefined;
    this.#announced = false;
    this.#failures = 0;
    this.#unsaid = 0;
    this.#intervalMs = this.#firstIntervalMs;
    for (const [cause, saidMs] of this.#saidMs) {
      if (nowMs - saidMs >= this.#firstIntervalMs) this.#saidMs.delete(cause);
    }
  }

  #say({ cause, message, fields }: Failure, nowMs: number): void {
    const { logger, subject } = this.#settings;
    if (this.#announced) {
      const lasted = secondsText(nowMs - (this.#sinceMs ?? nowMs));
      logger.warn(
        `${subject} ${message} (trouble for ${lasted}, ${this.#unsaid} failures since the last line)`,
        fields,
      );
      this.#intervalMs = Math.min(this.#intervalMaxMs, this.#intervalMs * 2);
    } else {
      logger.warn(`${subject} ${message}`, fields);
    }
    this.#announced = true;
    this.#unsaid = 0;
    this.#lastSaidMs = nowMs;
    this.#saidMs.set(cause, nowMs);
  }
}

/** Says of things that happen one by one, such as rejected events: the first of each kind, then a count an interval. */
export class TallyReporter {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #kinds = new Map<string, { saidMs: number; unsaid: number }>();

  constructor(logger: Logger, clock: Clock, intervalMs = INTERVAL_MS) {
    this.#logger = logger;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** `describe` gives the line of one such thing; it is called only when a line is due. */
  note(kind: string, describe: () => string): void {
    const nowMs = this.#clock.now();
    const tally = this.#kinds.get(kind);
    if (tally === undefined) {
      this.#logger.warn(describe());
      this.#kinds.set(kind, { saidMs: nowMs, unsaid: 0 });
      return;
    }
    tally.unsaid++;
    if (nowMs - tally.saidMs < this.#intervalMs) return;
    this.#logger.warn(`${describe()} (${tally.unsaid} such in ${secondsText(nowMs - tally.saidMs)})`);
    tally.saidMs = nowMs;
    tally.unsaid = 0;
  }

  /** Says what has been counted but not said; to be called at the end. */
  flush(): void {
    for (const [kind, tally] of this.#kinds) {
      if (tally.unsaid > 0) this.#logger.warn(`${kind}: ${tally.unsaid} more since the last line`);
      tally.unsaid = 0;
    }
  }
}

function secondsText(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}

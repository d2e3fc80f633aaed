import type { Clock } from '../util/clock.ts';
import type { Logger } from '../util/logger.ts';
import { secondsText } from '../util/secondsText.ts';

const INTERVAL_MS = 30_000;

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
    const nowMs = this.#clock.monotonic();
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

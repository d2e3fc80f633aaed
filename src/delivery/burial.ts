import type { Event } from '../event/event.ts';
import { Backoff } from '../util/backoff.ts';
import type { Clock } from '../util/clock.ts';
import { messageOf } from '../util/errors.ts';
import type { Logger } from '../util/logger.ts';
import { TroubleReporter } from '../util/troubleReporter.ts';
import { TallyReporter } from './tallyReporter.ts';

export interface BurialSettings {
  /** Resolves when the event is on disk. */
  readonly deadLetter: (event: Event, reason: string) => Promise<void>;
  readonly logger: Logger;
  readonly clock: Clock;
}

const RETRY_INITIAL_MS = 1000;
const RETRY_MAX_MS = 30_000;

/**
 * Takes events that cannot go on, such as those that a destination refuses for good, to the dead letter queue, and settles
 * them when they are there. As long as the queue cannot take them (a full disk) they wait: settling them would lose them.
 */
export class Burial {
  readonly #settings: BurialSettings;
  readonly #trouble: TroubleReporter;
  readonly #tally: TallyReporter;
  readonly #open = new Set<Promise<void>>();

  constructor(settings: BurialSettings) {
    this.#settings = settings;
    this.#trouble = new TroubleReporter('writing to the dead letter queue', settings.logger, settings.clock);
    this.#tally = new TallyReporter(settings.logger, settings.clock);
  }

  /** Resolves when the event is on disk and settled; or, not settled, when `giveUp` aborts while the queue cannot take it. */
  bury(event: Event, reason: string, giveUp?: AbortSignal): Promise<void> {
    const buried = this.#bury(event, reason, giveUp).finally(() => this.#open.delete(buried));
    this.#open.add(buried);
    return buried;
  }

  /** Buries an event that made our own code throw, so that it stops no other: said by kind, not one by one. */
  isolate(event: Event, what: string, error: unknown): Promise<void> {
    const reason = `${what}: ${messageOf(error)}`;
    const place = event.origin === undefined ? 'an event' : `the event ${event.origin}`;
    this.#tally.note(what, () => `${place} goes to the dead letter queue: ${reason}`);
    return this.bury(event, reason);
  }

  /** For the source to wait: resolves when none is on its way, `undefined` while that is so. */
  room(): Promise<void> | undefined {
    return this.#open.size === 0 ? undefined : this.whenIdle();
  }

  /** Resolves when none is on its way. */
  async whenIdle(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  /** Resolves when none is on its way, and says what was counted and not said. */
  async close(): Promise<void> {
    await this.whenIdle();
    this.#tally.flush();
  }

  async #bury(event: Event, reason: string, giveUp: AbortSignal | undefined): Promise<void> {
    const backoff = new Backoff(RETRY_INITIAL_MS, RETRY_MAX_MS);
    while (!giveUp?.aborted) {
      try {
        await this.#settings.deadLetter(event, reason);
      } catch (error) {
        this.#trouble.failed('', messageOf(error));
        await this.#settings.clock.sleep(backoff.nextDelayMs(), giveUp);
        continue;
      }
      this.#trouble.worked('');
      event.batch.settle();
      return;
    }
  }
}

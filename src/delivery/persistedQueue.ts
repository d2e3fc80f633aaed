/**
 * Keeps on disk what inputs emit whose source cannot bring it again, from before they are told that it is taken until every
 * output has it. What was not settled when the process ended is given out first by the next one.
 */
import { randomUUID } from 'node:crypto';
import type { Event } from '../event/event.ts';
import { SourceBatch } from '../event/sourceBatch.ts';
import { orAborted } from '../util/abort.ts';
import { Backoff } from '../util/backoff.ts';
import type { Clock } from '../util/clock.ts';
import { messageOf } from '../util/errors.ts';
import type { Logger } from '../util/logger.ts';
import { TroubleReporter } from '../util/troubleReporter.ts';
import { type AckTracker, createAckTracker } from './ackTracker.ts';
import { decodeEvents, encodeSound } from './eventLines.ts';
import { checkQueue, type QueueState } from './persistedQueueCheck.ts';
import type { SegmentRecord } from './segmentFormat.ts';
import { SegmentDamaged, SegmentLog } from './segmentLog.ts';
import { SegmentReader } from './segmentReader.ts';
import { TallyReporter } from './tallyReporter.ts';

/** Those of Logstash, in its words `queue.…`. */
export interface PersistedQueueSettings {
  readonly directory: string;
  /** `page_capacity`: a file that has reached it is followed by another. At most half of `bytesMax` is used. */
  readonly pageBytes: number;
  /** `max_bytes`: beyond it, on disk, inputs wait. */
  readonly bytesMax: number;
  /** `max_events`: beyond it, not settled, inputs wait; 0 for no bound. */
  readonly eventsMax: number;
  /** `checkpoint.acks`: how many events may be settled before it is noted on disk, which a crash repeats on top of what was under way; 0 for any number. */
  readonly ackEventsMax: number;
  /** `checkpoint.interval`: for how long; 0 for any time. */
  readonly ackIntervalMs: number;
  /** Takes an event that cannot be encoded, and settles it. */
  readonly refuse: (event: Event, error: unknown) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Filters and routes events; what it returns is that the outputs have no room. */
export type Process = (events: Event[], batch: SourceBatch) => void | Promise<void>;

const RETRY_INITIAL_MS = 100;
const RETRY_MAX_MS = 5_000;

export class PersistedQueue {
  readonly #settings: PersistedQueueSettings;
  readonly #log: SegmentLog;
  readonly #acks: AckTracker<number>;
  readonly #trouble: TroubleReporter;
  readonly #tally: TallyReporter;
  readonly #closing = new AbortController();
  /** Makes the origins of this process's events different from those of any other. */
  readonly #session = randomUUID();
  #sequence = 0;
  /** Not settled: those that are being written, on disk, and given out. */
  #events: number;
  /** Of what is being written. */
  #reservedBytes = 0;
  /** One after another finds room; their writes then share an fsync. Never rejects. */
  #admitting: Promise<void> = Promise.resolve();
  /** Somebody waits for room. */
  #isAwaited = false;
  #roomMade = Promise.withResolvers<void>();
  #written = Promise.withResolvers<void>();
  #inputEnded = false;
  #isStopped = false;
  #failure: unknown;
  #settledSinceNoted = 0;
  #isNoteDue = false;
  #isNoteTimed = false;
  #noting: Promise<void> | undefined;

  private constructor(settings: PersistedQueueSettings, log: SegmentLog, events: number) {
    this.#settings = settings;
    this.#log = log;
    this.#events = events;
    this.#acks = createAckTracker<number>(settings.clock.now);
    this.#trouble = new TroubleReporter(`writing to the queue ${settings.directory}`, settings.logger, settings.clock);
    this.#tally = new TallyReporter(settings.logger, settings.clock);
  }

  /** Looks through all that is there first. @throws SegmentDamaged when a page is damaged; nothing was changed then */
  static async open(settings: PersistedQueueSettings): Promise<PersistedQueue> {
    const { directory, pageBytes, bytesMax, logger } = settings;
    const state = await checkQueue(directory);
    const damaged = state.pages.find(({ damagedAt }) => damagedAt !== undefined);
    if (damaged?.damagedAt !== undefined) throw new SegmentDamaged(damaged.path, damaged.damagedAt);
    sayWhatWasFound(state, logger);
    const segmentBytesMax = Math.min(pageBytes, Math.ceil(bytesMax / 2));
    const log = await SegmentLog.open({ directory, segmentBytesMax });
    return new PersistedQueue(settings, log, state.events);
  }

  /**
   * Resolves when the events are on disk; waits for room before. Gives them an origin, the same whenever they are given
   * out. Rejects after `abort`: then they are not taken.
   */
  async add(events: readonly Event[]): Promise<void> {
    if (events.length === 0) return;
    for (const event of events) event.origin ??= `queue/${this.#session}/${this.#sequence++}`;
    const burials: Promise<void>[] = [];
    const { payload, count } = encodeSound(
      events,
      (event, error) => void burials.push(this.#settings.refuse(event, error)),
    );
    if (count > 0) await this.#addEncoded(payload, count);
    await Promise.all(burials);
  }

  async #addEncoded(payload: Uint8Array, count: number): Promise<void> {
    const admitted = this.#admitting.then(() => this.#admit(payload.length, count));
    this.#admitting = admitted.catch(() => {});
    await admitted;
    await this.#append(payload);
    this.#reservedBytes -= payload.length;
    this.#written.resolve();
    this.#written = Promise.withResolvers();
  }

  async #admit(bytes: number, events: number): Promise<void> {
    const { bytesMax, eventsMax } = this.#settings;
    // A batch larger than the bound goes in alone.
    const isFull = () =>
      this.#events > 0 &&
      (this.#log.bytes + this.#reservedBytes + bytes > bytesMax ||
        (eventsMax > 0 && this.#events + events > eventsMax));
    if (isFull()) {
      this.#tally.note('full', () => `inputs wait, nothing is lost: ${this.#events} events fill the queue`);
      this.#isAwaited = true;
      this.#noteSettled();
      while (isFull() && this.#failure === undefined) await this.#roomMade.promise;
      this.#isAwaited = false;
    }
    if (this.#failure !== undefined) throw this.#failure;
    this.#reservedBytes += bytes;
    this.#events += events;
  }

  async #append(payload: Uint8Array): Promise<void> {
    const backoff = new Backoff(RETRY_INITIAL_MS, RETRY_MAX_MS);
    for (;;) {
      try {
        await this.#log.append([payload], true);
        return this.#trouble.worked('');
      } catch (error) {
        if (this.#failure !== undefined) throw error;
        this.#trouble.failed('', messageOf(error));
        await this.#settings.clock.sleep(backoff.nextDelayMs(), this.#closing.signal);
      }
    }
  }

  /** Gives out what is there and what comes, in order, about `batchSize` events at a time. Resolves after `end`. @throws SegmentDamaged */
  async read(batchSize: number, process: Process): Promise<void> {
    const reader = new SegmentReader(this.#log, this.#log.headId);
    try {
      while (!this.#isStopped) {
        const written = this.#written.promise;
        const hasEnded = this.#inputEnded;
        const records = await reader.next();
        if (records.length > 0) await this.#giveOut(records, batchSize, process);
        else if (hasEnded) return;
        else await written;
      }
    } finally {
      await reader.close();
    }
  }

  async #giveOut(records: readonly SegmentRecord[], batchSize: number, process: Process): Promise<void> {
    let events: Event[] = [];
    for (const [index, { id, payload }] of records.entries()) {
      if (this.#isStopped) return;
      for (const event of decodeEvents(payload)) events.push(event);
      if (events.length < batchSize && index < records.length - 1) continue;
      const [token, count] = [this.#acks.open(id), events.length];
      const room = process(events, new SourceBatch(() => this.#settled(token, count)));
      events = [];
      if (room) await orAborted(room, this.#closing.signal);
    }
  }

  #settled(token: number, count: number): void {
    const { ackEventsMax, ackIntervalMs } = this.#settings;
    this.#acks.settle(token);
    this.#events -= count;
    this.#settledSinceNoted += count;
    if (this.#isAwaited || (ackEventsMax > 0 && this.#settledSinceNoted >= ackEventsMax)) this.#noteSettled();
    else if (ackIntervalMs > 0) this.#noteLater();
  }

  #noteLater(): void {
    if (this.#isNoteTimed) return;
    const { clock, ackIntervalMs } = this.#settings;
    this.#isNoteTimed = true;
    void clock.sleep(ackIntervalMs, this.#closing.signal).then(() => {
      this.#isNoteTimed = false;
      if (!this.#closing.signal.aborted) this.#noteSettled();
    });
  }

  /** On disk, so that it is not given out again; pages that are settled whole are removed. */
  #noteSettled(): void {
    this.#isNoteDue = true;
    this.#noting ??= this.#noteWhileDue().finally(() => {
      this.#noting = undefined;
    });
  }

  async #noteWhileDue(): Promise<void> {
    while (this.#isNoteDue) {
      this.#isNoteDue = false;
      this.#settledSinceNoted = 0;
      try {
        await this.#log.trim((this.#acks.settledPosition() ?? -1) + 1);
        this.#trouble.worked('head');
      } catch (error) {
        // At worst a crash repeats more of it.
        this.#trouble.failed('head', messageOf(error));
      }
      this.#madeRoom();
    }
  }

  #madeRoom(): void {
    this.#roomMade.resolve();
    this.#roomMade = Promise.withResolvers();
  }

  /** No more is added. With `drains`, `read` goes on until all is given out; without, what it has not given out stays for the next start. */
  end(drains: boolean): void {
    this.#inputEnded = true;
    if (!drains) this.#isStopped = true;
    this.#written.resolve();
    this.#written = Promise.withResolvers();
  }

  /** Something broke down: `read` resolves, and those who wait in `add` are rejected with `reason`. */
  abort(reason: unknown): void {
    this.#failure ??= reason;
    this.end(false);
    this.#closing.abort();
    this.#madeRoom();
  }

  /** After the outputs have settled what they were given. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#noteSettled();
    await this.#noting;
    await this.#log.close();
    this.#tally.flush();
    if (this.#events === 0) return;
    this.#settings.logger.info(`${this.#events} events stay in the queue for the next start`);
  }

  /** `bytes` are those on disk; `events` are not settled. */
  get status(): { readonly events: number; readonly bytes: number; readonly bytesMax: number } {
    return { events: this.#events, bytes: this.#log.bytes, bytesMax: this.#settings.bytesMax };
  }
}

function sayWhatWasFound({ pages, events }: QueueState, logger: Logger): void {
  if (events > 0) logger.info(`${events} events of an earlier run are in the queue, and go first`);
  for (const { path, missingBefore, cutOff } of pages) {
    if (missingBefore > 0)
      logger.error(`${missingBefore} batches before ${path} are gone: a file was removed, cut or repaired`);
    if (cutOff > 0)
      logger.warn(
        `${cutOff} bytes at the end of ${path} are half a batch that a crash cut off; it was never acknowledged`,
      );
  }
}

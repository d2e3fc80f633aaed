import { rm } from 'node:fs/promises';
import type { Event } from '../event/event.ts';
import type { SourceBatch } from '../event/sourceBatch.ts';
import { Backoff } from '../util/backoff.ts';
import type { Clock } from '../util/clock.ts';
import { messageOf } from '../util/errors.ts';
import type { Logger } from '../util/logger.ts';
import { TroubleReporter } from '../util/troubleReporter.ts';
import { BufferBudget } from './budget.ts';
import { encodeSound } from './eventLines.ts';
import { RECORD_HEADER_BYTES } from './segmentFormat.ts';
import { SegmentLog } from './segmentLog.ts';
import { SegmentReader } from './segmentReader.ts';

export interface SpoolRunsSettings {
  /** Emptied at the first run. */
  readonly directory: string;
  /** Bound on what is on disk. */
  readonly bytesMax: number;
  /** Takes an event that cannot be encoded, and settles it. */
  readonly refuse: (event: Event, error: unknown) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface OpenLog {
  readonly log: SegmentLog;
  readonly reader: SegmentReader;
}

/** Events of one batch that came together, encoded. */
export interface SpoolRun {
  readonly batch: SourceBatch;
  readonly payload: Uint8Array;
}

/** All that stays in memory of a run on disk. */
interface RunNote {
  readonly batch: SourceBatch;
  readonly events: number;
  readonly sinceMs: number;
}

interface WaitingRun extends RunNote, SpoolRun {}

/** Encoded events on their way to the disk; beyond it the source waits. */
const MEMORY_BYTES_MAX = 4 * 1024 * 1024;
const APPEND_BYTES = 1024 * 1024;
const RETRY_INITIAL_MS = 100;
const RETRY_MAX_MS = 5_000;

/**
 * Events that wait in order, on disk but for the newest. Nothing is synced: they are not settled, so that after a crash
 * their source brings them again.
 */
export class SpoolRuns {
  readonly #settings: SpoolRunsSettings;
  readonly #trouble: TroubleReporter;
  readonly #memory = new BufferBudget({ events: Number.POSITIVE_INFINITY, bytes: MEMORY_BYTES_MAX });
  /** By the id of their record. */
  readonly #stored = new Map<number, RunNote>();
  readonly #closing = new AbortController();
  #waiting: WaitingRun[] = [];
  #open: OpenLog | undefined;
  #storing: Promise<void> | undefined;
  /** While the first of those that wait are being written. */
  #appending: Promise<unknown> | undefined;
  #roomMade = Promise.withResolvers<void>();
  #events = 0;

  constructor(settings: SpoolRunsSettings) {
    this.#settings = settings;
    this.#trouble = new TroubleReporter(`writing to the spool ${settings.directory}`, settings.logger, settings.clock);
  }

  get isEmpty(): boolean {
    return this.#stored.size === 0 && this.#waiting.length === 0;
  }

  get events(): number {
    return this.#events;
  }

  /** On disk. */
  get bytes(): number {
    return this.#open?.log.bytes ?? 0;
  }

  get oldestMs(): number | undefined {
    const [oldest = this.#waiting[0]] = this.#stored.values();
    return oldest?.sinceMs;
  }

  /** Takes them in any case. */
  add(events: readonly Event[]): void {
    for (let from = 0; from < events.length; ) {
      const batch = (events[from] as Event).batch;
      let to = from + 1;
      while (to < events.length && events[to]?.batch === batch) to += 1;
      this.#addRun(events.slice(from, to), batch);
      from = to;
    }
  }

  #addRun(given: readonly Event[], batch: SourceBatch): void {
    const { payload, count: events } = encodeSound(given, this.#settings.refuse);
    if (events === 0) return;
    this.#waiting.push({ payload, batch, events, sinceMs: this.#settings.clock.now() });
    this.#events += events;
    this.#memory.take(events, payload.length);
    this.#storing ??= this.#store().finally(() => {
      this.#storing = undefined;
    });
  }

  /** Resolves when more may be added; `undefined` while it may. */
  room(): Promise<void> | undefined {
    return this.#memory.room();
  }

  /** Takes out the oldest, at least one. Only to be called when it is not empty. @throws SegmentDamaged */
  async take(): Promise<readonly SpoolRun[]> {
    while (this.#stored.size === 0 && this.#appending !== undefined) await this.#appending;
    const runs = this.#stored.size === 0 ? this.#moved(this.#waiting.length) : await this.#takeStored();
    for (const { events } of runs) this.#events -= events;
    this.#madeRoom();
    return runs;
  }

  async #takeStored(): Promise<WaitingRun[]> {
    const { log, reader } = this.#open as OpenLog;
    const taken: WaitingRun[] = [];
    let nextId = 0;
    for (const { id, payload } of await reader.next()) {
      const note = this.#stored.get(id);
      if (note === undefined) throw new Error(`the spool has a record ${id} that was not put there`);
      this.#stored.delete(id);
      taken.push({ ...note, payload });
      nextId = id + 1;
    }
    await log.trim(nextId);
    return taken;
  }

  /** Frees the disk. What is still here stays unsettled. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#moved(this.#waiting.length);
    this.#madeRoom();
    await this.#storing;
    await this.#open?.reader.close();
    await this.#open?.log.close();
    if (this.#open !== undefined) await rm(this.#settings.directory, { recursive: true, force: true });
    this.#open = undefined;
  }

  /** The first of those that wait no longer do. */
  #moved(count: number): WaitingRun[] {
    const runs = this.#waiting.splice(0, count);
    for (const { events, payload } of runs) this.#memory.give(events, payload.length);
    return runs;
  }

  #madeRoom(): void {
    this.#roomMade.resolve();
    this.#roomMade = Promise.withResolvers();
  }

  /** Brings to disk what waits, until nothing does: what does not fit may be taken meanwhile. Never rejects. */
  async #store(): Promise<void> {
    const { clock, bytesMax } = this.#settings;
    const backoff = new Backoff(RETRY_INITIAL_MS, RETRY_MAX_MS);
    while (this.#waiting.length > 0) {
      const runs = this.#fitting();
      if (runs.length === 0) {
        this.#trouble.failed('', `all ${bytesMax} bytes of max_bytes are used; the source waits`, {}, 'full');
        await this.#roomMade.promise;
        continue;
      }
      this.#appending = this.#append(runs);
      const failure = await this.#appending;
      this.#appending = undefined;
      if (failure === undefined) {
        backoff.succeeded();
        this.#trouble.worked('');
      } else {
        this.#trouble.failed('', messageOf(failure), {}, 'disk');
        await clock.sleep(backoff.nextDelayMs(), this.#closing.signal);
      }
    }
  }

  /** The first of those that wait, as many as there is room for. */
  #fitting(): WaitingRun[] {
    const room = this.#settings.bytesMax - this.bytes;
    let bytes = 0;
    const beyond = this.#waiting.findIndex(({ payload }, index) => {
      bytes += RECORD_HEADER_BYTES + payload.length;
      return bytes > room || (index > 0 && bytes > APPEND_BYTES);
    });
    return this.#waiting.slice(0, beyond < 0 ? undefined : beyond);
  }

  /** Resolves to what kept the disk from taking them. */
  async #append(runs: readonly WaitingRun[]): Promise<unknown> {
    const payloads = runs.map(({ payload }) => payload);
    try {
      const { log } = await this.#opened();
      const firstId = await log.append(payloads, false);
      for (const [index, { batch, events, sinceMs }] of runs.entries()) {
        this.#stored.set(firstId + index, { batch, events, sinceMs });
      }
      this.#moved(runs.length);
    } catch (error) {
      return error;
    }
  }

  async #opened(): Promise<OpenLog> {
    const { directory, bytesMax } = this.#settings;
    if (this.#open === undefined) {
      const log = await SegmentLog.open({ directory, bytesMax, isTemporary: true });
      this.#open = { log, reader: new SegmentReader(log, 0) };
    }
    return this.#open;
  }
}

/**
 * Puts on disk what an output has no room for, so that its neighbours and the source go on. What is there is not settled:
 * a checkpoint waits for it, and after a crash the source brings it again, so that a spool begins empty.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event } from '../event/event.ts';
import type { Clock } from '../util/clock.ts';
import type { Logger } from '../util/logger.ts';
import { secondsText } from '../util/secondsText.ts';
import { decodeEvents } from './eventLines.ts';
import { SpoolRuns } from './spoolRuns.ts';

export interface SpoolSettings {
  /** Of this spool alone; made when it is needed. */
  readonly directory: string;
  /** Beyond it the source waits. */
  readonly bytesMax: number;
  /** Gives events to the output, as its `write`: what it returns is that there is no room. */
  readonly write: (events: readonly Event[]) => void | Promise<void>;
  /** Takes an event that cannot be encoded, and settles it. */
  readonly refuse: (event: Event, error: unknown) => void;
  /** The output or the disk broke down; the events that are here stay unsettled. */
  readonly onBroken: (error: unknown) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A queue that is full for moments, as under load, is not worth a line. */
const SAID_AFTER_MS = 30_000;

export class Spool {
  readonly #settings: SpoolSettings;
  readonly #runs: SpoolRuns;
  /** While the output has no room, or runs wait: what comes has to queue up behind them. Never rejects. */
  #draining: Promise<void> | undefined;
  #sinceMs = 0;
  #isSaid = false;
  #isBroken = false;

  constructor(settings: SpoolSettings) {
    this.#settings = settings;
    this.#runs = new SpoolRuns(settings);
  }

  /** Takes events in any case; resolves when there is room for more, `undefined` while there is. */
  write(events: readonly Event[]): void | Promise<void> {
    if (this.#isBroken) return;
    if (this.#draining !== undefined) {
      this.#runs.add(events);
      this.#say();
      return this.#runs.room();
    }
    const room = this.#settings.write(events);
    if (room) this.#draining = this.#drain(room);
  }

  async #drain(room: Promise<void>): Promise<void> {
    this.#sinceMs = this.#settings.clock.monotonic();
    this.#isSaid = false;
    try {
      await room;
      while (!this.#runs.isEmpty) await this.#giveBack();
      this.#draining = undefined;
    } catch (error) {
      this.#isBroken = true;
      this.#settings.onBroken(error);
      await this.#runs.close();
      return;
    }
    if (!this.#isSaid) return;
    const lasted = secondsText(this.#settings.clock.monotonic() - this.#sinceMs);
    this.#settings.logger.info(`the output has all that waited on disk, after ${lasted}`);
  }

  async #giveBack(): Promise<void> {
    for (const { batch, payload } of await this.#runs.take()) {
      const events = decodeEvents(payload);
      for (const event of events) event.batch = batch;
      const room = this.#settings.write(events);
      if (room) await room;
    }
  }

  #say(): void {
    const { clock, logger, directory } = this.#settings;
    if (this.#isSaid || clock.monotonic() - this.#sinceMs < SAID_AFTER_MS) return;
    this.#isSaid = true;
    logger.info(`the output has had no room for ${secondsText(SAID_AFTER_MS)}: events wait on disk, in ${directory}`);
  }

  /** Waits until the output has all, then frees the disk. */
  async close(): Promise<void> {
    await this.#draining;
    await this.#runs.close();
  }

  /** When the oldest event came that waits here; `undefined` for none. */
  get oldestMs(): number | undefined {
    return this.#runs.oldestMs;
  }

  get status(): Readonly<Record<string, unknown>> {
    return { spooled_events: this.#runs.events, spooled_bytes: this.#runs.bytes };
  }
}

/** Where the outputs of a pipeline have their spools. */
export function spoolDirectory(dataPath: string, pipelineId: string, ...below: readonly string[]): string {
  return join(dataPath, 'spool', ...[pipelineId, ...below].map(fileName));
}

/** Takes away what an earlier process, or worker, left: its sources bring it again. */
export async function clearSpools(dataPath: string, pipelineId: string, ...below: readonly string[]): Promise<void> {
  await rm(spoolDirectory(dataPath, pipelineId, ...below), { recursive: true, force: true });
}

/** Any name as that of one file, no two the same. */
function fileName(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replaceAll('.', '%2E') || '%';
}

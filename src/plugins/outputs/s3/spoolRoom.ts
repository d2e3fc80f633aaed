import type { Clock } from '../../../util/clock.ts';
import type { Logger } from '../../../util/logger.ts';
import { secondsText } from '../../../util/secondsText.ts';
import type { SpoolUsage } from './spoolUsage.ts';

/** Text in memory that is not on its way to the disk: from here on all files are written. */
const GATHERED_BYTES_MAX = 12 * 1024 * 1024;
/** All text in memory: at this the source waits. */
const MEMORY_BYTES_MAX = 16 * 1024 * 1024;
/** Text on its way to the disk, and this too: more would not come there any sooner. */
const LEAVING_BYTES_MAX = 4 * 1024 * 1024;
const SAID_EVERY_MS = 30_000;

export interface SpoolRoomSettings {
  readonly usage: SpoolUsage;
  readonly spoolBytesMax: number;
  readonly objectsMax: number;
  /** Objects that wait or are being uploaded. */
  readonly objects: () => number;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Makes the source wait while too much waits for upload. */
export class SpoolRoom {
  readonly #settings: SpoolRoomSettings;
  #waiters: (() => void)[] = [];
  #sinceMs = 0;
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(settings: SpoolRoomSettings) {
    this.#settings = settings;
  }

  get isSpoolFull(): boolean {
    const { usage, spoolBytesMax } = this.#settings;
    return usage.memoryBytes + usage.diskBytes > spoolBytesMax;
  }

  get shouldFlush(): boolean {
    const { memoryBytes, leavingBytes } = this.#settings.usage;
    return memoryBytes - leavingBytes > GATHERED_BYTES_MAX;
  }

  /** `undefined` while there is room. */
  wait(): Promise<void> | undefined {
    const reason = this.#fullReason();
    if (reason === undefined) return undefined;
    const nowMs = this.#settings.clock.monotonic();
    if (this.#waiters.length === 0) this.#sinceMs = nowMs;
    if (nowMs - this.#saidMs >= SAID_EVERY_MS) {
      this.#saidMs = nowMs;
      this.#settings.logger.warn(`the source waits for s3, nothing is lost: ${reason}`);
    }
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** To be called when something became less. */
  progressed(): void {
    if (this.#waiters.length === 0 || this.#fullReason() !== undefined) return;
    const waitedMs = this.#settings.clock.monotonic() - this.#sinceMs;
    if (waitedMs >= SAID_EVERY_MS) {
      this.#settings.logger.info(`the source goes on after it waited ${secondsText(waitedMs)} for s3`);
    }
    this.release();
  }

  /** Lets the source go on in any case: nothing more is taken. */
  release(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }

  #fullReason(): string | undefined {
    const { usage, spoolBytesMax, objectsMax, objects } = this.#settings;
    if (this.isSpoolFull) return `max_spool_bytes => ${spoolBytesMax} are used up`;
    if (objects() > objectsMax) return `${objects()} objects wait for upload (upload_queue_size)`;
    const isCrowded = usage.memoryBytes > MEMORY_BYTES_MAX || usage.leavingBytes > LEAVING_BYTES_MAX;
    return isCrowded ? `${usage.memoryBytes} bytes wait to be written to disk` : undefined;
  }
}

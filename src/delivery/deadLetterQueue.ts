/**
 * Events that a destination refuses for good, on disk until somebody replays or purges them. Each is synced before it
 * counts as settled; those that come together share one fsync.
 */
import type { Event } from '../event/event.ts';
import { encodeJson } from '../event/json.ts';
import { setKey, type ValueMap } from '../event/value.ts';
import type { Clock } from '../util/clock.ts';
import type { Logger } from '../util/logger.ts';
import { emptySegments, readRemoved } from './deadLetters.ts';
import { listSegments, repairSegment, SegmentDamaged, SegmentLog } from './segmentLog.ts';

export interface DeadLetterQueueSettings {
  /** Made with the first entry. */
  readonly directory: string;
  /** Beyond it an event waits, unsettled, until there is room; or older ones go. Default 1 GiB. */
  readonly bytesMax?: number | undefined;
  /** What goes when the bound is reached. Default `nothing`: no event is lost, those that need the queue wait. */
  readonly dropsWhenFull?: 'nothing' | 'oldest' | undefined;
  /** Entries are removed when they are older. Default: never. */
  readonly maxAgeMs?: number | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface DeadLetter {
  readonly pluginType: string;
  readonly pluginId: string;
  readonly reason: string;
  /** When it was refused, in milliseconds since 1970. */
  readonly timeMs: number;
}

/** As it stands on disk. */
interface Entry {
  readonly entry_time: string;
  readonly plugin_type: string;
  readonly plugin_id: string;
  readonly reason: string;
  readonly origin: string | null;
  readonly metadata: ValueMap;
  readonly event: ValueMap;
}

const BYTES_MAX = 1024 * 1024 * 1024;
/** Room that is made ahead of the bound, as much as a segment of the log. */
const SEGMENT_SHARE = 1 / 64;
const TIDY_MS = 60_000;

export class DeadLetterQueue {
  readonly #settings: DeadLetterQueueSettings;
  readonly #bytesMax: number;
  #log: Promise<SegmentLog> | undefined;
  #prepared: Promise<unknown> = Promise.resolve();
  #tidiedMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(settings: DeadLetterQueueSettings) {
    this.#settings = settings;
    this.#bytesMax = settings.bytesMax ?? BYTES_MAX;
  }

  /** Entries since the start of this process. */
  get count(): number {
    return this.#count;
  }

  /** Resolves when the entry is on disk. Rejects when the disk or the bound refuses it: the event must then not be settled. */
  add(event: Event, letter: DeadLetter): Promise<void> {
    return this.addEncoded(encodeDeadLetter(event, letter));
  }

  /** As `add`, of what `encodeDeadLetter` gave. */
  async addEncoded(bytes: Uint8Array): Promise<void> {
    // One after another, so that entries keep their order; the writes themselves go together.
    const prepared = this.#prepared.then(() => this.#prepare(bytes.length));
    this.#prepared = prepared.catch(() => {});
    await (await prepared).append([bytes], true);
    this.#count += 1;
  }

  async #prepare(bytes: number): Promise<SegmentLog> {
    const log = await this.#open();
    await this.#tidy(log, bytes);
    return log;
  }

  async close(): Promise<void> {
    await this.#prepared;
    const log = await this.#log?.catch(() => undefined);
    this.#log = undefined;
    await log?.close();
  }

  #open(): Promise<SegmentLog> {
    if (this.#log === undefined) {
      const opened = this.#openLog();
      this.#log = opened;
      opened.catch(() => {
        if (this.#log === opened) this.#log = undefined;
      });
    }
    return this.#log;
  }

  async #openLog(): Promise<SegmentLog> {
    const { directory, logger } = this.#settings;
    const settings = { directory, bytesMax: this.#bytesMax };
    try {
      return await SegmentLog.open(settings);
    } catch (error) {
      if (!(error instanceof SegmentDamaged)) throw error;
      // What is refused today must not wait for what the disk has lost.
      for (const segment of await listSegments(directory)) await repairSegment(segment);
      logger.error(`the dead letter queue was damaged: ${error.message}; the bytes are kept beside it as *.damaged`);
      return SegmentLog.open(settings);
    }
  }

  /** Makes room: what tools have removed, what is too old, and at the bound, if so set, what is oldest. */
  async #tidy(log: SegmentLog, bytes: number): Promise<void> {
    const { directory, clock, maxAgeMs, dropsWhenFull } = this.#settings;
    const isFull = log.bytes + bytes > this.#bytesMax * (1 - SEGMENT_SHARE);
    if (!isFull && clock.monotonic() - this.#tidiedMs < TIDY_MS) return;
    this.#tidiedMs = clock.monotonic();
    const removed = await readRemoved(directory);
    const olderThanMs = maxAgeMs === undefined ? undefined : clock.now() - maxAgeMs;
    await log.trim(await emptySegments(log, removed, olderThanMs));
    if (!isFull || dropsWhenFull !== 'oldest' || log.bytes + bytes <= this.#bytesMax * (1 - SEGMENT_SHARE)) return;
    const [, second] = log.segments;
    if (second === undefined) return;
    const { logger } = this.#settings;
    logger.error('the dead letter queue is full: its oldest entries are dropped', {
      dropped: second.firstId - log.headId,
    });
    await log.trim(second.firstId);
  }
}

/** The entry as it stands on disk. */
export function encodeDeadLetter(event: Event, { pluginType, pluginId, reason, timeMs }: DeadLetter): Uint8Array {
  return encodeEntry({
    entry_time: new Date(timeMs).toISOString(),
    plugin_type: pluginType,
    plugin_id: pluginId,
    reason,
    origin: event.origin ?? null,
    metadata: event.metadata,
    event: event.data,
  });
}

/** A value that cannot be written is what may have brought the event here: the others are kept without it. */
function encodeEntry(entry: Entry): Buffer {
  try {
    return Buffer.from(encodeJson({ ...entry }));
  } catch {
    const lost: string[] = [];
    const [metadata, event] = [encodable(entry.metadata, lost), encodable(entry.event, lost)];
    const reason = `${entry.reason} (kept without what cannot be encoded: ${lost.join(', ')})`;
    return Buffer.from(encodeJson({ ...entry, reason, metadata, event }));
  }
}

function encodable(map: ValueMap, lost: string[]): ValueMap {
  const kept: ValueMap = {};
  for (const key of Object.keys(map)) {
    try {
      const value = map[key] ?? null;
      encodeJson(value);
      setKey(kept, key, value);
    } catch {
      lost.push(key);
    }
  }
  return kept;
}

/**
 * Events that a destination refuses for good, one JSON text a line. Writes that come together share one fsync.
 */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Event } from '../event/event.ts';
import { encodeJson } from '../event/json.ts';

export interface DeadLetter {
  readonly pluginType: string;
  readonly pluginId: string;
  readonly reason: string;
  /** When it was refused, in milliseconds since 1970. */
  readonly timeMs: number;
}

export class DeadLetterQueue {
  readonly #path: string;
  #handle: FileHandle | undefined;
  #lines: string[] = [];
  /** The write that takes what is added now. */
  #next: Promise<void> | undefined;
  /** Ends, whether well or not, with the last write begun. */
  #writing: Promise<unknown> = Promise.resolve();
  #count = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Entries since the start of this process. */
  get count(): number {
    return this.#count;
  }

  /** Resolves when the entry is on disk. Rejects when the disk refuses it: the event must then not be settled. */
  add(event: Event, letter: DeadLetter): Promise<void> {
    const { pluginType, pluginId, reason } = letter;
    const entry = {
      entry_time: new Date(letter.timeMs).toISOString(),
      plugin_type: pluginType,
      plugin_id: pluginId,
      reason,
      origin: event.origin ?? null,
      metadata: event.metadata,
      event: event.data,
    };
    this.#lines.push(`${encodeJson(entry)}\n`);
    // Whoever comes while a write runs is taken along by the next one.
    this.#next ??= this.#writeAfter(this.#writing);
    return this.#next;
  }

  #writeAfter(earlier: Promise<unknown>): Promise<void> {
    const written = earlier.then(() => this.#write());
    this.#writing = written.catch(() => {});
    return written;
  }

  async #write(): Promise<void> {
    const lines = this.#lines;
    this.#lines = [];
    this.#next = undefined;
    const handle = await this.#open();
    await handle.appendFile(lines.join(''));
    await handle.datasync();
    this.#count += lines.length;
  }

  async #open(): Promise<FileHandle> {
    if (this.#handle === undefined) {
      await mkdir(dirname(this.#path), { recursive: true });
      this.#handle = await open(this.#path, 'a', 0o600);
    }
    return this.#handle;
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#handle?.close();
    this.#handle = undefined;
  }
}

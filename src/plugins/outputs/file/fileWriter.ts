import { chmod, type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { locks } from 'node:worker_threads';
import { gzip } from 'node:zlib';
import type PQueue from 'p-queue';
import { BatchHolds } from '../../../delivery/batchHolds.ts';
import type { Event } from '../../../event/event.ts';
import { type Codec, encodeWhole } from '../../../plugin-api/index.ts';
import type { Clock } from '../../../util/clock.ts';
import { messageOf } from '../../../util/errors.ts';
import type { Logger } from '../../../util/logger.ts';
import { TextBuffer } from '../../../util/textBuffer.ts';
import type { TroubleReporter } from '../../../util/troubleReporter.ts';
import { endsInsideLine, tornMemberStart } from './tornEnd.ts';

const RETRY_MS = 1000;
/** Looking before every write would cost a busy file, one with so many bytes a write, as much as the writes. */
const BUSY_BYTES = 64 * 1024;
const LOOK_MS = 100;
const NEWLINE = 0x0a;
/** A name made of event fields can be one that no file can have; waiting does not help then. */
const UNUSABLE_NAME = new Set(['ENAMETOOLONG', 'EISDIR', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ERR_INVALID_ARG_VALUE']);

const compress = promisify<Uint8Array, Buffer>(gzip);

export interface FileWriterSettings {
  readonly overwrites: boolean;
  readonly gzip: boolean;
  /** Permissions of new directories and files; `undefined` for those of the process. */
  readonly dirMode: number | undefined;
  readonly fileMode: number | undefined;
  /** Where text goes whose own path cannot be a file. */
  readonly failurePath: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly trouble: TroubleReporter;
  /** Writes of all files, a few at a time. */
  readonly queue: PQueue;
  /** Whether so many files are open that this one is closed after each write. */
  readonly isCrowded: () => boolean;
  /** Text was written: so many bytes of it are no longer in memory. */
  readonly onWritten: (bytes: number) => void;
}

interface Progress {
  bytes: Uint8Array;
  done: number;
}

/** One file: gathers text and writes it in order. Events are settled when their text is written. */
export class FileWriter {
  readonly path: string;
  /** Order of the last use among all files. */
  lastUse = 0;
  /** Since the last look for stale files. */
  isActive = true;
  readonly #settings: FileWriterSettings;
  readonly #text = new TextBuffer();
  #holds = new BatchHolds();
  #handle: FileHandle | undefined;
  /** The file ends in a line that a crash cut off. */
  #isInsideLine = false;
  /** When it was looked whether the file is still there. */
  #lookedMs = Number.NEGATIVE_INFINITY;
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** When the first text of each write came: those under way, then the one being gathered. */
  readonly #sinceMs: number[] = [];
  #isGathering = false;

  constructor(path: string, settings: FileWriterSettings) {
    this.path = path;
    this.#settings = settings;
  }

  get pendingBytes(): number {
    return this.#text.length;
  }

  get isIdle(): boolean {
    return this.#waiting === 0 && this.#text.length === 0 && this.#handle === undefined;
  }

  /** When the oldest text came that is not written. */
  get unsettledSinceMs(): number | undefined {
    return this.#sinceMs[0];
  }

  /**
   * Gives the number of bytes it takes in memory. Overwriting, only the last text counts.
   * @throws what the codec throws; the event is not in then
   */
  append(event: Event, codec: Codec): number {
    const before = this.#text.length;
    if (this.#settings.overwrites) {
      const text = new TextBuffer();
      codec.encode(event, text);
      this.#text.truncate(0);
      this.#text.appendBytes(text.peek(), 0, text.length);
    } else {
      encodeWhole(codec, event, this.#text);
    }
    this.#holds.add(event.batch);
    if (!this.#isGathering) this.#sinceMs.push(this.#settings.clock.now());
    this.#isGathering = true;
    return this.#text.length - before;
  }

  /** Resolves when all that was appended is written and settled. Never rejects. */
  flush(): Promise<void> {
    const [text, holds] = [this.#text.take(), this.#holds];
    const gathered = this.#isGathering;
    this.#holds = new BatchHolds();
    this.#isGathering = false;
    return this.#enqueue(async () => {
      if (text.length > 0) {
        await this.#writeUntilDone(text);
        this.#text.reuse(text);
      }
      holds.settle();
      if (gathered) this.#sinceMs.shift();
      this.#settings.onWritten(text.length);
      if (this.#settings.isCrowded()) await this.#close(false);
    });
  }

  /** Writes what is pending and closes the file; a later write opens it again. */
  release(syncs: boolean): Promise<void> {
    void this.flush();
    return this.#enqueue(() => this.#close(syncs));
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    this.#waiting += 1;
    this.#tail = this.#tail.then(async () => {
      await this.#settings.queue.add(task);
      this.#waiting -= 1;
    });
    return this.#tail;
  }

  async #writeUntilDone(text: Uint8Array): Promise<void> {
    const { trouble, clock } = this.#settings;
    let progress: Progress | undefined;
    for (;;) {
      try {
        progress ??= { bytes: this.#settings.gzip ? await compress(text) : text, done: 0 };
        await this.#write(progress);
        return trouble.worked(this.path);
      } catch (error) {
        await this.#close(false);
        trouble.failed(this.path, messageOf(error));
        await clock.sleep(RETRY_MS);
      }
    }
  }

  /** A part that was written stays: the file is open for appending only. */
  async #write(progress: Progress): Promise<void> {
    const handle = await this.#current(progress.bytes.length);
    if (this.#settings.overwrites) {
      await handle.truncate(0);
      progress.done = 0;
    }
    if (this.#isInsideLine && progress.done === 0 && progress.bytes.at(-1) === NEWLINE) {
      progress.bytes = Buffer.concat([Uint8Array.of(NEWLINE), progress.bytes]);
    }
    this.#isInsideLine = false;
    while (progress.done < progress.bytes.length) {
      const { bytesWritten } = await handle.write(progress.bytes, progress.done);
      progress.done += bytesWritten;
    }
  }

  /** A file that was deleted or replaced while open is opened, and made, again. */
  async #current(bytes: number): Promise<FileHandle> {
    if (this.#handle !== undefined) {
      const nowMs = this.#settings.clock.monotonic();
      if (bytes > BUSY_BYTES && nowMs - this.#lookedMs < LOOK_MS) return this.#handle;
      this.#lookedMs = nowMs;
      const [ours, present] = await Promise.all([this.#handle.stat(), stat(this.path).catch(() => undefined)]);
      if (present?.ino === ours.ino && present.dev === ours.dev) return this.#handle;
      await this.#close(false);
    }
    this.#handle = await this.#open();
    return this.#handle;
  }

  async #open(): Promise<FileHandle> {
    const { failurePath } = this.#settings;
    try {
      return await this.#openAt(this.path);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (failurePath === undefined || !UNUSABLE_NAME.has(code)) throw error;
      return this.#openAt(failurePath);
    }
  }

  async #openAt(path: string): Promise<FileHandle> {
    const { dirMode, fileMode } = this.#settings;
    await mkdir(dirname(path), { recursive: true, ...(dirMode !== undefined && { mode: dirMode }) });
    const isNew = fileMode !== undefined && (await stat(path).catch(() => undefined)) === undefined;
    const handle = await open(path, 'a', fileMode ?? 0o666);
    if (isNew) await chmod(path, fileMode);
    // In turn among the workers: one must not take for torn, and take out, what another has written since it looked.
    await locks.request(`mend ${path}`, () => this.#mend(handle, path));
    return handle;
  }

  /** Only what an earlier process has left: what this one, or another, is writing now looks cut off too. */
  async #mend(handle: FileHandle, path: string): Promise<void> {
    const { overwrites, gzip: isGzip, logger } = this.#settings;
    const { size, mtimeMs } = await handle.stat();
    if (overwrites || size === 0 || mtimeMs >= performance.timeOrigin) return;
    try {
      if (!isGzip) this.#isInsideLine = await endsInsideLine(path, size);
      const end = isGzip ? await tornMemberStart(path, size) : undefined;
      if (end === undefined) return;
      await handle.truncate(end);
      logger.warn(
        'the file ended in a gzip member that a crash had cut off, of events that were not settled: it is taken out',
        {
          path,
          bytes: size - end,
        },
      );
    } catch (error) {
      logger.warn('the end of the file cannot be looked at; it is appended to as it is', { path, error });
    }
  }

  async #close(syncs: boolean): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    if (syncs) await handle?.datasync().catch(() => undefined);
    await handle?.close().catch(() => undefined);
  }
}

import type { FileHandle } from 'node:fs/promises';
import { BatchHolds } from '../../../delivery/batchHolds.ts';
import type { SourceBatch } from '../../../event/sourceBatch.ts';
import type { Clock } from '../../../util/clock.ts';
import { messageOf } from '../../../util/errors.ts';
import { TextBuffer } from '../../../util/textBuffer.ts';
import type { TroubleReporter } from '../../../util/troubleReporter.ts';
import { gzipMember } from './gzipMembers.ts';
import type { Encoding } from './objectKey.ts';
import type { SpoolDirectory } from './spoolDirectory.ts';
import type { SpoolUsage } from './spoolUsage.ts';
import type { UploadSource } from './uploadSource.ts';

const WRITE_RETRY_MS = 1000;

export interface SpoolFileSettings {
  readonly directory: SpoolDirectory;
  readonly usage: SpoolUsage;
  readonly trouble: TroubleReporter;
  readonly clock: Clock;
  readonly gzipLevel: number;
  /** Text that is gathered before it is compressed and written as one whole. */
  readonly memberTextBytes: number;
  /** Called when text has reached the disk. */
  readonly onStored: (file: SpoolFile) => void;
}

export interface SpoolFileName {
  readonly uuid: string;
  readonly key: string;
  readonly group: string;
  readonly encoding: Encoding;
  readonly createdMs: number;
}

/**
 * The local file of one object to be. Text gathers in memory and goes to disk in whole pieces, each a gzip member of its
 * own, so that what stands on disk is valid at any time. The file is held open: removing it does not lose its events.
 */
export class SpoolFile implements UploadSource {
  readonly key: string;
  readonly group: string;
  readonly encoding: Encoding;
  readonly createdMs: number;
  readonly path: string;
  lines = 0;
  /** Order of the last write among all files of the output. */
  lastUse = 0;
  /** Bytes of text, whether on disk or not. */
  textBytes = 0;
  /** Text on its way to the disk. */
  inFlightBytes = 0;
  /** Whether some event comes from a source that cannot bring it again. */
  isPrecious = false;
  readonly #settings: SpoolFileSettings;
  readonly #uuid: string;
  readonly #holds = new BatchHolds();
  readonly #text = new TextBuffer();
  #handle: FileHandle | undefined;
  #size = 0;
  #describedAsPrecious = false;
  #tail: Promise<void> = Promise.resolve();

  constructor(name: SpoolFileName, settings: SpoolFileSettings) {
    this.key = name.key;
    this.group = name.group;
    this.encoding = name.encoding;
    this.createdMs = name.createdMs;
    this.#uuid = name.uuid;
    this.#settings = settings;
    this.path = settings.directory.dataPath(name.uuid);
  }

  /** Bytes on disk. */
  get size(): number {
    return this.#size;
  }

  append(text: string, batch: SourceBatch, isReplayable: boolean): void {
    if (!isReplayable) this.isPrecious = true;
    const bytes = this.#text.append(text);
    this.textBytes += bytes;
    this.#settings.usage.memoryBytes += bytes;
    this.lines += 1;
    this.#holds.add(batch);
    if (this.#text.length >= this.#settings.memberTextBytes) this.seal();
  }

  /** Sends the gathered text on its way to the disk. */
  seal(): void {
    if (this.#text.length === 0) return;
    const text = this.#text.take();
    this.inFlightBytes += text.length;
    this.#tail = this.#tail.then(() => this.#store(text));
  }

  async #store(text: Uint8Array): Promise<void> {
    const storedBytes = await this.#writeUntilDone(text);
    const { usage } = this.#settings;
    usage.memoryBytes -= text.length;
    usage.diskBytes += storedBytes;
    this.#size += storedBytes;
    this.inFlightBytes -= text.length;
    this.#settings.onStored(this);
  }

  /** A full disk is waited for: the text stays in memory, and memory is bounded by making the source wait. */
  async #writeUntilDone(text: Uint8Array): Promise<number> {
    const { trouble, clock, gzipLevel } = this.#settings;
    for (;;) {
      try {
        const bytes = this.encoding === 'gzip' ? await gzipMember(text, gzipLevel) : text;
        await this.#write(bytes);
        trouble.worked(this.key);
        return bytes.length;
      } catch (error) {
        trouble.failed(this.key, messageOf(error));
        await clock.sleep(WRITE_RETRY_MS);
      }
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { directory } = this.#settings;
    const { isPrecious } = this;
    if (this.#handle === undefined || isPrecious !== this.#describedAsPrecious) {
      const { key, encoding, createdMs } = this;
      await directory.describe(this.#uuid, { key, encoding, createdMs, isPrecious }, this.#handle !== undefined);
      this.#describedAsPrecious = isPrecious;
    }
    this.#handle ??= await directory.create(this.#uuid);
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#size + done);
      done += bytesWritten;
    }
  }

  async whenStored(): Promise<void> {
    this.seal();
    await this.whenSealedStored();
  }

  /** Resolves when what is on its way now has arrived on disk. */
  whenSealedStored(): Promise<void> {
    return this.#tail;
  }

  async open(): Promise<{ handle: FileHandle; size: number } | undefined> {
    return this.#handle === undefined ? undefined : { handle: this.#handle, size: this.#size };
  }

  async uploaded(): Promise<void> {
    this.#holds.settle();
    this.#settings.usage.diskBytes -= this.#size;
    await this.kept();
    await this.#settings.directory.remove(this.#uuid);
  }

  async kept(): Promise<void> {
    await this.#handle?.close().catch(() => undefined);
  }
}

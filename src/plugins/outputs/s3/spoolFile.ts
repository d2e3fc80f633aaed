import type { FileHandle } from 'node:fs/promises';
import { BatchHolds } from '../../../delivery/batchHolds.ts';
import type { Event } from '../../../event/event.ts';
import { type Codec, encodeWhole } from '../../../plugin-api/index.ts';
import type { Clock } from '../../../util/clock.ts';
import { messageOf } from '../../../util/errors.ts';
import type { MemberCompressor } from '../../../util/memberCompressor.ts';
import { type SpareBytes, TextBuffer } from '../../../util/textBuffer.ts';
import type { TroubleReporter } from '../../../util/troubleReporter.ts';
import type { ObjectBody } from './objectBody.ts';
import type { Encoding } from './objectKey.ts';
import { RecordNotes } from './recordNotes.ts';
import type { ShardRange } from './shardRanges.ts';
import type { SpoolDescription, SpoolDirectory } from './spoolDirectory.ts';
import type { SpoolPlaces } from './spoolPlaces.ts';
import type { SpoolUsage } from './spoolUsage.ts';
import type { UploadSource } from './uploadSource.ts';

const NEWLINE = 0x0a;
const WRITE_RETRY_MS = 1000;
/** A file of a prefix that few events have should not cost much memory. */
const TEXT_BYTES_FIRST = 1024;

export interface SpoolFileSettings {
  readonly directory: SpoolDirectory;
  readonly places: SpoolPlaces;
  readonly usage: SpoolUsage;
  readonly trouble: TroubleReporter;
  readonly clock: Clock;
  readonly compressor: MemberCompressor;
  readonly spareBytes: SpareBytes;
  /** Text that is gathered before it is compressed and written as one whole. */
  readonly memberTextBytes: number;
  /** Whether the manifest wants to know the records of an object. */
  readonly notesRanges: boolean;
  /** Called when text has reached the disk. */
  readonly onStored: (file: SpoolFile) => void;
}

export interface SpoolFileName {
  readonly uuid: string;
  readonly key: string;
  readonly group: string;
  readonly encoding: Encoding;
  readonly createdMs: number;
  /** The same moment by the monotonic clock. */
  readonly openedMs: number;
  /** Whether its events come from a source that cannot bring them again. */
  readonly isPrecious: boolean;
}

/**
 * One object to be. Text gathers in memory and goes to disk in whole pieces, each a gzip member of its own, so that what
 * stands on disk is valid at any time. The file is held open: removing it does not lose its events. What is uploaded is the
 * file and what is still in memory, so that neither a full disk nor a lack of places for files holds up an upload.
 */
export class SpoolFile implements UploadSource {
  readonly key: string;
  readonly group: string;
  readonly encoding: Encoding;
  readonly createdMs: number;
  readonly openedMs: number;
  readonly isPrecious: boolean;
  readonly path: string;
  lines = 0;
  /** Bytes of text, whether on disk or not. */
  textBytes = 0;
  readonly #settings: SpoolFileSettings;
  readonly #uuid: string;
  readonly #holds = new BatchHolds();
  readonly #notes: RecordNotes;
  readonly #text: TextBuffer;
  /** Text on its way to the disk, oldest first. */
  readonly #leaving: Buffer[] = [];
  #hasPlace = false;
  #handle: FileHandle | undefined;
  #size = 0;
  #described: SpoolDescription | undefined;
  #tail: Promise<void> = Promise.resolve();
  #isUploaded = false;
  #wakeRetry: AbortController | undefined;

  constructor(name: SpoolFileName, settings: SpoolFileSettings) {
    this.key = name.key;
    this.group = name.group;
    this.encoding = name.encoding;
    this.createdMs = name.createdMs;
    this.openedMs = name.openedMs;
    this.isPrecious = name.isPrecious;
    this.#uuid = name.uuid;
    this.#notes = new RecordNotes(name.createdMs, settings.notesRanges);
    this.#text = new TextBuffer(TEXT_BYTES_FIRST, settings.spareBytes);
    this.#settings = settings;
    this.path = settings.directory.dataPath(name.uuid);
  }

  get shards(): readonly ShardRange[] {
    return this.#notes.ranges?.all ?? [];
  }

  /** Bytes on disk. */
  get size(): number {
    return this.#size;
  }

  /** Text on its way to the disk. */
  get inFlightBytes(): number {
    return this.#leaving.reduce((sum, { length }) => sum + length, 0);
  }

  get hasUnsealed(): boolean {
    return this.#text.length > 0;
  }

  /** Whether there is text that should be on disk and found no place there. */
  get isHomeless(): boolean {
    return this.#text.length >= this.#settings.memberTextBytes;
  }

  /** @throws what the codec throws; the event is not in then */
  append(event: Event, codec: Codec): void {
    const bytes = encodeWhole(codec, event, this.#text);
    this.textBytes += bytes;
    this.#settings.usage.memoryBytes += bytes;
    this.lines += 1;
    this.#holds.add(event.batch);
    this.#notes.add(event, bytes === 0 || this.#text.lastByte === NEWLINE);
    if (this.#text.length >= this.#settings.memberTextBytes) this.seal();
  }

  /** Sends the gathered text on its way to the disk, if there is a place for a file. */
  seal(): void {
    if (this.#text.length === 0 || this.#isUploaded) return;
    this.#hasPlace ||= this.#settings.places.take();
    if (this.#hasPlace) this.#store();
  }

  #store(): void {
    const text = this.#text.take();
    this.#leaving.push(text);
    this.#settings.usage.leavingBytes += text.length;
    this.#tail = this.#tail.then(() => this.#storeUnlessUploaded(text));
  }

  async #storeUnlessUploaded(text: Buffer): Promise<void> {
    const storedBytes = await this.#writeUntilDone(text);
    if (storedBytes === undefined) return;
    const { usage } = this.#settings;
    this.#leaving.shift();
    this.#size += storedBytes;
    usage.leavingBytes -= text.length;
    usage.memoryBytes -= text.length;
    usage.diskBytes += storedBytes;
    this.#text.reuse(text);
    this.#settings.onStored(this);
  }

  /** A full disk is waited for: the text stays in memory, and memory is bounded by making the source wait. */
  async #writeUntilDone(text: Uint8Array): Promise<number | undefined> {
    const { trouble, clock } = this.#settings;
    while (!this.#isUploaded) {
      try {
        const bytes = await this.#encoded(text);
        await this.#write(bytes);
        trouble.worked(this.key);
        return bytes.length;
      } catch (error) {
        trouble.failed(this.key, messageOf(error));
        this.#wakeRetry ??= new AbortController();
        await clock.sleep(WRITE_RETRY_MS, this.#wakeRetry.signal);
      }
    }
    trouble.forget(this.key);
    return undefined;
  }

  async #encoded(text: Uint8Array): Promise<Uint8Array> {
    return this.encoding === 'gzip' ? this.#settings.compressor.compress(text) : text;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { directory } = this.#settings;
    const described = this.#description();
    if (this.#handle === undefined) {
      this.#described = described;
      this.#handle = await directory.create(this.#uuid, described);
    } else if (described !== this.#described) {
      await directory.describe(this.#uuid, described);
      this.#described = described;
    }
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#size + done);
      done += bytesWritten;
    }
  }

  /** The last one, as long as it says enough. */
  #description(): SpoolDescription {
    if (this.#described !== undefined && this.#notes.agreeWith(this.#described)) return this.#described;
    const { key, encoding, createdMs, isPrecious } = this;
    return { key, encoding, createdMs, isPrecious, ...this.#notes.summary };
  }

  /** Resolves when what is on its way now has arrived on disk. */
  whenSealedStored(): Promise<void> {
    return this.#tail;
  }

  async body(): Promise<ObjectBody | undefined> {
    const fileBytes = this.#size;
    const text = Buffer.concat([...this.#leaving, this.#text.peek()]);
    if (fileBytes + text.length === 0) return undefined;
    const memory = text.length === 0 ? text : await this.#encoded(text);
    return { handle: this.#handle, fileBytes, memory };
  }

  /** The file goes first: after a crash it would take the place of the object, and what was in memory is not in it. */
  async uploaded(): Promise<void> {
    this.#isUploaded = true;
    this.#wakeRetry?.abort();
    await this.#tail;
    const { usage, directory } = this.#settings;
    await this.#close();
    if (this.#described !== undefined) await directory.remove(this.#uuid);
    usage.leavingBytes -= this.inFlightBytes;
    usage.memoryBytes -= this.#text.length + this.inFlightBytes;
    usage.diskBytes -= this.#size;
    this.#holds.settle();
  }

  async kept(): Promise<void> {
    if (this.#text.length > 0) this.#store();
    await this.#tail;
    await this.#close();
  }

  async #close(): Promise<void> {
    await this.#handle?.close().catch(() => undefined);
    if (this.#hasPlace) this.#settings.places.giveBack();
    this.#hasPlace = false;
  }
}

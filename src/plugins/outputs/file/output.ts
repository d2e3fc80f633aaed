import { existsSync } from 'node:fs';
import PQueue from 'p-queue';
import { Burial } from '../../../delivery/burial.ts';
import type { Event } from '../../../event/event.ts';
import type { Codec, CodecFactory, Output, OutputContext } from '../../../plugin-api/index.ts';
import { TroubleReporter } from '../../../util/troubleReporter.ts';
import { compileFilePath, type FilePath } from './filePath.ts';
import { FileWriter, type FileWriterSettings } from './fileWriter.ts';

/** Text of one file that is written without waiting for `flush_interval`. */
const FILE_FLUSH_BYTES = 256 * 1024;
/** Text of all files, from which the source waits. */
const MEMORY_BYTES_MAX = 16 * 1024 * 1024;
const OPEN_FILES_MAX = 512;
const CONCURRENT_WRITES = 16;

export interface FileOptions {
  readonly path: string;
  readonly flush_interval: number;
  readonly gzip: boolean;
  readonly filename_failure: string;
  readonly create_if_deleted: boolean;
  readonly dir_mode: number;
  readonly file_mode: number;
  readonly write_behavior: 'append' | 'overwrite';
  readonly stale_cleanup_interval: number;
  readonly codec: CodecFactory;
}

export class FileOutput implements Output {
  readonly #options: FileOptions;
  readonly #context: OutputContext;
  readonly #codec: Codec;
  readonly #path: FilePath;
  readonly #writers = new Map<string, FileWriter>();
  readonly #writerSettings: FileWriterSettings;
  readonly #stopped = new AbortController();
  readonly #burial: Burial;
  #loops: Promise<void>[] | undefined;
  #closing: Promise<void> | undefined;
  #waiters: (() => void)[] = [];
  #memoryBytes = 0;
  #uses = 0;

  constructor(options: FileOptions, context: OutputContext) {
    this.#options = options;
    this.#context = context;
    this.#burial = new Burial(context);
    this.#codec = options.codec.open();
    this.#path = compileFilePath(options.path, options.filename_failure);
    this.#writerSettings = {
      overwrites: options.write_behavior === 'overwrite',
      gzip: options.gzip,
      dirMode: permissions(options.dir_mode),
      fileMode: permissions(options.file_mode),
      failurePath: this.#path.isDynamic ? this.#path.failurePath : undefined,
      clock: context.clock,
      logger: context.logger,
      trouble: new TroubleReporter(`writing to ${options.path}`, context.logger, context.clock),
      queue: new PQueue({ concurrency: CONCURRENT_WRITES }),
      isCrowded: () => this.#writers.size > OPEN_FILES_MAX,
      onWritten: (bytes) => this.#written(bytes),
    };
  }

  write(events: readonly Event[]): void | Promise<void> {
    this.#start();
    const touched = new Set<FileWriter>();
    for (const event of events) {
      try {
        touched.add(this.#append(this.#pathOf(event), event));
      } catch (error) {
        this.#reject(event, error);
      }
    }
    const writesAtOnce = this.#options.flush_interval <= 0;
    for (const writer of touched) {
      if (writesAtOnce || writer.pendingBytes >= FILE_FLUSH_BYTES) void writer.flush();
    }
    return this.#waitForRoom();
  }

  #pathOf(event: Event): string {
    const path = this.#path.of(event);
    if (path === undefined) {
      const failures = this.#context.counter('outside_root');
      failures.value += 1;
      if (failures.value === 1) {
        this.#context.logger.warn(
          'File: an event tried to write outside the files root; such events go to the failure file, and are counted',
          { filename: this.#path.failurePath },
        );
      }
      return this.#path.failurePath;
    }
    if (!this.#options.create_if_deleted && !existsSync(path)) return this.#path.failurePath;
    return path;
  }

  /** @throws what the codec throws */
  #append(path: string, event: Event): FileWriter {
    let writer = this.#writers.get(path);
    if (writer === undefined) {
      if (this.#writers.size >= OPEN_FILES_MAX) this.#releaseOldest();
      writer = new FileWriter(path, this.#writerSettings);
      this.#writers.set(path, writer);
    }
    writer.lastUse = ++this.#uses;
    writer.isActive = true;
    this.#memoryBytes += writer.append(event, this.#codec);
    return writer;
  }

  #releaseOldest(): void {
    let oldest: FileWriter | undefined;
    for (const writer of this.#writers.values()) {
      if (oldest === undefined || writer.lastUse < oldest.lastUse) oldest = writer;
    }
    if (oldest !== undefined) void this.#release(oldest);
  }

  /** A writer that is used again meanwhile stays. */
  async #release(writer: FileWriter): Promise<void> {
    await writer.release(false);
    if (writer.isIdle) this.#writers.delete(writer.path);
  }

  /** An event that cannot be encoded would stop Logstash's pipeline. */
  #reject(event: Event, error: unknown): void {
    this.#context.counter('unwritable_events').value += 1;
    void this.#burial.isolate(event, 'cannot be written', error);
  }

  #waitForRoom(): void | Promise<void> {
    if (this.#memoryBytes > MEMORY_BYTES_MAX) {
      this.#flushAll();
      return new Promise((resolve) => this.#waiters.push(resolve));
    }
    return this.#burial.room();
  }

  #written(bytes: number): void {
    this.#memoryBytes -= bytes;
    if (this.#memoryBytes > MEMORY_BYTES_MAX) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }

  #flushAll(): void {
    for (const writer of this.#writers.values()) if (writer.pendingBytes > 0) void writer.flush();
  }

  #start(): void {
    const { flush_interval, stale_cleanup_interval } = this.#options;
    this.#loops ??= [
      this.#every(flush_interval * 1000, () => this.#flushAll()),
      this.#every(stale_cleanup_interval * 1000, () => this.#closeStale()),
    ];
  }

  async #every(intervalMs: number, action: () => void): Promise<void> {
    const { signal } = this.#stopped;
    while (intervalMs > 0 && !signal.aborted) {
      await this.#context.clock.sleep(intervalMs, signal);
      if (!signal.aborted) action();
    }
  }

  #closeStale(): void {
    for (const writer of this.#writers.values()) {
      if (!writer.isActive) void this.#release(writer);
      writer.isActive = false;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([...(this.#loops ?? []), this.#burial.close()]);
    await Promise.all([...this.#writers.values()].map((writer) => writer.release(true)));
    this.#writers.clear();
  }

  unsettledSinceMs(): number | undefined {
    const since = Array.from(this.#writers.values(), (writer) => writer.unsettledSinceMs);
    const known = since.filter((ms) => ms !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  status(): Readonly<Record<string, unknown>> {
    return { open_files: this.#writers.size, buffered_bytes: this.#memoryBytes };
  }
}

/**
 * `0640` is octal in a configuration. Without its zero Logstash makes files of the permissions `01200`, which nobody means:
 * a number that cannot be permissions, but whose digits can, is read by its digits.
 */
function permissions(mode: number): number | undefined {
  if (mode < 0) return undefined;
  return mode > 0o777 && /^[0-7]{3}$/.test(String(mode)) ? Number.parseInt(String(mode), 8) : mode;
}

import { Burial } from '../../../delivery/burial.ts';
import type { Event } from '../../../event/event.ts';
import type { Codec, Output, OutputContext } from '../../../plugin-api/index.ts';
import { adoptLeftovers, countAbandoned } from './leftovers.ts';
import { ObjectNames } from './objectNames.ts';
import type { S3Options } from './options.ts';
import { openParts, type Parts, type S3Dependencies } from './parts.ts';
import { RotationRules } from './rotation.ts';
import type { SpoolFile } from './spoolFile.ts';
import type { SpoolUsage } from './spoolUsage.ts';
import type { UploadSource } from './uploadSource.ts';

/** What waits in memory of a source that cannot bring it again, and of one that can. */
const PRECIOUS_FLUSH_MS = 1000;
const FLUSH_MS = 10_000;
const SWEEP_MS = 15_000;

type Chore = 'precious' | 'flush' | 'sweep';

export class S3Output implements Output {
  readonly #options: S3Options;
  readonly #context: OutputContext;
  readonly #dependencies: S3Dependencies;
  readonly #codec: Codec;
  readonly #names: ObjectNames;
  readonly #rules: RotationRules;
  #lastApart = { from: '', to: '\0' };
  readonly #usage: SpoolUsage = { memoryBytes: 0, leavingBytes: 0, diskBytes: 0 };
  readonly #stopped = new AbortController();
  readonly #burial: Burial;
  #parts: Parts | undefined;
  #ticking: Promise<void> | undefined;
  #sweeping: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  readonly #dueMs: Record<Chore, number> = { precious: 0, flush: 0, sweep: 0 };

  constructor(options: S3Options, context: OutputContext, dependencies: S3Dependencies) {
    this.#options = options;
    this.#context = context;
    this.#burial = new Burial(context);
    this.#dependencies = dependencies;
    this.#codec = options.codec.open();
    this.#names = new ObjectNames(options);
    this.#rules = new RotationRules(options);
  }

  async open(): Promise<void> {
    this.#parts = await openParts(this.#options, this.#context, {
      ...this.#dependencies,
      names: this.#names,
      rules: this.#rules,
      usage: this.#usage,
      onStored: (file) => this.#stored(file),
      onUploadEnded: () => this.#opened().room.progressed(),
    });
    if (this.#options.restore) await this.#restore();
    else await this.#tellOfLeftovers();
    this.#ticking = this.#tick();
  }

  async #tellOfLeftovers(): Promise<void> {
    const { directory } = this.#opened();
    const count = await countAbandoned(directory, this.#context.clock.now());
    if (count === 0) return;
    this.#context.logger.info(`files of ${count} earlier runs stay in ${directory.base}, since restore is false`);
  }

  write(events: readonly Event[]): void | Promise<void> {
    const { files } = this.#opened();
    const touched = new Set<SpoolFile>();
    let file: SpoolFile | undefined;
    for (const event of events) {
      try {
        const group = this.#groupOf(event);
        if (file?.group !== group) {
          file = files.get(group) ?? this.#createFile(group, event);
          if (!touched.has(file)) files.used(file);
          touched.add(file);
        }
        file.append(event, this.#codec);
      } catch (error) {
        this.#reject(event, error);
      }
    }
    for (const file of touched) {
      // It may have given way to another already.
      if (!files.has(file)) continue;
      if (this.#rules.isLargeEnough(file)) this.#rotate(file);
      else if (file.isHomeless) this.#rotateEarly(file);
    }
    const undecided = [...touched].filter((file) => this.#rules.isUndecided(file));
    return undecided.length === 0 ? this.#waitForRoom() : this.#waitForSizes(undecided);
  }

  async #waitForSizes(undecided: readonly SpoolFile[]): Promise<void> {
    await Promise.all(undecided.map((file) => file.whenSealedStored()));
    await this.#waitForRoom();
  }

  #opened(): Parts {
    if (this.#parts === undefined) throw new Error('the s3 output is not open');
    return this.#parts;
  }

  /** What cannot be read again is kept apart, so that after a crash it is uploaded without what is read again. */
  #groupOf(event: Event): string {
    const group = this.#names.groupOf(event);
    if (event.origin !== undefined) return group;
    if (group !== this.#lastApart.from) this.#lastApart = { from: group, to: `\0${group}` };
    return this.#lastApart.to;
  }

  #createFile(group: string, event: Event): SpoolFile {
    const { files } = this.#opened();
    const surplus = files.surplus();
    if (surplus !== undefined) this.#rotateEarly(surplus);
    return files.create(group, event);
  }

  /** An event that cannot be encoded or named would stop Logstash's pipeline. */
  #reject(event: Event, error: unknown): void {
    this.#context.counter('unwritable_events').value += 1;
    void this.#burial.isolate(event, 'cannot be written', error);
  }

  #rotate(file: SpoolFile): void {
    const { files, uploader } = this.#opened();
    files.remove(file);
    uploader.add(file);
  }

  #rotateEarly(file: SpoolFile): void {
    this.#context.counter('rotated_early').value += 1;
    this.#rotate(file);
  }

  #stored(file: SpoolFile): void {
    const { files, room } = this.#opened();
    if (files.has(file) && this.#rules.isLargeEnough(file)) this.#rotate(file);
    room.progressed();
  }

  #waitForRoom(): void | Promise<void> {
    const { files, room } = this.#opened();
    if (room.shouldFlush) this.#makeRoomInMemory();
    // What is open could not be uploaded before its time, and nothing else may be left to make room.
    if (room.isSpoolFull) for (const file of [...files.values()]) this.#rotate(file);
    return room.wait() ?? this.#burial.room();
  }

  async #tick(): Promise<void> {
    const { signal } = this.#stopped;
    for (;;) {
      await this.#context.clock.sleep(this.#rules.checkIntervalMs, signal);
      if (signal.aborted) return;
      this.#keepHouse(this.#context.clock.monotonic());
    }
  }

  /** Nothing here waits for a disk: rotation has to come in time. */
  #keepHouse(nowMs: number): void {
    const { files } = this.#opened();
    for (const file of [...files.values()]) {
      if (this.#rules.isOldEnough(file, nowMs)) this.#rotate(file);
    }
    if (this.#isDue('precious', PRECIOUS_FLUSH_MS, nowMs)) this.#seal(({ isPrecious }) => isPrecious);
    if (this.#isDue('flush', FLUSH_MS, nowMs)) this.#seal(() => true);
    if (!this.#isDue('sweep', SWEEP_MS, nowMs)) return;
    files.sweep();
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
  }

  /** Another process of the same pipeline may have died meanwhile. */
  async #sweep(): Promise<void> {
    await this.#opened().directory.heartbeat(this.#context.clock.now());
    if (this.#options.restore) await this.#restore();
  }

  #isDue(task: Chore, intervalMs: number, nowMs: number): boolean {
    if (nowMs < this.#dueMs[task]) return false;
    this.#dueMs[task] = nowMs + intervalMs;
    return true;
  }

  /** Also of what waits for an upload, perhaps for long. */
  #seal(isMeant: (source: UploadSource) => boolean): void {
    const { files, uploader } = this.#opened();
    for (const source of [...files.values(), ...uploader.sources()]) if (isMeant(source)) source.seal();
  }

  #makeRoomInMemory(): void {
    const { files } = this.#opened();
    this.#seal(() => true);
    for (const file of [...files.values()]) if (file.hasUnsealed) this.#rotateEarly(file);
  }

  async #restore(): Promise<void> {
    const { directory, uploader } = this.#opened();
    const { logger, clock } = this.#context;
    const base = this.#options.temporary_directory;
    const { uploads, replayed, unknown } = await adoptLeftovers(directory, this.#usage, clock.now());
    for (const file of uploads) uploader.add(file);
    if (uploads.length > 0) logger.info(`uploading ${uploads.length} files that an earlier run left in ${base}`);
    if (replayed > 0) {
      logger.info(`removed ${replayed} files that an earlier run left in ${base}: their records are read again`);
    }
    for (const path of unknown) logger.warn(`an earlier run left a file without a description; it is kept as ${path}`);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#parts === undefined) return;
    const { store, directory, files, uploader, room } = this.#parts;
    this.#stopped.abort();
    await Promise.all([this.#ticking, this.#sweeping]);
    for (const file of [...files.values()]) this.#rotate(file);
    await Promise.all([uploader.whenIdle(), this.#burial.close()]);
    room.release();
    store.close();
    await directory.close();
  }

  unsettledSinceMs(): number | undefined {
    const created = [this.#parts?.files.oldestMs(), this.#parts?.uploader.oldestMs()].filter((ms) => ms !== undefined);
    return created.length === 0 ? undefined : Math.min(...created);
  }

  status(): Readonly<Record<string, unknown>> {
    if (this.#parts === undefined) return { open_files: 0 };
    const { files, uploader } = this.#parts;
    return {
      open_files: files.count,
      uploads_waiting: uploader.waiting,
      uploads_given_up: uploader.kept,
      spool_disk_bytes: this.#usage.diskBytes,
      spool_memory_bytes: this.#usage.memoryBytes,
    };
  }
}

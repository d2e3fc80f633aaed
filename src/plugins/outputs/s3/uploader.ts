import type PQueue from 'p-queue';
import type { Counter } from '../../../plugin-api/index.ts';
import type { Clock } from '../../../util/clock.ts';
import type { Logger } from '../../../util/logger.ts';
import type { TroubleReporter } from '../../../util/troubleReporter.ts';
import type { Manifest } from './manifest.ts';
import { bodyBytes, type ObjectBody, sha256Of } from './objectBody.ts';
import type { ObjectStore } from './objectStore.ts';
import { errorCode } from './s3Errors.ts';
import type { UploadSource } from './uploadSource.ts';

export interface UploaderSettings {
  readonly queue: PQueue;
  readonly store: ObjectStore;
  readonly bucket: string;
  readonly manifest: Manifest | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly trouble: TroubleReporter;
  readonly random: () => number;
  readonly retryDelayMs: number;
  /** Tries after the first one; `undefined` for no limit. */
  readonly retryCount: number | undefined;
  readonly counters: Readonly<Record<'objects' | 'bytes' | 'lines' | 'failures', Counter>>;
  /** After each upload that ended, well or not. */
  readonly onEnded: () => void;
}

/** Uploads files, several at a time, each until it succeeds or its tries are used up. */
export class Uploader {
  readonly #settings: UploaderSettings;
  readonly #unfinished = new Map<UploadSource, Promise<void>>();
  #kept = 0;

  constructor(settings: UploaderSettings) {
    this.#settings = settings;
  }

  /** How many objects wait or are being uploaded. */
  get waiting(): number {
    return this.#unfinished.size;
  }

  sources(): Iterable<UploadSource> {
    return this.#unfinished.keys();
  }

  /** Files that were given up and stay on disk. */
  get kept(): number {
    return this.#kept;
  }

  oldestMs(): number | undefined {
    let oldest: number | undefined;
    for (const { createdMs } of this.#unfinished.keys()) oldest = Math.min(oldest ?? createdMs, createdMs);
    return oldest;
  }

  add(source: UploadSource): void {
    const done = this.#settings.queue.add(() => this.#untilUploaded(source));
    const ended = () => {
      this.#unfinished.delete(source);
      this.#settings.onEnded();
    };
    const failed = (error: unknown) =>
      this.#settings.logger.error(`after the upload of ${source.key}: ${error}`, { key: source.key });
    this.#unfinished.set(source, done.catch(failed).then(ended));
  }

  async whenIdle(): Promise<void> {
    while (this.#unfinished.size > 0) await Promise.all(this.#unfinished.values());
  }

  async #untilUploaded(source: UploadSource): Promise<void> {
    const { clock, trouble, retryCount } = this.#settings;
    for (let tries = 1; ; tries++) {
      try {
        await this.#upload(source);
        break;
      } catch (error) {
        this.#settings.counters.failures.value += 1;
        const reason = this.#settings.store.describeError(error);
        if (retryCount !== undefined && tries > retryCount) return this.#giveUp(source, reason);
        trouble.failed(source.key, reason, { key: source.key, waiting: this.waiting }, errorCode(error));
      }
      await clock.sleep(this.#delayMs());
    }
    trouble.worked(source.key);
    await source.uploaded();
  }

  async #upload(source: UploadSource): Promise<void> {
    const { store, counters, manifest } = this.#settings;
    const { key, encoding } = source;
    const body = await source.body();
    if (body === undefined) return;
    const sha256 = manifest && (await sha256Of(body));
    await store.put({ key, encoding, body });
    counters.objects.value += 1;
    counters.bytes.value += bodyBytes(body);
    counters.lines.value += source.lines ?? 0;
    if (sha256 !== undefined) await this.#note(source, body, sha256);
  }

  /** Before the events are settled: an object whose events do not come again is in the manifest. */
  async #note(source: UploadSource, body: ObjectBody, sha256: string): Promise<void> {
    const { manifest, bucket, clock } = this.#settings;
    await manifest?.add({
      bucket,
      key: source.key,
      encoding: source.encoding,
      bytes: bodyBytes(body),
      sha256,
      events: source.lines ?? null,
      begun: new Date(source.createdMs).toISOString(),
      uploaded: new Date(clock.now()).toISOString(),
      shards: source.shards,
    });
  }

  /** Logstash deletes the file here, and with it the events. */
  async #giveUp(source: UploadSource, reason: string): Promise<void> {
    this.#settings.trouble.forget(source.key);
    this.#kept += 1;
    await source.kept();
    this.#settings.logger.error(
      `upload given up after retry_count => ${this.#settings.retryCount} tries: ${reason}. ` +
        `The file is kept as ${source.path} and its events stay unsettled until the next start`,
      { key: source.key },
    );
  }

  /** Constant as Logstash's, with up to a tenth more so that many uploads do not come back at once. */
  #delayMs(): number {
    return this.#settings.retryDelayMs * (1 + this.#settings.random() / 10);
  }
}

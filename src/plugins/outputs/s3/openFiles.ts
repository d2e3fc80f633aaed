import { randomUUID } from 'node:crypto';
import { type Encoding, KEY_BYTES_MAX, objectKey } from './objectKey.ts';
import { SpoolFile, type SpoolFileSettings } from './spoolFile.ts';

/** A prefix without events for so long is forgotten, as in Logstash: its next part is 0 again. */
const PART_FORGOTTEN_MS = 15 * 60_000;
/** Object names are unique without the part, so forgetting one early does no harm. */
const PARTS_MAX = 10_000;

export class KeyTooLong extends Error {
  override name = 'KeyTooLong';
}

export interface OpenFilesSettings {
  readonly tags: readonly string[];
  readonly encoding: Encoding;
  readonly max: number;
  readonly file: SpoolFileSettings;
}

/** The files that take events, one a prefix. */
export class OpenFiles {
  readonly #settings: OpenFilesSettings;
  readonly #files = new Map<string, SpoolFile>();
  readonly #parts = new Map<string, { next: number; usedMs: number }>();

  constructor(settings: OpenFilesSettings) {
    this.#settings = settings;
  }

  get count(): number {
    return this.#files.size;
  }

  values(): Iterable<SpoolFile> {
    return this.#files.values();
  }

  get(prefix: string): SpoolFile | undefined {
    return this.#files.get(prefix);
  }

  has(file: SpoolFile): boolean {
    return this.#files.get(file.prefix) === file;
  }

  /** @throws KeyTooLong */
  create(prefix: string, nowMs: number): SpoolFile {
    const { tags, encoding } = this.#settings;
    const uuid = randomUUID();
    const part = this.#parts.get(prefix)?.next ?? 0;
    const key = objectKey({ prefix, uuid, createdMs: nowMs, tags, part, encoding });
    const keyBytes = Buffer.byteLength(key);
    if (keyBytes > KEY_BYTES_MAX) {
      throw new KeyTooLong(`the object's name would have ${keyBytes} bytes, S3 takes ${KEY_BYTES_MAX}`);
    }
    this.#parts.delete(prefix);
    this.#parts.set(prefix, { next: part + 1, usedMs: nowMs });
    const file = new SpoolFile({ uuid, key, prefix, encoding, createdMs: nowMs }, this.#settings.file);
    this.#files.set(prefix, file);
    return file;
  }

  remove(file: SpoolFile): void {
    this.#files.delete(file.prefix);
  }

  /** The file longest unused, when there are too many. */
  surplus(): SpoolFile | undefined {
    if (this.#files.size < this.#settings.max) return undefined;
    let found: SpoolFile | undefined;
    for (const file of this.#files.values()) {
      if (found === undefined || file.lastUse < found.lastUse) found = file;
    }
    return found;
  }

  oldestMs(): number | undefined {
    let oldest: number | undefined;
    for (const { createdMs } of this.#files.values()) oldest = Math.min(oldest ?? createdMs, createdMs);
    return oldest;
  }

  /** Forgets part numbers; they stand in the order of their last use. */
  sweep(nowMs: number): void {
    for (const [prefix, { usedMs }] of this.#parts) {
      const isOld = nowMs - usedMs >= PART_FORGOTTEN_MS;
      if (!isOld && this.#parts.size <= PARTS_MAX) return;
      if (!this.#files.has(prefix)) this.#parts.delete(prefix);
    }
  }
}

import { randomUUID } from 'node:crypto';
import type { Event } from '../../../event/event.ts';
import type { ObjectNames } from './objectNames.ts';
import { SpoolFile, type SpoolFileSettings } from './spoolFile.ts';

/** A group without events for so long is forgotten, as in Logstash: its next part is 0 again. */
const PART_FORGOTTEN_MS = 15 * 60_000;
/** Object names are unique without the part, so forgetting one early does no harm. */
const PARTS_MAX = 10_000;

export interface OpenFilesSettings {
  readonly names: ObjectNames;
  readonly max: number;
  readonly file: SpoolFileSettings;
}

/** The files that take events, one a group. */
export class OpenFiles {
  readonly #settings: OpenFilesSettings;
  /** In the order of their last use. */
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

  get(group: string): SpoolFile | undefined {
    return this.#files.get(group);
  }

  has(file: SpoolFile): boolean {
    return this.#files.get(file.group) === file;
  }

  /** For an event of the group, and others like it. @throws KeyTooLong */
  create(group: string, event: Event): SpoolFile {
    const { names, file: settings } = this.#settings;
    const [createdMs, openedMs] = [settings.clock.now(), settings.clock.monotonic()];
    const uuid = randomUUID();
    const part = this.#parts.get(group)?.next ?? 0;
    const key = names.keyOf(event, { uuid, createdMs, part });
    this.#parts.delete(group);
    this.#parts.set(group, { next: part + 1, usedMs: openedMs });
    const name = {
      uuid,
      key,
      group,
      encoding: names.encoding,
      createdMs,
      openedMs,
      isPrecious: event.origin === undefined,
    };
    const file = new SpoolFile(name, settings);
    this.#files.set(group, file);
    return file;
  }

  used(file: SpoolFile): void {
    this.#files.delete(file.group);
    this.#files.set(file.group, file);
  }

  remove(file: SpoolFile): void {
    this.#files.delete(file.group);
  }

  /** The file longest unused, when there are too many. */
  surplus(): SpoolFile | undefined {
    if (this.#files.size < this.#settings.max) return undefined;
    return this.#files.values().next().value;
  }

  oldestMs(): number | undefined {
    let oldest: number | undefined;
    for (const { createdMs } of this.#files.values()) oldest = Math.min(oldest ?? createdMs, createdMs);
    return oldest;
  }

  /** Forgets part numbers; they stand in the order of their last use. */
  sweep(): void {
    const nowMs = this.#settings.file.clock.monotonic();
    for (const [group, { usedMs }] of this.#parts) {
      const isOld = nowMs - usedMs >= PART_FORGOTTEN_MS;
      if (!isOld && this.#parts.size <= PARTS_MAX) return;
      if (!this.#files.has(group)) this.#parts.delete(group);
    }
  }
}

/** `manifest`: one JSON line for each object that was uploaded. */
import { access, constants, type FileHandle, open } from 'node:fs/promises';
import { PluginConfigError } from '../../../plugin-api/index.ts';
import type { Clock } from '../../../util/clock.ts';
import { messageOf } from '../../../util/errors.ts';
import type { TroubleReporter } from '../../../util/troubleReporter.ts';
import type { Encoding } from './objectKey.ts';
import type { ShardRange } from './shardRanges.ts';

export interface ManifestEntry {
  readonly bucket: string;
  readonly key: string;
  readonly encoding: Encoding;
  /** As stored. */
  readonly bytes: number;
  readonly sha256: string;
  /** `null` for a file that an earlier run left. */
  readonly events: number | null;
  /** When the object was begun and when it was uploaded, ISO 8601 in UTC. */
  readonly begun: string;
  readonly uploaded: string;
  /** Empty when the source has no sequence numbers, or for a file that an earlier run left. */
  readonly shards: readonly ShardRange[];
}

export interface ManifestSettings {
  readonly path: string;
  readonly trouble: TroubleReporter;
  readonly clock: Clock;
}

const RETRY_MS = 1000;
const NEWLINE = 0x0a;

/**
 * A file of lines. It is opened anew for each write, so that it may be moved away at any time, and several processes may
 * share it.
 */
export class Manifest {
  readonly #settings: ManifestSettings;
  #waiting: string[] = [];
  #writing: Promise<void> = Promise.resolve();

  constructor(settings: ManifestSettings) {
    this.#settings = settings;
  }

  /** @throws PluginConfigError when the file cannot be written */
  async open(): Promise<void> {
    const { path } = this.#settings;
    try {
      await (await open(path, 'a')).close();
      await access(path, constants.R_OK);
    } catch (error) {
      throw new PluginConfigError(`the manifest cannot be written: ${messageOf(error)}`, 'manifest', error);
    }
  }

  /** Resolves when the line is on disk; a disk that does not take it is waited for. */
  add(entry: ManifestEntry): Promise<void> {
    this.#waiting.push(`${JSON.stringify(entry)}\n`);
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  /** All lines that wait. */
  async #write(): Promise<void> {
    const { path, trouble, clock } = this.#settings;
    const lines = this.#waiting;
    if (lines.length === 0) return;
    this.#waiting = [];
    for (;;) {
      try {
        await append(path, lines);
        trouble.worked('');
        return;
      } catch (error) {
        trouble.failed('', messageOf(error));
        await clock.sleep(RETRY_MS);
      }
    }
  }
}

/** Takes the lines that are written off the list. */
async function append(path: string, lines: string[]): Promise<void> {
  const file = await open(path, 'a+');
  try {
    let isWhole = await endsInLine(file);
    while (lines.length > 0) {
      // In one call, so that lines of several processes do not mix. One that a crash or a full disk cut is no line.
      const bytes = Buffer.from(`${isWhole ? '' : '\n'}${lines[0]}`);
      const { bytesWritten } = await file.write(bytes);
      if (bytesWritten < bytes.length) throw new Error(`only ${bytesWritten} of ${bytes.length} bytes were written`);
      isWhole = true;
      lines.shift();
    }
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function endsInLine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return true;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === NEWLINE;
}

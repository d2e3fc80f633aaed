import { createHash, randomUUID } from 'node:crypto';
import {
  access,
  constants,
  type FileHandle,
  mkdir,
  open,
  readdir,
  rename,
  rmdir,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { PluginConfigError } from '../../../plugin-api/index.ts';
import type { Logger } from '../../../util/logger.ts';
import type { Encoding } from './objectKey.ts';
import type { RecordSummary } from './recordNotes.ts';
import { errorCode } from './s3Errors.ts';
import { OWNER_FILE, thisOwner } from './spoolOwner.ts';

/** Stands beside each data file, so that a later start knows what to do with it. */
export interface SpoolDescription extends RecordSummary {
  readonly key: string;
  readonly encoding: Encoding;
  readonly createdMs: number;
  /** Whether its events come from a source that cannot bring them again. */
  readonly isPrecious: boolean;
}

export interface SpoolDirectorySettings {
  /** `temporary_directory`, which other outputs and processes may use as well. */
  readonly base: string;
  /** What outputs must have in common for one to upload what another one left. */
  readonly family: readonly string[];
  readonly logger: Logger;
  readonly onRecreated: () => void;
}

export const DATA_SUFFIX = '.data';
const DESCRIPTION_SUFFIX = '.json';

/** A directory of this output alone, unreadable for other users, below the one that is configured. */
export class SpoolDirectory {
  readonly path: string;
  readonly base: string;
  readonly familyName: string;
  readonly #settings: SpoolDirectorySettings;
  #recreating: Promise<void> | undefined;

  private constructor(settings: SpoolDirectorySettings) {
    this.#settings = settings;
    this.base = settings.base;
    this.familyName = familyName(settings.family);
    this.path = join(settings.base, `${this.familyName}.${randomUUID()}`);
  }

  /** @throws PluginConfigError when the configured directory cannot be made or written */
  static async open(settings: SpoolDirectorySettings): Promise<SpoolDirectory> {
    const directory = new SpoolDirectory(settings);
    try {
      await mkdir(settings.base, { recursive: true });
      await access(settings.base, constants.W_OK | constants.X_OK);
      await directory.#make();
    } catch (error) {
      const message = `Logstash must have the permissions to write to the temporary directory: ${settings.base} (${errorCode(error)})`;
      throw new PluginConfigError(message, 'temporary_directory', error);
    }
    return directory;
  }

  /** Appears under its name with the owner's file already in it, so that nobody takes it for abandoned. */
  async #make(): Promise<void> {
    const unborn = join(this.base, `.${this.familyName}.${randomUUID()}`);
    await mkdir(unborn, { recursive: true, mode: 0o700 });
    await writeFile(join(unborn, OWNER_FILE), JSON.stringify(await thisOwner()), { mode: 0o600 });
    await rename(unborn, this.path);
  }

  dataPath(uuid: string): string {
    return join(this.path, `${uuid}${DATA_SUFFIX}`);
  }

  /** The description comes first: nobody would know what to do with data without one. */
  create(uuid: string, description: SpoolDescription): Promise<FileHandle> {
    const path = this.dataPath(uuid);
    return this.#evenIfRemoved(async () => {
      await writeFile(descriptionPath(path), JSON.stringify(description), { mode: 0o600 });
      return open(path, 'w+', 0o600);
    });
  }

  /** Replaces the description as a whole. */
  async describe(uuid: string, description: SpoolDescription): Promise<void> {
    const path = descriptionPath(this.dataPath(uuid));
    await this.#evenIfRemoved(async () => {
      await writeFile(`${path}.new`, JSON.stringify(description), { mode: 0o600 });
      await rename(`${path}.new`, path);
    });
  }

  /** Somebody may clean the temporary directory while we run. */
  async #evenIfRemoved<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      this.#recreating ??= this.#recreate().finally(() => {
        this.#recreating = undefined;
      });
      await this.#recreating;
      return action();
    }
  }

  async #recreate(): Promise<void> {
    await mkdir(this.base, { recursive: true });
    await this.#make();
    this.#settings.onRecreated();
    this.#settings.logger.warn(
      `the directory ${this.path} was removed while in use, and is made again; files that were open are still uploaded`,
    );
  }

  async remove(uuid: string): Promise<void> {
    await removePair(this.dataPath(uuid));
  }

  /** Tells processes that cannot look at this one that it lives. */
  async heartbeat(nowMs: number): Promise<void> {
    const seconds = nowMs / 1000;
    await utimes(join(this.path, OWNER_FILE), seconds, seconds).catch(() => undefined);
  }

  /** Takes the directory away unless a file is kept in it. */
  async close(): Promise<void> {
    await removeEmpty(this.path);
  }
}

export function descriptionPath(dataPath: string): string {
  return `${dataPath.slice(0, -DATA_SUFFIX.length)}${DESCRIPTION_SUFFIX}`;
}

/** The data first: without a description nobody would know what to do with them. */
export async function removePair(dataPath: string): Promise<void> {
  await removeFile(dataPath);
  await removeFile(descriptionPath(dataPath));
}

/** Takes away directories without data, and what else is in them: owners, descriptions of files that never came. */
export async function removeEmpty(directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const kept = new Set(
    entries.filter(({ name }) => name.endsWith(DATA_SUFFIX)).map(({ name }) => descriptionPath(name)),
  );
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await removeEmpty(path);
    else if (!entry.name.endsWith(DATA_SUFFIX) && !kept.has(entry.name)) await removeFile(path);
  }
  await rmdir(directory).catch(() => undefined);
}

/** A file that is left over is only found again at the next start, which is no reason to fail. */
async function removeFile(path: string): Promise<void> {
  await unlink(path).catch(() => undefined);
}

/** Readable, and different for different families even where the readable part is not. */
function familyName(family: readonly string[]): string {
  const readable = family
    .slice(0, 2)
    .join('-')
    .replace(/[^A-Za-z0-9_-]/g, '_')
    .slice(0, 80);
  const digest = createHash('sha256').update(JSON.stringify(family)).digest('hex').slice(0, 12);
  return `${readable}-${digest}`;
}

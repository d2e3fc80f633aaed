/** Files that a process left when it died. */
import { randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { wholeMembersEnd } from './gzipMembers.ts';
import type { Encoding } from './objectKey.ts';
import {
  DATA_SUFFIX,
  DESCRIPTION_SUFFIX,
  removeFile,
  type SpoolDescription,
  type SpoolDirectory,
} from './spoolDirectory.ts';
import { isAbandoned, OWNER_FILE } from './spoolOwner.ts';
import type { SpoolUsage } from './spoolUsage.ts';
import type { UploadSource } from './uploadSource.ts';

/**
 * A stream keeps its records for 24 hours at least. A file of records older than half of that is rather uploaded twice
 * than lost.
 */
const REPLAYED_FOR_MS = 12 * 3_600_000;

export interface Leftovers {
  readonly uploads: readonly LeftoverFile[];
  /** Files removed, because the source reads their records again. */
  readonly replayed: number;
  /** Files of which nothing is known; they stay. */
  readonly unknown: readonly string[];
}

/** How many abandoned directories of the same family there are. */
export async function countAbandoned(directory: SpoolDirectory, nowMs: number): Promise<number> {
  return (await abandonedSiblings(directory, nowMs)).length;
}

/** Moves what dead processes left into our own directory, which only one process can do, and sorts it. */
export async function adoptLeftovers(directory: SpoolDirectory, usage: SpoolUsage, nowMs: number): Promise<Leftovers> {
  const uploads: LeftoverFile[] = [];
  const unknown: string[] = [];
  let replayed = 0;
  for (const name of await abandonedSiblings(directory, nowMs)) {
    const adopted = join(directory.path, `left-${randomUUID()}`);
    if (!(await moved(join(directory.base, name), adopted))) continue;
    for (const path of await dataFiles(adopted)) {
      const description = await readDescription(path);
      if (description === undefined) unknown.push(path);
      else if (!description.isPrecious && nowMs - description.createdMs < REPLAYED_FOR_MS) {
        await removePair(path);
        replayed += 1;
      } else uploads.push(await LeftoverFile.found(path, description, usage));
    }
    await removeEmpty(adopted);
  }
  return { uploads, replayed, unknown };
}

async function abandonedSiblings(directory: SpoolDirectory, nowMs: number): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await list(directory.base)) {
    const path = join(directory.base, entry.name);
    if (!entry.isDirectory() || !entry.name.startsWith(`${directory.familyName}.`) || path === directory.path) continue;
    if (await isAbandoned(path, nowMs)) names.push(entry.name);
  }
  return names;
}

/** Another process may have been faster. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await rename(from, to);
    return true;
  } catch {
    return false;
  }
}

/** A process that died while it uploaded leftovers leaves them one level deeper. */
async function dataFiles(directory: string): Promise<string[]> {
  const paths: string[] = [];
  for (const entry of await list(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) paths.push(...(await dataFiles(path)));
    else if (entry.name.endsWith(DATA_SUFFIX)) paths.push(path);
  }
  return paths;
}

async function list(directory: string): Promise<Dirent[]> {
  return readdir(directory, { withFileTypes: true }).catch(() => []);
}

async function readDescription(dataPath: string): Promise<SpoolDescription | undefined> {
  try {
    const given = JSON.parse(await readFile(descriptionPath(dataPath), 'utf8')) as Partial<SpoolDescription>;
    const { key, encoding, createdMs, isPrecious } = given;
    if (typeof key !== 'string' || typeof createdMs !== 'number' || typeof isPrecious !== 'boolean') return undefined;
    return encoding === 'none' || encoding === 'gzip' ? { key, encoding, createdMs, isPrecious } : undefined;
  } catch {
    return undefined;
  }
}

function descriptionPath(dataPath: string): string {
  return `${dataPath.slice(0, -DATA_SUFFIX.length)}${DESCRIPTION_SUFFIX}`;
}

async function removePair(dataPath: string): Promise<void> {
  await Promise.all([removeFile(dataPath), removeFile(descriptionPath(dataPath))]);
}

/** Keeps directories that still hold a file. */
async function removeEmpty(directory: string): Promise<void> {
  await removeFile(join(directory, OWNER_FILE));
  for (const entry of await list(directory)) {
    if (entry.isDirectory()) await removeEmpty(join(directory, entry.name));
  }
  await rmdir(directory).catch(() => undefined);
}

export class LeftoverFile implements UploadSource {
  readonly key: string;
  readonly encoding: Encoding;
  readonly createdMs: number;
  readonly path: string;
  /** Not counted again. */
  readonly lines = 0;
  readonly #usage: SpoolUsage;
  readonly #spoolBytes: number;
  #opened: { handle: FileHandle; size: number } | undefined;

  private constructor(path: string, description: SpoolDescription, size: number, usage: SpoolUsage) {
    this.path = path;
    this.key = description.key;
    this.encoding = description.encoding;
    this.createdMs = description.createdMs;
    this.#spoolBytes = size;
    this.#usage = usage;
    usage.diskBytes += size;
  }

  static async found(path: string, description: SpoolDescription, usage: SpoolUsage): Promise<LeftoverFile> {
    return new LeftoverFile(path, description, (await stat(path)).size, usage);
  }

  async whenStored(): Promise<void> {}

  /** A half-written member at the end is left out. */
  async open(): Promise<{ handle: FileHandle; size: number }> {
    if (this.#opened !== undefined) return this.#opened;
    const handle = await open(this.path, 'r');
    const { size } = await handle.stat();
    this.#opened = { handle, size: this.encoding === 'gzip' ? await wholeMembersEnd(handle, size) : size };
    return this.#opened;
  }

  async uploaded(): Promise<void> {
    await this.kept();
    this.#usage.diskBytes -= this.#spoolBytes;
    await removePair(this.path);
    await rmdir(dirname(this.path)).catch(() => undefined);
  }

  async kept(): Promise<void> {
    await this.#opened?.handle.close().catch(() => undefined);
  }
}

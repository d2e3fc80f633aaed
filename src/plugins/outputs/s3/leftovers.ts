/** Files that a process left when it died. */
import { randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { mkdir, readdir, readFile, rename, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LeftoverFile } from './leftoverFile.ts';
import {
  DATA_SUFFIX,
  descriptionPath,
  removeEmpty,
  removePair,
  type SpoolDescription,
  type SpoolDirectory,
} from './spoolDirectory.ts';
import { isAbandoned } from './spoolOwner.ts';
import type { SpoolUsage } from './spoolUsage.ts';

/**
 * A stream keeps its records for 24 hours at least. A file with a record older than half of that is rather uploaded twice
 * than lost: the source may need hours until it reads again.
 */
const REPLAYED_FOR_MS = 12 * 3_600_000;

/** Making a directory takes no time. */
const UNBORN_MS = 60_000;

export interface Leftovers {
  readonly uploads: readonly LeftoverFile[];
  /** Files removed, because the source reads their records again. */
  readonly replayed: number;
  /** Files of which nothing is known; they lie there for a person. */
  readonly unknown: readonly string[];
}

/** How many abandoned directories of the same family there are. */
export async function countAbandoned(directory: SpoolDirectory, nowMs: number): Promise<number> {
  return (await abandonedSiblings(directory, nowMs)).length;
}

/** Moves what dead processes left into our own directory, which only one process can do, and sorts it. */
export async function adoptLeftovers(directory: SpoolDirectory, usage: SpoolUsage, nowMs: number): Promise<Leftovers> {
  await removeUnborn(directory, nowMs);
  const uploads: LeftoverFile[] = [];
  const unknown: string[] = [];
  let replayed = 0;
  for (const name of await abandonedSiblings(directory, nowMs)) {
    const adopted = join(directory.path, `left-${randomUUID()}`);
    if (!(await moved(join(directory.base, name), adopted))) continue;
    for (const path of await dataFiles(adopted)) {
      const description = await readDescription(path);
      if (description === undefined) unknown.push(await setAside(path, directory));
      else if (!description.isPrecious && nowMs - description.oldestMs < REPLAYED_FOR_MS) {
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

/** What a process that died in its first moments was about to make. */
async function removeUnborn({ base, familyName }: SpoolDirectory, nowMs: number): Promise<void> {
  for (const { name } of await list(base)) {
    if (!name.startsWith(`.${familyName}.`)) continue;
    const path = join(base, name);
    const bornMs = (await stat(path).catch(() => undefined))?.mtimeMs ?? nowMs;
    if (nowMs - bornMs > UNBORN_MS) await removeEmpty(path);
  }
}

/** Another process may have been faster. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
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
    const { key, encoding, createdMs, oldestMs, isPrecious, isLineWise } = given;
    if (typeof key !== 'string' || typeof createdMs !== 'number' || typeof oldestMs !== 'number') return undefined;
    if (typeof isPrecious !== 'boolean' || typeof isLineWise !== 'boolean') return undefined;
    if (encoding !== 'none' && encoding !== 'gzip') return undefined;
    return { key, encoding, createdMs, oldestMs, isPrecious, isLineWise };
  } catch {
    return undefined;
  }
}

/** Where no start looks again. Gives the new path. */
async function setAside(path: string, { base, familyName }: SpoolDirectory): Promise<string> {
  const folder = join(base, `${familyName}-unknown`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const aside = join(folder, basename(path));
  await rename(path, aside);
  return aside;
}

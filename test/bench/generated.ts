/** What a bench works on is made once and kept in the cache, under a name that holds the hash of what it is made from. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cacheDirectory, installDirectory } from '../../scripts/setup/cache.ts';

const CHUNK_CHARACTERS = 1 << 20;

/** @param sources files whose change makes it anew */
export function generated(name: string, sources: readonly string[], fill: (directory: string) => void): string {
  const hash = createHash('sha256');
  for (const source of sources) hash.update(readFileSync(resolve(source)));
  const parent = join(cacheDirectory(), 'bench');
  const folder = `${name}-${hash.digest('hex').slice(0, 8)}`;
  const directory = join(parent, folder);
  if (existsSync(directory)) return directory;
  process.stderr.write(`making ${name} (once)\n`);
  installDirectory(directory, fill);
  for (const other of readdirSync(parent)) {
    const isStale = other !== folder && new RegExp(`^${name}-[0-9a-f]{8}$`).test(other);
    if (isStale) rmSync(join(parent, other), { recursive: true, force: true });
  }
  return directory;
}

export function writeTexts(path: string, texts: Iterable<string>): void {
  const file = openSync(path, 'w');
  let chunk = '';
  for (const text of texts) {
    chunk += text;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    writeSync(file, chunk);
    chunk = '';
  }
  writeSync(file, chunk);
  closeSync(file);
}

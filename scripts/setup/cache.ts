import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** Where downloaded servers live: `$LOGSTASH_TS_CACHE`, or `.cache/` of the repository. */
export function cacheDirectory(): string {
  return resolve(process.env['LOGSTASH_TS_CACHE'] || join(REPOSITORY, '.cache'));
}

/**
 * Lets `fill` make a directory under another name and moves it in place at the end: what bears the final name is whole, also when two
 * processes install at the same time or one is killed half-way.
 */
export function installDirectory(target: string, fill: (directory: string) => void): void {
  const staging = `${target}.new-${process.pid}`;
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  try {
    fill(staging);
    mkdirSync(dirname(target), { recursive: true });
    renameSync(staging, target);
  } catch (error) {
    const anotherWasFirst = error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY';
    if (!anotherWasFirst) throw error;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** `path.data`: one instance at a time, as in Logstash. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class DataDirectoryInUse extends Error {
  override name = 'DataDirectoryInUse';
}

export class DataDirectoryUnusable extends Error {
  override name = 'DataDirectoryUnusable';
}

/** Creates and locks the directory; gives the function that unlocks it. @throws DataDirectoryInUse, DataDirectoryUnusable */
export function lockDataDirectory(path: string): () => void {
  try {
    return lock(path);
  } catch (error) {
    if (error instanceof DataDirectoryInUse) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataDirectoryUnusable(`path.data ${path} cannot be used: ${reason}`, { cause: error });
  }
}

function lock(path: string): () => void {
  mkdirSync(path, { recursive: true });
  const lockPath = join(path, '.lock');
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(lockPath, String(process.pid), { flag: 'wx' });
      return () => rmSync(lockPath, { force: true });
    } catch (error) {
      if (!isExists(error) || attempt > 0) throw error;
      const owner = Number(readFileSync(lockPath, 'utf8'));
      if (isAlive(owner)) {
        throw new DataDirectoryInUse(
          'Logstash could not be started because there is already another instance using the configured data directory. ' +
            `If you wish to run multiple instances, you must change the "path.data" setting. (${path}, process ${owner})`,
        );
      }
      rmSync(lockPath, { force: true });
    }
  }
}

function isExists(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not permitted to signal it, so it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** `path.data`: one instance at a time, as in Logstash. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, messageOf } from '../util/errors.ts';
import { isProcessAlive } from '../util/process.ts';

export class DataDirectoryInUse extends Error {
  override name = 'DataDirectoryInUse';
}

export class DataDirectoryUnusable extends Error {
  override name = 'DataDirectoryUnusable';
}

const DATA_IN_USE =
  'Logstash could not be started because there is already another instance using the configured data directory. ' +
  'If you wish to run multiple instances, you must change the "path.data" setting.';

/** Creates and locks the directory; gives the function that unlocks it. @throws DataDirectoryInUse, DataDirectoryUnusable */
export function lockDataDirectory(path: string): () => void {
  return lockAs('path.data', path, DATA_IN_USE);
}

/** As `lockDataDirectory`: instances with different ones could share a queue, and would spoil it. */
export function lockQueueDirectory(path: string): () => void {
  return lockAs('the queue', path, 'another instance uses the queue; stop it first.');
}

function lockAs(what: string, path: string, inUse: string): () => void {
  try {
    return lock(path, inUse);
  } catch (error) {
    if (error instanceof DataDirectoryInUse) throw error;
    throw new DataDirectoryUnusable(`${what} ${path} cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

function lock(path: string, inUse: string): () => void {
  mkdirSync(path, { recursive: true });
  const lockPath = join(path, '.lock');
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(lockPath, String(process.pid), { flag: 'wx' });
      return () => rmSync(lockPath, { force: true });
    } catch (error) {
      if (!hasCode(error, 'EEXIST') || attempt > 0) throw error;
      const owner = Number(readFileSync(lockPath, 'utf8'));
      if (isOther(owner)) {
        throw new DataDirectoryInUse(`${inUse} (${path}, process ${owner})`);
      }
      rmSync(lockPath, { force: true });
    }
  }
}

/** Our own number in the lock is left from before a restart of the container. */
function isOther(pid: number): boolean {
  return Number.isInteger(pid) && pid > 0 && pid !== process.pid && isProcessAlive(pid);
}

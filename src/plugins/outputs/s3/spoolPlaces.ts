import { readFile } from 'node:fs/promises';

/** Where the system does not tell how many files a process may have open. */
const FILES_USUAL = 1024;

/**
 * How many spool files the process may hold open: all its s3 outputs together, so that sockets and other files find
 * room. An object without a place waits in memory.
 */
export class SpoolPlaces {
  #free: number;

  constructor(places: number) {
    this.#free = places;
  }

  /** False when there is none. */
  take(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  giveBack(): void {
    this.#free += 1;
  }
}

/** Half of what this process may open. */
export async function openSpoolPlaces(): Promise<SpoolPlaces> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const files = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? FILES_USUAL);
  return new SpoolPlaces(Math.floor(files / 2));
}

const BACKOFF_MS_MAX = 30_000;
const DOUBLINGS_MAX = 16;

/**
 * The pause before the next try after `failures` failures in a row (from 1): doubled each time up to 30 s, the half of it
 * random, so that shards and workers that failed together do not come back together.
 */
export function backoffMs(baseMs: number, failures: number, random: () => number): number {
  const fullMs = Math.min(BACKOFF_MS_MAX, baseMs * 2 ** Math.min(failures - 1, DOUBLINGS_MAX));
  return fullMs / 2 + (fullMs / 2) * random();
}

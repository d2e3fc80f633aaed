import { backoffMs } from '../util/backoff.ts';
import type { Clock } from '../util/clock.ts';
import { needsAPerson } from './awsErrors.ts';

export interface Retry {
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

const TRIES = 4;
const PAUSE_MS = 500;
const PAUSE_MAX_MS = 4_000;

/**
 * A call of a tool, for which somebody waits at a terminal: tried a few times, then rejects as the call did; at once on
 * what only a person can mend.
 */
export async function retried<T>(
  call: (signal: AbortSignal) => Promise<T>,
  { clock, random, signal }: Retry,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await call(signal);
    } catch (error) {
      if (failures === TRIES || signal.aborted || needsAPerson(error)) throw error;
      await clock.sleep(backoffMs(PAUSE_MS, PAUSE_MAX_MS, failures, random), signal);
    }
  }
}

/** Puts records with unique ids on a stream without a pause, and remembers where each stands. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Placed } from '../harness.ts';

const PERIOD_MS = 100;
const RECORDS_A_PERIOD = 20;

export interface Producer {
  /** By id, of all that Kinesis has taken. */
  readonly placed: ReadonlyMap<number, Placed>;
  /** Rejects when a put failed. */
  stop(): Promise<void>;
}

/** `put` puts one record for each id and gives where each stands. */
export function startProducer(put: (ids: readonly number[]) => Promise<readonly Placed[]>): Producer {
  const placed = new Map<number, Placed>();
  const stopped = new AbortController();

  async function putSome(): Promise<void> {
    const ids = Array.from({ length: RECORDS_A_PERIOD }, (_, n) => placed.size + n);
    for (const [n, place] of (await put(ids)).entries()) placed.set(ids[n] as number, place);
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) await Promise.all([putSome(), wait(PERIOD_MS)]);
  }

  const running = run();
  running.catch(() => stopped.abort());
  return {
    placed,
    stop() {
      stopped.abort();
      return running;
    },
  };
}

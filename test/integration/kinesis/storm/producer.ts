/** Puts records with unique ids on a stream without a pause, and remembers where each stands. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Lab, Placed } from '../harness.ts';

const PERIOD_MS = 100;
const RECORDS_A_PERIOD = 20;

export interface Producer {
  /** By id, of all that Kinesis has taken. */
  readonly placed: ReadonlyMap<number, Placed>;
  /** Rejects when a put failed. */
  stop(): Promise<void>;
}

export function startProducer(lab: Lab, streamName: string): Producer {
  const placed = new Map<number, Placed>();
  const stopped = new AbortController();

  async function putSome(): Promise<void> {
    const ids = Array.from({ length: RECORDS_A_PERIOD }, (_, n) => placed.size + n);
    const records = ids.map((id) => ({ key: `key-${id}`, data: JSON.stringify({ id, key: `key-${id}` }) }));
    const places = await lab.put(streamName, records);
    for (const [n, place] of places.entries()) placed.set(ids[n] as number, place);
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

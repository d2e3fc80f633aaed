/** Records for every shard of an even stream, plain and aggregated, without a pause. */
import { setTimeout as wait } from 'node:timers/promises';
import { kplRecord } from '../../../support/kpl.ts';
import type { Lab } from '../harness.ts';

const PERIOD_MS = 200;
const USER_RECORDS = 3;
const HASH_KEYS = 2n ** 128n;

export interface Load {
  /** Every text put so far: `phase/shard/number`. */
  readonly texts: string[];
  /** Begins a new phase; resolves to when no record of an older one is put any more. */
  enter(phase: string): Promise<void>;
  stop(): Promise<void>;
}

export function startLoad(lab: Lab, streamName: string, shardCount: number): Load {
  const texts: string[] = [];
  let phase = 'first';
  let isStopped = false;
  let round: Promise<void> = Promise.resolve();

  async function putRound(): Promise<void> {
    const records = Array.from({ length: shardCount }, (_, shard) => {
      // In the middle of the shard: the KCL drops user records of other shards.
      const hashKey = String((HASH_KEYS * BigInt(2 * shard + 1)) / BigInt(2 * shardCount));
      const record = () => {
        const text = `${phase}/${shard}/${texts.length}`;
        texts.push(text);
        return { key: text, data: text, hashKey };
      };
      const users = Array.from({ length: USER_RECORDS }, record);
      return [record(), { key: 'aggregated', data: kplRecord(users), hashKey }];
    });
    await lab.put(streamName, records.flat());
  }

  async function run(): Promise<void> {
    while (!isStopped) {
      round = putRound();
      await Promise.all([round, wait(PERIOD_MS)]);
    }
  }

  const running = run();
  return {
    texts,
    enter(next) {
      phase = next;
      return round;
    },
    stop() {
      isStopped = true;
      return running;
    },
  };
}

/** How the records of one shard are fetched, and the usual way: by polling GetRecords. */
import type { _Record, ChildShard, StartingPosition } from '@aws-sdk/client-kinesis';
import type { Clock } from '../util/clock.ts';
import type { KinesisApi } from './awsApi.ts';
import { isExpiredIterator, isThrottling } from './awsErrors.ts';
import { pauseMs } from './pace.ts';
import type { ReadingPosition } from './readingPosition.ts';
import type { ShardSourceKind } from './types.ts';

export interface Fetched {
  readonly records: readonly _Record[];
  readonly millisBehindLatest: number;
  /** The shard has no further record. */
  readonly ended: boolean;
  /** Named with the end of the shard; none by servers that do not name them. */
  readonly children: readonly ChildShard[];
  /** Least time from the start of this fetch to the start of the next. */
  readonly pauseMs: number;
}

/** What is fetched of a shard that has nothing more. */
export const NOTHING_MORE: Fetched = { records: [], millisBehindLatest: 0, ended: true, children: [], pauseMs: 0 };

export interface RecordSource {
  /** As it reads at this moment. */
  readonly kind: ShardSourceKind;
  /**
   * The records after those fetched before, perhaps none. Rejects as the service does; the next call goes on. What is open
   * between two calls is closed when the signal aborts.
   */
  fetch(signal: AbortSignal): Promise<Fetched>;
}

export interface PollingSettings {
  readonly streamName: string;
  readonly maxRecords: number;
  readonly idleTimeBetweenReadsMs: number;
}

/** A new iterator is asked for after this many failures in a row, since not every server says that one is spoiled. */
const FAILURES_PER_ITERATOR = 4;

export function createPollingSource(
  kinesis: KinesisApi,
  clock: Clock,
  shardId: string,
  position: ReadingPosition,
  settings: PollingSettings,
): RecordSource {
  let iterator: string | undefined;
  let failures = 0;

  async function openIterator(signal: AbortSignal): Promise<string | undefined> {
    const start = iteratorStart(position.begin(clock.now()));
    const input = { StreamName: settings.streamName, ShardId: shardId, ...start };
    return (await kinesis.getShardIterator(input, signal)).ShardIterator;
  }

  async function getRecords(signal: AbortSignal): Promise<Fetched> {
    iterator ??= await openIterator(signal);
    if (iterator === undefined) return NOTHING_MORE;
    const answer = await kinesis.getRecords({ ShardIterator: iterator, Limit: settings.maxRecords }, signal);
    iterator = answer.NextShardIterator || undefined;
    const read = { records: answer.Records ?? [], millisBehindLatest: answer.MillisBehindLatest ?? 0 };
    position.passed(read.records.at(-1)?.SequenceNumber);
    return {
      ...read,
      ended: iterator === undefined,
      children: answer.ChildShards ?? [],
      pauseMs: pauseMs(read, settings.idleTimeBetweenReadsMs),
    };
  }

  return {
    kind: 'polling',
    async fetch(signal) {
      try {
        const fetched = await getRecords(signal);
        failures = 0;
        return fetched;
      } catch (error) {
        if (isExpiredIterator(error)) {
          iterator = undefined;
          return getRecords(signal);
        }
        if (!isThrottling(error)) failures += 1;
        if (failures % FAILURES_PER_ITERATOR === 0) iterator = undefined;
        throw error;
      }
    },
  };
}

/** GetShardIterator has other names for the parts of a position than SubscribeToShard. */
function iteratorStart({ Type, SequenceNumber, Timestamp }: StartingPosition) {
  return {
    ShardIteratorType: Type,
    ...(SequenceNumber && { StartingSequenceNumber: SequenceNumber }),
    ...(Timestamp && { Timestamp }),
  };
}

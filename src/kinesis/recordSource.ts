/** How the records of one shard are fetched, and the usual way: by polling GetRecords. */
import type { ChildShard, StartingPosition } from '@aws-sdk/client-kinesis';
import type { Clock } from '../util/clock.ts';
import type { KinesisApi } from './awsApi.ts';
import { isExpiredIterator, isThrottling } from './awsErrors.ts';
import { pauseMs, storedBytes } from './pace.ts';
import type { ReadingPosition } from './readingPosition.ts';
import type { StoredRecords } from './recordsAnswer.ts';
import type { ShardSourceKind } from './types.ts';

export interface Fetched {
  readonly records: StoredRecords;
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
  /** So many bytes an answer should have, more or less: a large one keeps others out of memory. By default as many as it may. */
  readonly answerBytes?: number | undefined;
  readonly idleTimeBetweenReadsMs: number;
}

/** As long as nothing is known: a low guess could bring 10 MB, the most that an answer has. */
const RECORD_BYTES_FIRST = 4 * 1_024;

/** A new iterator is asked for after this many failures in a row, since not every server says that one is spoiled. */
const FAILURES_PER_ITERATOR = 4;

export function createPollingSource(
  kinesis: KinesisApi,
  clock: Clock,
  shardId: string,
  position: ReadingPosition,
  settings: PollingSettings,
): RecordSource {
  const { maxRecords, answerBytes = Number.POSITIVE_INFINITY, idleTimeBetweenReadsMs } = settings;
  let iterator: string | undefined;
  let failures = 0;
  let recordBytes = RECORD_BYTES_FIRST;

  async function openIterator(signal: AbortSignal): Promise<string | undefined> {
    const start = iteratorStart(position.begin(clock.now()));
    const input = { StreamName: settings.streamName, ShardId: shardId, ...start };
    return (await kinesis.getShardIterator(input, signal)).ShardIterator;
  }

  async function getRecords(signal: AbortSignal): Promise<Fetched> {
    iterator ??= await openIterator(signal);
    if (iterator === undefined) return NOTHING_MORE;
    const Limit = Math.min(maxRecords, Math.ceil(answerBytes / recordBytes));
    const answer = await kinesis.getRecords({ ShardIterator: iterator, Limit }, signal);
    iterator = answer.NextShardIterator || undefined;
    const read = { records: answer.Records ?? [], millisBehindLatest: answer.MillisBehindLatest ?? 0 };
    position.passed(read.records.at(-1)?.SequenceNumber);
    if (read.records.length > 0) recordBytes = Math.max(1, storedBytes(read) / read.records.length);
    return {
      ...read,
      ended: iterator === undefined,
      children: answer.ChildShards ?? [],
      pauseMs: pauseMs(read, idleTimeBetweenReadsMs),
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

/**
 * Reads one shard by polling GetRecords. Enhanced fan-out will be a second way to be a `RecordSource`.
 */
import type { _Record, ChildShard, GetShardIteratorCommandInput } from '@aws-sdk/client-kinesis';
import type { Clock } from '../util/clock.ts';
import type { KinesisApi } from './awsApi.ts';
import { isExpiredIterator, isThrottling } from './awsErrors.ts';
import { checkpointedPosition, type Lease } from './lease.ts';
import type { InitialPosition } from './types.ts';

export interface Fetched {
  readonly records: readonly _Record[];
  readonly millisBehindLatest: number;
  /** The shard has no further record. */
  readonly ended: boolean;
  /** Named with the end of the shard; none by servers that do not name them. */
  readonly children: readonly ChildShard[];
}

export interface RecordSource {
  /** The records after those fetched before, perhaps none. Rejects as the service does; the next call goes on. */
  fetch(signal: AbortSignal): Promise<Fetched>;
}

export interface PollingSettings {
  readonly streamName: string;
  readonly initialPosition: InitialPosition;
  readonly maxRecords: number;
}

type StartingPoint = Omit<GetShardIteratorCommandInput, 'StreamName' | 'ShardId'>;

/** A new iterator is asked for after this many failures in a row, since not every server says that one is spoiled. */
const FAILURES_PER_ITERATOR = 4;

export function createPollingSource(
  kinesis: KinesisApi,
  clock: Clock,
  lease: Lease,
  settings: PollingSettings,
): RecordSource {
  let start = startingPoint(lease, settings.initialPosition);
  let iterator: string | undefined;
  let failures = 0;

  async function openIterator(signal: AbortSignal): Promise<string | undefined> {
    const openedMs = clock.now();
    const input = { StreamName: settings.streamName, ShardId: lease.leaseKey, ...start };
    const { ShardIterator } = await kinesis.getShardIterator(input, signal);
    // A second LATEST would skip what came in between.
    if (start.ShardIteratorType === 'LATEST') start = atTimestamp(openedMs);
    return ShardIterator;
  }

  async function getRecords(signal: AbortSignal): Promise<Fetched> {
    iterator ??= await openIterator(signal);
    if (iterator === undefined) return { records: [], millisBehindLatest: 0, ended: true, children: [] };
    const answer = await kinesis.getRecords({ ShardIterator: iterator, Limit: settings.maxRecords }, signal);
    iterator = answer.NextShardIterator || undefined;
    const records = answer.Records ?? [];
    const last = records.at(-1)?.SequenceNumber;
    if (last !== undefined) start = { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: last };
    return {
      records,
      millisBehindLatest: answer.MillisBehindLatest ?? 0,
      ended: iterator === undefined,
      children: answer.ChildShards ?? [],
    };
  }

  return {
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

/**
 * AT, not AFTER, the checkpoint, as KCL: it may lie in the middle of an aggregated record. The reader of the shard drops
 * what is settled already.
 */
function startingPoint(lease: Lease, initialPosition: InitialPosition): StartingPoint {
  const position = checkpointedPosition(lease);
  if (position !== null) {
    return { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: position.sequenceNumber };
  }
  if (lease.checkpoint === 'LATEST') return { ShardIteratorType: 'LATEST' };
  if (lease.checkpoint !== 'AT_TIMESTAMP') return { ShardIteratorType: 'TRIM_HORIZON' };
  // The row does not keep the time: without one given, nothing may be left out.
  return initialPosition.type === 'AT_TIMESTAMP'
    ? atTimestamp(initialPosition.timestampMs)
    : { ShardIteratorType: 'TRIM_HORIZON' };
}

function atTimestamp(timestampMs: number): StartingPoint {
  return { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(timestampMs) };
}

/** The records of one shard as events: decoded, named by their place in the stream, emitted in slices that settle alone. */
import { setImmediate } from 'node:timers/promises';
import { type AckToken, createAckTracker } from '../../../delivery/ackTracker.ts';
import type { Event } from '../../../event/event.ts';
import { SourceBatch } from '../../../event/sourceBatch.ts';
import { RecordTooLarge } from '../../../kinesis/decompress.ts';
import type { ConsumerRecord, Position, ShardInfo, ShardProcessor } from '../../../kinesis/types.ts';
import type { Codec, InputContext } from '../../../plugin-api/index.ts';
import { orAborted } from '../../../util/abort.ts';
import { type BurialKind, placeOf, RefusedRecords } from './refusedRecords.ts';

/** Slices of a shard from its oldest unsettled one on, settled or not: at the bound the shard is not read on. */
const ACK_WINDOW_MAX = 32_768;

/**
 * After so many events the event loop has a turn. Outputs that take all at once would else hold it for as long as all shards
 * have records, and leases are renewed on it.
 */
const EVENTS_A_TURN = 250;

/** One record may hold thousands of events: such a record is emitted in parts of this many batches. */
const BATCHES_A_RECORD_MAX = 8;

export interface RecordProcessorSettings {
  readonly shard: ShardInfo;
  readonly codec: Codec;
  /** Whether `@timestamp` of events that bring none is the record's arrival time, or the time of decoding as in Logstash. */
  readonly eventTime: 'arrival' | 'decode';
  /** Aborts when nothing more may be emitted. */
  readonly stop: AbortSignal;
  readonly ackWindowMax?: number;
  /** Those of all shards of an input together; by default those of this shard. */
  readonly refused?: RefusedRecords;
}

export function createRecordProcessor(settings: RecordProcessorSettings, context: InputContext): ShardProcessor {
  const { shard, codec, eventTime, ackWindowMax = ACK_WINDOW_MAX, refused = new RefusedRecords(context) } = settings;
  const lost = new AbortController();
  const end = AbortSignal.any([settings.stop, lost.signal]);
  /** As `end`, which takes its time to look into the two. */
  const hasEnded = () => settings.stop.aborted || lost.signal.aborted;
  const tracker = createAckTracker<Position | null>(context.clock.now, ackWindowMax);
  const userRecords = context.counter('user_records');
  /** The last record of which every event is emitted or about to be. */
  let before: Position | null = null;

  /**
   * Resolves to what the pipeline threw in place of taking them; then nothing is open. The entry is opened behind the call,
   * in which they may all be settled already.
   */
  async function emit(events: Event[]): Promise<{ readonly error: unknown } | undefined> {
    let token: AckToken | undefined;
    let isSettled = false;
    const settle = () => {
      isSettled = true;
      if (token !== undefined) tracker.settle(token);
    };
    let taken: void | Promise<void>;
    try {
      taken = events.length === 0 ? settle() : context.emit(events, settle);
    } catch (error) {
      return { error };
    }
    token = tracker.open(before);
    if (isSettled) tracker.settle(token);
    if (taken) await orAborted(taken, end);
    const room = tracker.room();
    if (room) await orAborted(room, end);
    return undefined;
  }

  /** What stands between the record and the outputs has broken, and not only for its neighbours' sake. */
  async function emitAlone(record: ConsumerRecord): Promise<void> {
    if (hasEnded()) return;
    before = positionOf(record);
    const failure = await emit(events(record));
    if (failure !== undefined) await bury('poisoned', record, String(failure.error));
  }

  /** The shard waits: what comes behind it is worth nothing to the checkpoint before this record is on disk. */
  async function bury(kind: BurialKind, record: ConsumerRecord, reason: string): Promise<void> {
    const token = tracker.open(before);
    await refused.bury(kind, record, reason, new SourceBatch(() => tracker.settle(token)), shard, end);
  }

  async function process(records: readonly ConsumerRecord[]): Promise<void> {
    const { batchSize } = context;
    let slice: Event[] = [];
    /** The first record that has events in the slice. */
    let from = 0;
    let sinceTurn = 0;
    /** Resolves to `false` when the slice did not go through: each of its records has then gone its own way. */
    const emitSlice = async (to: number): Promise<boolean> => {
      const events = slice;
      const start = from;
      slice = [];
      from = to;
      const failure = await emit(events);
      if (failure !== undefined) for (const record of records.slice(start, to)) await emitAlone(record);
      sinceTurn += Math.max(events.length, to - start);
      if (sinceTurn >= EVENTS_A_TURN) {
        sinceTurn = 0;
        await setImmediate();
      }
      return failure === undefined;
    };
    for (let index = 0; index < records.length && !hasEnded(); index++) {
      const record = records[index] as ConsumerRecord;
      userRecords.value += 1;
      if (record.fault instanceof RecordTooLarge) {
        if (index > from) await emitSlice(index);
        before = positionOf(record);
        await bury('tooLarge', record, record.fault.message);
        from = index + 1;
        continue;
      }
      let isInParts = false;
      for (const event of events(record)) {
        slice.push(event);
        if (slice.length < batchSize * BATCHES_A_RECORD_MAX) continue;
        isInParts = await emitSlice(index + 1);
        if (lost.signal.aborted) return;
        if (!isInParts) break;
        from = index;
      }
      before = positionOf(record);
      // Its last part follows after a stop too: else its first ones would come again.
      if (isInParts || slice.length >= batchSize || index + 1 - from >= batchSize) await emitSlice(index + 1);
    }
    if (from < records.length && !hasEnded()) await emitSlice(records.length);
  }

  function events(record: ConsumerRecord): Event[] {
    const arrivalMs = eventTime === 'arrival' ? record.approximateArrivalTimestampMs : context.clock.now();
    if (record.fault) return undecoded(record, record.fault.message, arrivalMs);
    try {
      return located(decode(record.data, arrivalMs), record);
    } catch (error) {
      return undecoded(record, String(error), arrivalMs);
    }
  }

  function undecoded(record: ConsumerRecord, reason: string, arrivalMs: number): Event[] {
    return located([refused.undecoded(record, reason, shard, arrivalMs)], record);
  }

  function located(events: Event[], record: ConsumerRecord): Event[] {
    const place = placeOf(record, shard);
    let nth = 0;
    for (const event of events) {
      event.origin = nth === 0 ? place : `${place}/${nth}`;
      const metadata = {
        approximate_arrival_timestamp: record.approximateArrivalTimestampMs,
        partition_key: record.partitionKey,
        sequence_number: record.sequenceNumber,
        sub_sequence_number: record.subSequenceNumber,
      };
      const given = event.metadataIfAny;
      event.metadata = given === undefined ? metadata : { ...given, ...metadata };
      nth += 1;
    }
    return events;
  }

  /** A record is a message of its own: what a line codec holds back at its end is an event too, and no part of the next one. */
  function decode(data: Uint8Array, arrivalMs: number): Event[] {
    let decoded: Event[];
    try {
      decoded = codec.decode(data, arrivalMs);
    } catch (error) {
      codec.flush(arrivalMs);
      throw error;
    }
    const rest = codec.flush(arrivalMs);
    return rest.length === 0 ? decoded : [...decoded, ...rest];
  }

  return {
    process,
    settledPosition: () => tracker.settledPosition(),
    whenSettled: () => tracker.whenEmpty(),
    unsettledSinceMs: () => tracker.snapshot().oldestOpenSinceMs,
    lost: () => lost.abort(),
  };
}

function positionOf({ sequenceNumber, subSequenceNumber }: ConsumerRecord): Position {
  return { sequenceNumber, subSequenceNumber };
}

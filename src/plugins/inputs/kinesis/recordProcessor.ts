/** The records of one shard as events: decoded, named by their place in the stream, emitted in slices that settle alone. */
import { createAckTracker } from '../../../delivery/ackTracker.ts';
import type { Event } from '../../../event/event.ts';
import { SourceBatch } from '../../../event/sourceBatch.ts';
import { RecordTooLarge } from '../../../kinesis/decompress.ts';
import type { ConsumerRecord, Position, ShardInfo, ShardProcessor } from '../../../kinesis/types.ts';
import type { Codec, InputContext } from '../../../plugin-api/index.ts';
import { orAborted } from '../../../util/abort.ts';
import { placeOf, RefusedRecords } from './refusedRecords.ts';

/** Slices of a shard from its oldest unsettled one on, settled or not: at the bound the shard is not read on. */
const ACK_WINDOW_MAX = 32_768;

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
  const tracker = createAckTracker<Position | null>(context.clock.now, ackWindowMax);
  const userRecords = context.counter('user_records');
  /** The last record of which every event is emitted or about to be. */
  let before: Position | null = null;

  async function emit(events: Event[]): Promise<void> {
    const token = tracker.open(before);
    if (events.length === 0) tracker.settle(token);
    else {
      const taken = context.emit(events, () => tracker.settle(token));
      if (taken) await orAborted(taken, end);
    }
    const room = tracker.room();
    if (room) await orAborted(room, end);
  }

  /** The shard waits: what comes behind it is worth nothing to the checkpoint before this record is on disk. */
  async function bury(record: ConsumerRecord, reason: string): Promise<void> {
    const token = tracker.open(before);
    await refused.bury(record, reason, new SourceBatch(() => tracker.settle(token)), shard, end);
  }

  async function process(records: readonly ConsumerRecord[]): Promise<void> {
    const { batchSize } = context;
    let slice: Event[] = [];
    let recordCount = 0;
    const emitSlice = (): Promise<void> => {
      const events = slice;
      slice = [];
      recordCount = 0;
      return emit(events);
    };
    for (const record of records) {
      if (end.aborted) break;
      userRecords.value += 1;
      const { sequenceNumber, subSequenceNumber, fault } = record;
      if (fault instanceof RecordTooLarge) {
        if (recordCount > 0) await emitSlice();
        before = { sequenceNumber, subSequenceNumber };
        await bury(record, fault.message);
        continue;
      }
      let isInParts = false;
      for (const event of events(record)) {
        slice.push(event);
        if (slice.length < batchSize * BATCHES_A_RECORD_MAX) continue;
        await emitSlice();
        if (lost.signal.aborted) return;
        isInParts = true;
      }
      before = { sequenceNumber, subSequenceNumber };
      recordCount += 1;
      // Its last part follows after a stop too: else its first ones would come again.
      if (isInParts || slice.length >= batchSize || recordCount >= batchSize) await emitSlice();
    }
    if (recordCount > 0 && !end.aborted) await emitSlice();
  }

  function events(record: ConsumerRecord): Event[] {
    const arrivalMs = eventTime === 'arrival' ? record.approximateArrivalTimestampMs : context.clock.now();
    const decoded = decode(record, arrivalMs);
    const place = placeOf(record, shard);
    let nth = 0;
    for (const event of decoded) {
      event.origin = nth === 0 ? place : `${place}/${nth}`;
      event.metadata['approximate_arrival_timestamp'] = record.approximateArrivalTimestampMs;
      event.metadata['partition_key'] = record.partitionKey;
      event.metadata['sequence_number'] = record.sequenceNumber;
      event.metadata['sub_sequence_number'] = record.subSequenceNumber;
      nth += 1;
    }
    return decoded;
  }

  /** A record is a message of its own, so what a line codec holds back at its end is an event too. */
  function decode(record: ConsumerRecord, arrivalMs: number): Event[] {
    if (record.fault) return [refused.undecoded(record, record.fault.message, shard, arrivalMs)];
    try {
      const decoded = codec.decode(record.data, arrivalMs);
      const rest = codec.flush(arrivalMs);
      return rest.length === 0 ? decoded : [...decoded, ...rest];
    } catch (error) {
      return [refused.undecoded(record, String(error), shard, arrivalMs)];
    }
  }

  return {
    process,
    settledPosition: () => tracker.settledPosition(),
    whenSettled: () => tracker.whenEmpty(),
    unsettledSinceMs: () => tracker.snapshot().oldestOpenSinceMs,
    lost: () => lost.abort(),
  };
}

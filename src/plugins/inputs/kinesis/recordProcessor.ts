/** The records of one shard as events: decoded, named by their place in the stream, emitted in slices that settle alone. */
import { createAckTracker } from '../../../delivery/ackTracker.ts';
import { Event } from '../../../event/event.ts';
import type { ConsumerRecord, Position, ShardInfo, ShardProcessor } from '../../../kinesis/types.ts';
import type { Codec, InputContext } from '../../../plugin-api/index.ts';
import { orAborted } from '../../../util/abort.ts';

export const TOO_LARGE_TAG = '_recordtoolarge';
export const FAILURE_TAG = '_kinesisdecodefailure';

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
}

export function createRecordProcessor(settings: RecordProcessorSettings, context: InputContext): ShardProcessor {
  const { shard, codec, eventTime, ackWindowMax = ACK_WINDOW_MAX } = settings;
  const lost = new AbortController();
  const end = AbortSignal.any([settings.stop, lost.signal]);
  const tracker = createAckTracker<Position | null>(context.clock.now, ackWindowMax);
  const decodeErrors = context.counter('decode_errors');
  const tooLarge = context.counter('records_too_large');
  const recordsIn = context.counter('records');
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

  async function process(records: readonly ConsumerRecord[]): Promise<void> {
    const { batchSize } = context;
    let slice: Event[] = [];
    let recordCount = 0;
    for (const record of records) {
      if (end.aborted) return;
      for (const event of events(record)) {
        slice.push(event);
        if (slice.length < batchSize * BATCHES_A_RECORD_MAX) continue;
        await emit(slice);
        slice = [];
      }
      before = { sequenceNumber: record.sequenceNumber, subSequenceNumber: record.subSequenceNumber };
      recordCount += 1;
      if (slice.length < batchSize && recordCount < batchSize) continue;
      await emit(slice);
      slice = [];
      recordCount = 0;
    }
    if (recordCount > 0) await emit(slice);
  }

  function events(record: ConsumerRecord): Event[] {
    recordsIn.value += 1;
    const arrivalMs = eventTime === 'arrival' ? record.approximateArrivalTimestampMs : context.clock.now();
    const decoded = decode(record, arrivalMs);
    const origin = `${shard.streamName}/${shard.shardId}/${record.sequenceNumber}/${record.subSequenceNumber}`;
    let nth = 0;
    for (const event of decoded) {
      event.origin = nth === 0 ? origin : `${origin}/${nth}`;
      event.metadata['approximate_arrival_timestamp'] = record.approximateArrivalTimestampMs;
      event.metadata['partition_key'] = record.partitionKey;
      event.metadata['sequence_number'] = record.sequenceNumber;
      nth += 1;
    }
    return decoded;
  }

  /** A record is a message of its own, so what a line codec holds back at its end is an event too. */
  function decode(record: ConsumerRecord, arrivalMs: number): Event[] {
    if (record.fault) {
      tooLarge.value += 1;
      return [keptEvent(record, record.fault.message, TOO_LARGE_TAG, arrivalMs)];
    }
    try {
      const decoded = codec.decode(record.data, arrivalMs);
      const rest = codec.flush(arrivalMs);
      return rest.length === 0 ? decoded : [...decoded, ...rest];
    } catch (error) {
      decodeErrors.value += 1;
      if (decodeErrors.value === 1) {
        const { sequenceNumber } = record;
        const place = { shard: shard.shardId, sequenceNumber, error: String(error) };
        context.logger.error(`a record cannot be decoded; it goes on tagged ${FAILURE_TAG}, as all such will`, place);
      }
      return [keptEvent(record, String(error), FAILURE_TAG, arrivalMs)];
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

/** Nothing is dropped: the bytes as they came travel in base64. */
function keptEvent(record: ConsumerRecord, message: string, tag: string, arrivalMs: number): Event {
  const data = Buffer.from(record.data.buffer, record.data.byteOffset, record.data.byteLength).toString('base64');
  return Event.fromMap({ message, data, tags: [tag] }, arrivalMs);
}

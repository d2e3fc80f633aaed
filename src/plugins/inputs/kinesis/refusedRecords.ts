/** Records that cannot become events as they are: counted, said, and kept with all their bytes. */
import { Burial } from '../../../delivery/burial.ts';
import { TallyReporter } from '../../../delivery/tallyReporter.ts';
import { Event } from '../../../event/event.ts';
import type { SourceBatch } from '../../../event/sourceBatch.ts';
import type { ConsumerRecord, ShardInfo } from '../../../kinesis/types.ts';
import type { Counter, InputContext } from '../../../plugin-api/index.ts';

export const FAILURE_TAG = '_kinesisdecodefailure';

const BURIED = {
  tooLarge: { counter: 'records_too_large', what: 'records that grow too large' },
  /** Our own code threw, though the record came alone. */
  poisoned: { counter: 'records_poisoned', what: 'records that break the pipeline' },
} as const;

/** Why a record goes to the dead letter queue. */
export type BurialKind = keyof typeof BURIED;

/** One an input: what happens in many shards is said once. */
export class RefusedRecords {
  readonly #burial: Burial;
  readonly #tally: TallyReporter;
  readonly #buried: Readonly<Record<BurialKind, Counter>>;
  readonly #undecoded: Counter;

  constructor(context: InputContext) {
    this.#burial = new Burial(context);
    this.#tally = new TallyReporter(context.logger, context.clock);
    this.#buried = {
      tooLarge: context.counter(BURIED.tooLarge.counter),
      poisoned: context.counter(BURIED.poisoned.counter),
    };
    this.#undecoded = context.counter('decode_errors');
  }

  /**
   * Takes a record to the dead letter queue, whole and around the filters, and settles `batch` when it
   * is there. Resolves then, or when `giveUp` aborts while the queue cannot take it.
   */
  bury(
    kind: BurialKind,
    record: ConsumerRecord,
    reason: string,
    batch: SourceBatch,
    shard: ShardInfo,
    giveUp: AbortSignal,
  ): Promise<void> {
    this.#buried[kind].value += 1;
    const place = placeOf(record, shard);
    this.#tally.note(BURIED[kind].what, () => `${place}: ${reason}; it goes to the dead letter queue`);
    const event = keptEvent(record, reason, record.approximateArrivalTimestampMs);
    event.origin = place;
    event.batch = batch;
    event.metadata = {
      stream_name: shard.streamName,
      shard_id: shard.shardId,
      sequence_number: record.sequenceNumber,
      sub_sequence_number: record.subSequenceNumber,
      partition_key: record.partitionKey,
      approximate_arrival_timestamp: record.approximateArrivalTimestampMs,
    };
    return this.#burial.bury(event, reason, giveUp);
  }

  /** The event in whose form a record that cannot be decoded goes through the filters. */
  undecoded(record: ConsumerRecord, reason: string, shard: ShardInfo, arrivalMs: number): Event {
    this.#undecoded.value += 1;
    const described = () => `${placeOf(record, shard)} cannot be decoded: ${reason}; it goes on tagged ${FAILURE_TAG}`;
    this.#tally.note('records that cannot be decoded', described);
    const event = keptEvent(record, reason, arrivalMs);
    event.tag(FAILURE_TAG);
    return event;
  }

  /** Says what was counted and not said. */
  close(): void {
    this.#tally.flush();
  }
}

/** Names the record: the same on every replay. */
export function placeOf(
  { sequenceNumber, subSequenceNumber }: ConsumerRecord,
  { streamName, shardId }: ShardInfo,
): string {
  return `${streamName}/${shardId}/${sequenceNumber}/${subSequenceNumber}`;
}

/** The bytes as they came travel in base64. */
function keptEvent(record: ConsumerRecord, message: string, arrivalMs: number): Event {
  const data = Buffer.from(record.data.buffer, record.data.byteOffset, record.data.byteLength).toString('base64');
  return Event.fromMap({ message, data }, arrivalMs);
}

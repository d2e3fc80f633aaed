/**
 * From what Kinesis stores to what a producer meant: one stored record holds one user record, plain or compressed, or,
 * written by the Kinesis Producer Library, several.
 */
import type { _Record } from '@aws-sdk/client-kinesis';
import {
  COMPRESSIONS,
  type Compression,
  type CompressionChoice,
  createDecompressor,
  type Decompress,
} from './decompress.ts';
import { createShardFilter, type ShardFilter } from './hashKeys.ts';
import { deaggregate, type KplContainer } from './kplDeaggregator.ts';
import type { HashKeyRange } from './lease.ts';
import { comparePositions } from './position.ts';
import type { StoredRecords } from './recordsAnswer.ts';
import type { ConsumerRecord, Counter, Position } from './types.ts';

export interface RecordFormSettings {
  readonly compression: CompressionChoice;
  /** A compressed user record may not grow beyond this. */
  readonly expandedBytesMax: number;
  /** What becomes of a KPL user record whose hash key lies outside the shard's range. */
  readonly kplRecordsOutsideShard: 'keep' | 'drop';
  /** The counter of that name, the same at each call. */
  readonly counter: (name: string) => Counter;
}

/** A batch ends with the record that takes it to so many, or to so many expanded bytes: each shard may have one in memory. */
const BATCH_RECORDS = 250;
const BATCH_EXPANDED_BYTES = 1024 * 1024;

/** Of one shard. */
export class RecordForms {
  readonly #expand: Decompress;
  readonly #filter: ShardFilter | undefined;
  readonly #stored: Counter;
  readonly #aggregated: Counter;
  readonly #outside: Counter;
  /** Of the batch that is being made. */
  #expandedBytes = 0;

  /** `hashKeyRange` is that of the shard; nothing is dropped where it is not known. */
  constructor(settings: RecordFormSettings, hashKeyRange: HashKeyRange | null) {
    const { counter, compression, expandedBytesMax, kplRecordsOutsideShard } = settings;
    this.#stored = counter('records');
    this.#aggregated = counter('aggregated_records');
    this.#outside = counter('user_records_outside_shard');
    const isDropping = kplRecordsOutsideShard === 'drop' && hashKeyRange !== null;
    this.#filter = isDropping ? createShardFilter(hashKeyRange) : undefined;
    const total = counter('expanded_bytes');
    const kinds = Object.fromEntries(COMPRESSIONS.map((kind) => [kind, counter(`${kind}_records`)]));
    const onExpanded = (kind: Compression, bytes: number) => {
      this.#expandedBytes += bytes;
      total.value += bytes;
      (kinds[kind] as Counter).value += 1;
    };
    this.#expand = createDecompressor({ compression, expandedBytesMax, onExpanded });
  }

  /**
   * The user records, in order, of `records`, without those at or below `settled`. They are taken apart and expanded when a
   * batch is asked for, so that a fetch of bombs does not stand in memory as a whole. No batch is empty.
   */
  *batches(records: StoredRecords, settled: Position | null): Generator<ConsumerRecord[]> {
    let batch: ConsumerRecord[] = [];
    this.#expandedBytes = 0;
    for (const stored of records) {
      this.#stored.value += 1;
      const bytes = stored.Data ?? NO_BYTES;
      const container = deaggregate(bytes);
      if (container === undefined && isAfter(settled, stored, 0)) {
        batch.push(this.#userRecord(stored, 0, stored.PartitionKey, bytes));
      }
      if (container !== undefined) {
        for (const record of this.#contained(stored, container, settled)) {
          batch.push(record);
          if (!this.#isFull(batch)) continue;
          yield batch;
          batch = [];
          this.#expandedBytes = 0;
        }
      }
      if (!this.#isFull(batch)) continue;
      yield batch;
      batch = [];
      this.#expandedBytes = 0;
    }
    if (batch.length > 0) yield batch;
  }

  #isFull(batch: readonly ConsumerRecord[]): boolean {
    return batch.length >= BATCH_RECORDS || this.#expandedBytes >= BATCH_EXPANDED_BYTES;
  }

  *#contained(stored: _Record, container: KplContainer, settled: Position | null): Generator<ConsumerRecord> {
    this.#aggregated.value += 1;
    const isInside = this.#filter?.(container);
    for (const [index, record] of container.records.entries()) {
      if (!isAfter(settled, stored, index)) continue;
      if (isInside?.(record) === false) {
        this.#outside.value += 1;
        continue;
      }
      const partitionKey = container.partitionKeys[record.partitionKeyIndex] ?? stored.PartitionKey;
      yield this.#userRecord(stored, index, partitionKey, record.data);
    }
  }

  #userRecord(
    stored: _Record,
    subSequenceNumber: number,
    partitionKey: string | undefined,
    bytes: Uint8Array,
  ): ConsumerRecord {
    let data = bytes;
    let fault: Error | undefined;
    try {
      data = this.#expand(bytes);
    } catch (error) {
      // Whatever it is: the records behind it go on.
      fault = error instanceof Error ? error : new Error(String(error));
    }
    return {
      sequenceNumber: stored.SequenceNumber ?? '',
      subSequenceNumber,
      partitionKey: partitionKey ?? '',
      data,
      approximateArrivalTimestampMs: stored.ApproximateArrivalTimestamp?.getTime() ?? 0,
      fault,
    };
  }
}

const NO_BYTES = new Uint8Array(0);

function isAfter(settled: Position | null, { SequenceNumber = '' }: _Record, subSequenceNumber: number): boolean {
  return settled === null || comparePositions({ sequenceNumber: SequenceNumber, subSequenceNumber }, settled) > 0;
}

/** Finds records of one shard by time and place, for tools: a few reads in all, at a pace that Kinesis allows. */
import type { _Record } from '@aws-sdk/client-kinesis';
import type { Clock } from '../util/clock.ts';
import type { KinesisApi } from './awsApi.ts';
import { errorName } from './awsErrors.ts';
import { deaggregate } from './kplDeaggregator.ts';
import { type Lease, newLease } from './lease.ts';
import { ReadingPosition } from './readingPosition.ts';
import { createPollingSource, type Fetched, type RecordSource } from './recordSource.ts';
import { type Retry, retried } from './retried.ts';
import type { KnownShard } from './shards.ts';
import type { InitialPosition } from './types.ts';

/** One record as Kinesis stores it. */
export interface FoundRecord {
  readonly sequenceNumber: string;
  /** Of the last user record in it: 0 unless the Kinesis Producer Library put several together. */
  readonly lastSubSequenceNumber: number;
  /** When Kinesis took it, in milliseconds since 1970. */
  readonly arrivalMs: number;
}

/** Where a shard stands at a row's checkpoint. */
export interface CheckpointRead {
  /** Arrival of the record at the checkpoint; `null` when there is none, or the stream no longer holds it. */
  readonly arrivalMs: number | null;
  /** The stream's oldest record is newer than the checkpoint. */
  readonly isTrimmed: boolean;
  readonly millisBehindLatest: number;
}

/** The first step back from now; each next one goes eight times as far. */
const STEP_BACK_MS = 10_000;
const STEP_FACTOR = 8;
/** Kinesis keeps nothing for longer than a year. */
const RETENTION_MAX_MS = 366 * 24 * 60 * 60 * 1_000;
const RECORDS_A_READ = 10_000;

export interface FinderSettings extends Retry {
  readonly kinesis: KinesisApi;
  readonly streamName: string;
  readonly clock: Clock;
  /** Least time between two reads of the shard: more than Kinesis asks for where workers read it too. */
  readonly readIntervalMs: number;
}

export class RecordFinder {
  readonly #settings: FinderSettings;
  readonly #shard: KnownShard;
  #nextReadMs = 0;

  constructor(shard: KnownShard, settings: FinderSettings) {
    this.#shard = shard;
    this.#settings = settings;
  }

  /** The first record that came at or after `timestampMs`; `null` when none has come yet. */
  async firstFrom(timestampMs: number): Promise<FoundRecord | null> {
    const at = { type: 'AT_TIMESTAMP', timestampMs } as const;
    try {
      return await this.#first(this.#source(newLease(this.#shard, at.type), at, 1));
    } catch (error) {
      // Kinesis refuses times that its clock has not reached.
      if (errorName(error) === 'InvalidArgumentException') return null;
      throw error;
    }
  }

  /**
   * The last record of the shard; `null` when it holds none. The time after which there is no further one is halved in
   * until it is short, so that even a busy shard is not read through.
   */
  async last(): Promise<FoundRecord | null> {
    const nowMs = this.#settings.clock.now();
    let untilMs = nowMs;
    let found: FoundRecord | null = null;
    for (let stepMs = STEP_BACK_MS; found === null; stepMs *= STEP_FACTOR) {
      if (untilMs <= nowMs - RETENTION_MAX_MS) return null;
      const sinceMs = nowMs - Math.min(stepMs, RETENTION_MAX_MS);
      found = await this.firstFrom(sinceMs);
      if (found === null) untilMs = sinceMs;
    }
    let sinceMs = found.arrivalMs;
    while (untilMs - sinceMs > STEP_BACK_MS) {
      const middleMs = (sinceMs + untilMs) / 2;
      const later = await this.firstFrom(middleMs);
      if (later === null) untilMs = middleMs;
      else sinceMs = middleMs;
      found = later ?? found;
    }
    return this.#lastAfter(found);
  }

  /** One read, and no second try, of the record at the checkpoint of a row that has not ended. */
  async atCheckpoint(lease: Lease, initialPosition: InitialPosition): Promise<CheckpointRead> {
    const { signal } = this.#settings;
    const { records, millisBehindLatest } = await this.#source(lease, initialPosition, 1).fetch(signal);
    const record = records.at(0);
    const isThere = record?.SequenceNumber === lease.checkpoint;
    const isRead = isThere && lease.checkpointSubSequenceNumber >= 0;
    // Kinesis measures from behind the record that it gave.
    const ageMs = record && !isRead ? this.#settings.clock.now() - arrivalMs(record) : 0;
    return {
      arrivalMs: isThere ? arrivalMs(record) : null,
      isTrimmed: record !== undefined && !isThere && /^\d/.test(lease.checkpoint),
      millisBehindLatest: Math.max(millisBehindLatest, ageMs),
    };
  }

  async #first(source: RecordSource): Promise<FoundRecord | null> {
    for (;;) {
      const { records, millisBehindLatest, ended } = await this.#fetch(source);
      const record = records.at(0);
      if (record !== undefined) return foundRecord(record);
      if (ended || millisBehindLatest === 0) return null;
    }
  }

  async #lastAfter(first: FoundRecord): Promise<FoundRecord> {
    const lease: Lease = { ...newLease(this.#shard, 'TRIM_HORIZON'), checkpoint: first.sequenceNumber };
    const source = this.#source(lease, { type: 'TRIM_HORIZON' }, RECORDS_A_READ);
    let last = first;
    for (;;) {
      const { records, millisBehindLatest, ended } = await this.#fetch(source);
      const record = records.at(-1);
      if (record !== undefined) last = foundRecord(record);
      if (ended || millisBehindLatest === 0) return last;
    }
  }

  #source(lease: Lease, initialPosition: InitialPosition, maxRecords: number): RecordSource {
    const { kinesis, clock, streamName, readIntervalMs } = this.#settings;
    const position = new ReadingPosition(lease, initialPosition);
    const settings = { streamName, maxRecords, idleTimeBetweenReadsMs: readIntervalMs };
    return createPollingSource(kinesis, clock, this.#shard.shardId, position, settings);
  }

  #fetch(source: RecordSource): Promise<Fetched> {
    const { clock, readIntervalMs } = this.#settings;
    return retried(async (signal) => {
      await clock.sleep(this.#nextReadMs - clock.monotonic(), signal);
      const startedMs = clock.monotonic();
      this.#nextReadMs = startedMs + readIntervalMs;
      const fetched = await source.fetch(signal);
      this.#nextReadMs = startedMs + Math.max(readIntervalMs, fetched.pauseMs);
      return fetched;
    }, this.#settings);
  }
}

function foundRecord(record: _Record): FoundRecord {
  const container = deaggregate(record.Data ?? new Uint8Array(0));
  return {
    sequenceNumber: record.SequenceNumber ?? '',
    lastSubSequenceNumber: container === undefined ? 0 : container.records.length - 1,
    arrivalMs: arrivalMs(record),
  };
}

function arrivalMs(record: _Record): number {
  return record.ApproximateArrivalTimestamp?.getTime() ?? 0;
}

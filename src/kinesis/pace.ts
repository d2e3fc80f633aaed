import type { StoredRecords } from './recordsAnswer.ts';
import { ScannedRecords } from './scannedRecords.ts';

interface Read {
  readonly records: StoredRecords;
  readonly millisBehindLatest: number;
}

/** What Kinesis allows a shard, all its consumers together. */
const CALL_MS_MIN = 200;
const BYTES_PER_SECOND = 2 * 1024 * 1024;

/**
 * Pause from the start of one GetRecords call to the start of the next: at the tip of the shard as the user set it, behind it as
 * short as Kinesis allows.
 */
export function pauseMs(read: Read, idleTimeBetweenReadsMs: number): number {
  const allowedMs = Math.max(CALL_MS_MIN, (storedBytes(read) / BYTES_PER_SECOND) * 1_000);
  return read.millisBehindLatest > 0 ? allowedMs : Math.max(allowedMs, idleTimeBetweenReadsMs);
}

/** As Kinesis counts: data and partition keys. */
export function storedBytes({ records }: Pick<Read, 'records'>): number {
  if (records instanceof ScannedRecords) return records.storedBytes;
  let bytes = 0;
  for (const record of records) bytes += (record.Data?.length ?? 0) + (record.PartitionKey?.length ?? 0);
  return bytes;
}

/**
 * What to ask a shard for at once: with the bytes that Kinesis allows it, that makes two calls a second of the five that all its
 * consumers share.
 */
export const ANSWER_BYTES = BYTES_PER_SECOND / 2;

/** The longest pause between two tries of a call that fails. */
export const BACKOFF_MAX_MS = 30_000;

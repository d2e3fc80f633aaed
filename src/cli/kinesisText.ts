/** Shards, positions and owners as the tables of `logstash-ts kinesis` show them. */
import { durationText } from './durationText.ts';

export interface ShownPosition {
  readonly checkpoint: string;
  readonly checkpointSubSequenceNumber: number;
  readonly arrivalMs: number | null;
}

const DIGITS_SHOWN = 7;
const SHARDS_NAMED = 4;

/** `…4546370 (12 s ago)`; `at …` when the record itself is still to be read, `…/3` inside an aggregated one. */
export function positionText(
  { checkpoint, checkpointSubSequenceNumber: sub, arrivalMs }: ShownPosition,
  nowMs: number,
): string {
  if (!/^\d/.test(checkpoint)) return checkpoint;
  const number = checkpoint.length > DIGITS_SHOWN ? `…${checkpoint.slice(-DIGITS_SHOWN)}` : checkpoint;
  const place = sub < 0 ? `at ${number}` : sub > 0 ? `${number}/${sub}` : number;
  return arrivalMs === null ? place : `${place} (${durationText(Math.max(0, nowMs - arrivalMs))} ago)`;
}

/** `ip-10-0-1-7:5f2c…`: of the UUID behind a host name as much as tells workers of one host apart. */
export function ownerText(leaseOwner: string): string {
  return leaseOwner.replace(/:([0-9a-f]{4})[0-9a-f]{4}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, ':$1…');
}

/** `3` for `shardId-000000000003`. */
export function shardNumber(shardId: string): string {
  return /^shardId-0*(\d+)$/.exec(shardId)?.[1] ?? shardId;
}

/** The first few by name. */
export function shardList(shardIds: readonly string[]): string {
  const named = shardIds.slice(0, SHARDS_NAMED).join(', ');
  return shardIds.length > SHARDS_NAMED ? `${named} and ${shardIds.length - SHARDS_NAMED} more` : named;
}

export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

export function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/**
 * Moves the checkpoints of a lease table that no worker uses, so that the next start reads from a time, from the oldest
 * records, or only what comes from now on.
 */
import PQueue from 'p-queue';
import type { KinesisApi } from './awsApi.ts';
import { describeError, isNotFound, withAdvice } from './awsErrors.ts';
import { type FoundRecord, RecordFinder } from './findRecords.ts';
import { checkpointedPosition, type Lease } from './lease.ts';
import type { LeaseTable } from './leaseTable.ts';
import { failoverWatchMs, watchLeases } from './leaseWatch.ts';
import { type Retry, retried } from './retried.ts';
import { type FoundInShard, type PlannedRow, planSeek } from './seekPlan.ts';
import { type KnownShard, listShards } from './shards.ts';
import type { InitialPosition } from './types.ts';

export interface SeekRequest {
  readonly streamName: string;
  readonly target: InitialPosition;
  readonly failoverTimeMs: number;
  /** Nothing is written, and it is not watched whether workers live. */
  readonly dryRun: boolean;
}

export interface SeekSurroundings extends Retry {
  readonly kinesis: KinesisApi;
  readonly table: LeaseTable;
  /** Says what takes its time. */
  readonly progress: (text: string) => void;
}

export interface RowPosition {
  /** A sequence number, or one of KCL's sentinels. */
  readonly checkpoint: string;
  readonly checkpointSubSequenceNumber: number;
  /** When Kinesis took the record at the checkpoint; `null` when it is not known. */
  readonly arrivalMs: number | null;
}

export interface SeekedShard extends Pick<PlannedRow, 'shardId' | 'change' | 'direction'> {
  /** Whose row it was; `null` for nobody's. */
  readonly leaseOwner: string | null;
  readonly before: RowPosition | null;
  readonly after: RowPosition | null;
  /** Whether the row stands as in `after`. */
  readonly done: boolean;
}

export interface SeekResult {
  readonly shards: readonly SeekedShard[];
  /** Rows of shards that the stream no longer has: left as they are. */
  readonly leftShardIds: readonly string[];
  /** The row that could not be written, and why; nothing was written from there on. */
  readonly stopped: { readonly shardId: string; readonly reason: string } | null;
}

/** Nothing was written; the message says why and what to do. */
export class SeekRefused extends Error {
  override readonly name = 'SeekRefused';
}

const SHARDS_AT_ONCE = 8;
const LOOK_EVERY_MS = 1_000;
/** Kinesis allows a shard five reads a second, and workers need theirs. */
const READ_INTERVAL_MS = { alone: 200, besideWorkers: 1_000 };

/** @throws SeekRefused; what the AWS calls throw */
export async function seek(request: SeekRequest, around: SeekSurroundings): Promise<SeekResult> {
  const leases = await freeLeases(request, around);
  const shards = await retried((signal) => listShards(around.kinesis, request.streamName, undefined, signal), around);
  shards.sort((left, right) => (left.shardId < right.shardId ? -1 : 1));
  const positions = await lookUp(shards, leases, request, around);
  const plan = planSeek(request.target, shards, leases, positions.found);
  const written = request.dryRun ? { rows: 0, stopped: null } : await write(plan, around);
  const known = new Set(shards.map(({ shardId }) => shardId));
  return {
    shards: plan.map((row, index) => seekedShard(row, positions, row.change === 'none' || index < written.rows)),
    leftShardIds: leases.map(({ leaseKey }) => leaseKey).filter((shardId) => !known.has(shardId)),
    stopped: written.stopped,
  };
}

/** The rows, once it is certain that no worker uses them. */
async function freeLeases(
  { dryRun, failoverTimeMs }: SeekRequest,
  { table, progress, ...retry }: SeekSurroundings,
): Promise<readonly Lease[]> {
  const leases = await retried((signal) => table.list(signal), retry).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    throw new SeekRefused(
      `there is no lease table "${table.name}" yet: the first start makes it, and begins at initial_position_in_stream`,
    );
  });
  const owners = ownersOf(leases);
  if (dryRun || owners.length === 0) return leases;
  const forMs = failoverWatchMs(failoverTimeMs);
  progress(`rows belong to ${owners.join(', ')}: watching for ${Math.ceil(forMs / 1_000)} s whether they are alive`);
  const untilMs = retry.clock.monotonic() + forMs;
  const watched = await watchLeases(table, leases, { untilMs, lookEveryMs: LOOK_EVERY_MS }, retry);
  if (watched.moved.length === 0) return watched.leases;
  const alive = ownersOf(watched.moved);
  throw new SeekRefused(
    `workers use the lease table "${table.name}": ${alive.join(', ')}. Stop them, and give the command again`,
  );
}

function ownersOf(leases: readonly Lease[]): string[] {
  return [...new Set(leases.flatMap(({ leaseOwner }) => leaseOwner ?? []))].sort();
}

interface Positions {
  readonly found: ReadonlyMap<string, FoundInShard>;
  /** Arrival of records by sequence number. */
  readonly arrivals: ReadonlyMap<string, number>;
}

async function lookUp(
  shards: readonly KnownShard[],
  leases: readonly Lease[],
  { target, streamName, dryRun }: SeekRequest,
  { kinesis, progress, ...retry }: SeekSurroundings,
): Promise<Positions> {
  progress(`looking up positions in ${shards.length} ${shards.length === 1 ? 'shard' : 'shards'}`);
  const isBeside = dryRun && ownersOf(leases).length > 0;
  const readIntervalMs = isBeside ? READ_INTERVAL_MS.besideWorkers : READ_INTERVAL_MS.alone;
  const rows = new Map(leases.map((lease) => [lease.leaseKey, lease]));
  const found = new Map<string, FoundInShard>();
  const arrivals = new Map<string, number>();
  const note = (record: FoundRecord | null) => record && arrivals.set(record.sequenceNumber, record.arrivalMs);
  await new PQueue({ concurrency: SHARDS_AT_ONCE }).addAll(
    shards.map((shard) => async () => {
      const finder = new RecordFinder(shard, { kinesis, streamName, readIntervalMs, ...retry });
      const row = rows.get(shard.shardId);
      const arrivalMs = row && (await checkpointArrival(row, finder));
      if (row && arrivalMs) arrivals.set(row.checkpoint, arrivalMs);
      if (target.type === 'TRIM_HORIZON') return;
      const records = await findIn(shard, target, finder);
      note(records.from);
      note(records.last);
      found.set(shard.shardId, records);
    }),
  );
  return { found, arrivals };
}

/** Only for the eyes of the user: where it cannot be had, it is left out. */
async function checkpointArrival(lease: Lease, finder: RecordFinder): Promise<number | null> {
  if (checkpointedPosition(lease) === null) return null;
  const read = await finder.atCheckpoint(lease, { type: 'TRIM_HORIZON' }).catch(() => null);
  return read?.arrivalMs ?? null;
}

async function findIn(
  { isOpen }: KnownShard,
  target: Exclude<InitialPosition, { type: 'TRIM_HORIZON' }>,
  finder: RecordFinder,
): Promise<FoundInShard> {
  const from = async () => (target.type === 'LATEST' ? null : finder.firstFrom(target.timestampMs));
  const first = await from();
  if (first !== null || !isOpen) return { from: first, last: null };
  const last = await finder.last();
  // What came between the two looks is wanted.
  const isNew = target.type === 'AT_TIMESTAMP' && last !== null && last.arrivalMs >= target.timestampMs;
  return { from: isNew ? await from() : null, last };
}

/** Writes in order, as far as it goes: the rows that stand then are all, or those before the one that stopped it. */
async function write(
  plan: readonly PlannedRow[],
  { table, ...retry }: SeekSurroundings,
): Promise<{ rows: number; stopped: SeekResult['stopped'] }> {
  for (const [rows, { shardId, before, after, change }] of plan.entries()) {
    if (change === 'none' || after === null) continue;
    const attempt = async (signal: AbortSignal) => {
      const accepted = before ? table.reposition(before, after, signal) : table.create(after, signal);
      return (await accepted) || isSame(await table.get(after.leaseKey, signal), after) ? null : CHANGED;
    };
    const reason = await retried(attempt, retry).catch((error: unknown) => withAdvice(describeError(error), error));
    if (reason !== null) return { rows, stopped: { shardId, reason } };
  }
  return { rows: plan.length, stopped: null };
}

const CHANGED = 'its row has changed in the meantime: a worker has started';

/** A write whose answer was lost on the way is refused when it is tried again. */
function isSame(row: Lease | null, wanted: Lease): boolean {
  return (
    row !== null &&
    row.leaseOwner === null &&
    row.leaseCounter === wanted.leaseCounter &&
    row.checkpoint === wanted.checkpoint &&
    row.checkpointSubSequenceNumber === wanted.checkpointSubSequenceNumber
  );
}

function seekedShard(row: PlannedRow, { arrivals }: Positions, done: boolean): SeekedShard {
  const position = (lease: Lease | null): RowPosition | null =>
    lease && {
      checkpoint: lease.checkpoint,
      checkpointSubSequenceNumber: lease.checkpointSubSequenceNumber,
      arrivalMs: arrivals.get(lease.checkpoint) ?? null,
    };
  const { shardId, change, direction, before, after } = row;
  const leaseOwner = before?.leaseOwner ?? null;
  return { shardId, change, direction, leaseOwner, before: position(before), after: position(after), done };
}

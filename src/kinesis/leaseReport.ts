/** Who reads which shard of a stream, and how far: the lease table beside the shards, for people to look at. */
import PQueue from 'p-queue';
import type { KinesisApi } from './awsApi.ts';
import { isNotFound, needsAPerson } from './awsErrors.ts';
import { type CheckpointRead, RecordFinder } from './findRecords.ts';
import { isEnded, type Lease } from './lease.ts';
import type { LeaseTable } from './leaseTable.ts';
import { renewalWatchMs, watchLeases } from './leaseWatch.ts';
import { type Retry, retried } from './retried.ts';
import { type KnownShard, listShards } from './shards.ts';
import type { InitialPosition } from './types.ts';

export interface LeaseReportRequest {
  readonly streamName: string;
  readonly initialPosition: InitialPosition;
  readonly failoverTimeMs: number;
  /** Whether to read one record a shard, for the age of checkpoints and the lag. */
  readonly readsLag: boolean;
  /** Whether to look at the table a second time, for whether the owners live. */
  readonly watches: boolean;
}

export interface LeaseReportSurroundings extends Retry {
  readonly kinesis: KinesisApi;
  readonly table: LeaseTable;
}

/** `silent`: no sign of life for longer than a renewal takes. `unknown`: it was not watched for. */
export type OwnerState = 'alive' | 'silent' | 'unknown';

export interface ReportedShard {
  readonly shardId: string;
  /** `null` when the stream no longer has the shard. */
  readonly isOpen: boolean | null;
  /** `null` when the table has no row of the shard. */
  readonly row: Lease | null;
  /** `null` when nobody owns the row. */
  readonly ownerState: OwnerState | null;
  /** When Kinesis took the record at the checkpoint; `null` when that is not known. */
  readonly checkpointArrivalMs: number | null;
  /** How far the checkpoint is behind the tip of the shard; `null` when that is not known. */
  readonly millisBehindLatest: number | null;
  /** Parents that are not read to their end: until then this shard is not read. */
  readonly waitsFor: readonly string[];
}

export type LeaseProblemKind = 'no_owner' | 'silent_owner' | 'no_row' | 'records_lost';

export interface LeaseProblem {
  readonly problem: LeaseProblemKind;
  readonly shardIds: readonly string[];
}

export interface ReportedOwner {
  readonly leaseOwner: string;
  /** Rows of shards that are not read to their end. */
  readonly leases: number;
  /** `alive` when any of its rows has moved. */
  readonly state: OwnerState;
}

export interface LeaseReport {
  readonly tableExists: boolean;
  /** How long it was watched whether owners live; `null` when it was not. */
  readonly watchedMs: number | null;
  readonly shards: readonly ReportedShard[];
  readonly owners: readonly ReportedOwner[];
  readonly problems: readonly LeaseProblem[];
}

const SHARDS_AT_ONCE = 8;

/** Rejects as the AWS calls do. */
export async function reportLeases(request: LeaseReportRequest, around: LeaseReportSurroundings): Promise<LeaseReport> {
  const { kinesis, table } = around;
  const [listed, shards] = await Promise.all([
    retried((signal) => table.list(signal), around).catch((error: unknown) => {
      if (isNotFound(error)) return null;
      throw error;
    }),
    retried((signal) => listShards(kinesis, request.streamName, undefined, signal), around),
  ]);
  const leases = listed ?? [];
  const watched = request.watches ? await watchOwners(leases, request, around) : null;
  const seen = watched?.leases ?? leases;
  const reads = request.readsLag ? await readCheckpoints(shards, seen, request, around) : new Map();
  return { tableExists: listed !== null, ...describeLeases(shards, seen, reads, watched) };
}

interface Watch {
  /** Shards whose rows moved. */
  readonly alive: ReadonlySet<string>;
  readonly forMs: number;
}

/** Nothing when nobody owns a row. */
async function watchOwners(
  leases: readonly Lease[],
  { failoverTimeMs }: LeaseReportRequest,
  { table, ...retry }: LeaseReportSurroundings,
): Promise<(Watch & { readonly leases: readonly Lease[] }) | null> {
  if (leases.every(({ leaseOwner }) => leaseOwner === null)) return null;
  const startedMs = retry.clock.monotonic();
  const lookEveryMs = renewalWatchMs(failoverTimeMs);
  // One look, at the end: rows that moved in between are seen then too.
  const watched = await watchLeases(table, leases, { untilMs: startedMs + lookEveryMs, lookEveryMs }, retry);
  const alive = new Set(watched.moved.map(({ leaseKey }) => leaseKey));
  return { leases: watched.leases, alive, forMs: retry.clock.monotonic() - startedMs };
}

/** The part without calls. `reads` holds what could be read. */
export function describeLeases(
  shards: readonly KnownShard[],
  leases: readonly Lease[],
  reads: ReadonlyMap<string, CheckpointRead>,
  watch: Watch | null,
): Omit<LeaseReport, 'tableExists'> {
  const inStream = new Map(shards.map((shard) => [shard.shardId, shard]));
  const rows = new Map(leases.map((lease) => [lease.leaseKey, lease]));
  const family = new Family(inStream, rows);
  const reported = [...new Set([...inStream.keys(), ...rows.keys()])].sort().map((shardId): ReportedShard => {
    const row = rows.get(shardId) ?? null;
    const read = reads.get(shardId);
    return {
      shardId,
      isOpen: inStream.get(shardId)?.isOpen ?? null,
      row,
      ownerState: row?.leaseOwner == null ? null : ownerState(shardId, watch?.alive),
      checkpointArrivalMs: read?.arrivalMs ?? null,
      millisBehindLatest: read?.millisBehindLatest ?? null,
      waitsFor: row && isEnded(row) ? [] : family.unendedParents(shardId),
    };
  });
  const isTrimmed = (shardId: string) => reads.get(shardId)?.isTrimmed === true;
  return {
    watchedMs: watch?.forMs ?? null,
    shards: reported,
    owners: ownersOf(reported),
    problems: problemsOf(reported, isTrimmed),
  };
}

async function readCheckpoints(
  shards: readonly KnownShard[],
  leases: readonly Lease[],
  { streamName, initialPosition }: LeaseReportRequest,
  { kinesis, ...retry }: LeaseReportSurroundings,
): Promise<Map<string, CheckpointRead>> {
  const rows = new Map(leases.map((lease) => [lease.leaseKey, lease]));
  const reads = new Map<string, CheckpointRead>();
  await new PQueue({ concurrency: SHARDS_AT_ONCE }).addAll(
    shards.map((shard) => async () => {
      const row = rows.get(shard.shardId);
      if (row === undefined || isEnded(row) || row.checkpoint === 'LATEST') return;
      const finder = new RecordFinder(shard, { kinesis, streamName, readIntervalMs: 0, ...retry });
      const read = await finder.atCheckpoint(row, initialPosition).catch((error: unknown) => {
        // A shard whose readers leave no call over tells nothing this time.
        if (!needsAPerson(error) || isNotFound(error)) return undefined;
        throw error;
      });
      if (read) reads.set(shard.shardId, read);
    }),
  );
  return reads;
}

function ownerState(shardId: string, alive: ReadonlySet<string> | undefined): OwnerState {
  if (alive === undefined) return 'unknown';
  return alive.has(shardId) ? 'alive' : 'silent';
}

class Family {
  readonly #shards: ReadonlyMap<string, KnownShard>;
  readonly #rows: ReadonlyMap<string, Lease>;

  constructor(shards: ReadonlyMap<string, KnownShard>, rows: ReadonlyMap<string, Lease>) {
    this.#shards = shards;
    this.#rows = rows;
  }

  /** A parent without a row was read to its end, or waits for its own parents. */
  unendedParents(shardId: string): string[] {
    const parents = this.#rows.get(shardId)?.parentShardIds ?? this.#shards.get(shardId)?.parentShardIds ?? [];
    return parents.filter((parent) => {
      const row = this.#rows.get(parent);
      return row ? !isEnded(row) : this.unendedParents(parent).length > 0;
    });
  }
}

/** An owner keeps its name in the row of a shard that has ended, and need not renew that. */
function isHeld({ row }: ReportedShard): boolean {
  return row !== null && row.leaseOwner !== null && !isEnded(row);
}

function ownersOf(shards: readonly ReportedShard[]): ReportedOwner[] {
  const owners = new Map<string, ReportedOwner>();
  for (const { row, ownerState: state } of shards.filter(isHeld)) {
    const leaseOwner = row?.leaseOwner ?? '';
    const owner = owners.get(leaseOwner) ?? { leaseOwner, leases: 0, state: state ?? 'unknown' };
    owners.set(leaseOwner, {
      leaseOwner,
      leases: owner.leases + 1,
      state: state === 'alive' ? 'alive' : owner.state,
    });
  }
  return [...owners.values()].sort((left, right) => (left.leaseOwner < right.leaseOwner ? -1 : 1));
}

function problemsOf(shards: readonly ReportedShard[], isTrimmed: (shardId: string) => boolean): LeaseProblem[] {
  const unended = shards.filter(({ row }) => row !== null && !isEnded(row));
  const checks: Readonly<Record<LeaseProblemKind, readonly ReportedShard[]>> = {
    no_owner: unended.filter(({ row }) => row?.leaseOwner === null),
    silent_owner: shards.filter((shard) => isHeld(shard) && shard.ownerState === 'silent'),
    no_row: shards.filter(({ row, isOpen, waitsFor }) => row === null && isOpen === true && waitsFor.length === 0),
    records_lost: unended.filter(({ isOpen, shardId }) => isOpen === null || isTrimmed(shardId)),
  };
  return Object.entries(checks)
    .filter(([, found]) => found.length > 0)
    .map(([problem, found]) => ({
      problem: problem as LeaseProblemKind,
      shardIds: found.map(({ shardId }) => shardId),
    }));
}

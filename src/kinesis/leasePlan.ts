/** Which rows the lease table lacks, and which it no longer needs, by KCL's rules. No calls: tables and shards in, rows out. */
import { isEnded, type Lease, newLease } from './lease.ts';
import { compareSequenceNumbers } from './position.ts';
import type { KnownShard } from './shards.ts';
import type { InitialPosition } from './types.ts';

type PositionType = InitialPosition['type'];

/** An empty table gets a row for every shard that holds data at the initial position; the rest follows at shard ends. */
export function firstLeases(shards: readonly KnownShard[], initialPosition: PositionType): Lease[] {
  return [...shards].sort(byStart).map((shard) => newLease(shard, initialPosition));
}

/**
 * Rows to add to a table that has some, oldest shard first, so that a crash between two of them does harm to nobody.
 * - An open shard none of whose ancestors has a row starts at the initial position; with TRIM_HORIZON or AT_TIMESTAMP its
 *   oldest ancestors in the stream get rows first.
 * - An open shard with such an ancestor gets its row at the ancestor's end. What is missing between is filled in.
 * - A child of an ended shard whose row is missing, as a crash of a KCL worker of the 1.9 line leaves it, starts at its oldest record.
 */
export function missingLeases(
  shards: readonly KnownShard[],
  leases: readonly Lease[],
  initialPosition: PositionType,
): Lease[] {
  const family = new Family(shards, leases, initialPosition);
  for (const shard of shards) {
    if (shard.isOpen && !family.hasOpenParent(shard)) family.plan(shard);
  }
  family.planOrphans();
  return family.planned();
}

class Family {
  readonly #shards: ReadonlyMap<string, KnownShard>;
  readonly #leases: ReadonlyMap<string, Lease>;
  readonly #initialPosition: PositionType;
  readonly #planned = new Map<string, Lease>();
  readonly #descends = new Map<string, boolean>();
  /** Shards without an ancestor that has a row, which are to be read from the initial position. */
  readonly #roots = new Set<string>();

  constructor(shards: readonly KnownShard[], leases: readonly Lease[], initialPosition: PositionType) {
    this.#shards = new Map(shards.map((shard) => [shard.shardId, shard]));
    this.#leases = new Map(leases.map((lease) => [lease.leaseKey, lease]));
    this.#initialPosition = initialPosition;
  }

  planned(): Lease[] {
    const start = (lease: Lease) => this.#shards.get(lease.leaseKey) as KnownShard;
    return [...this.#planned.values()].sort((left, right) => byStart(start(left), start(right)));
  }

  /** A list of shards that was read in pages during a reshard may show an open child of an open parent: not yet. */
  hasOpenParent(shard: KnownShard): boolean {
    return this.#parents(shard).some((parent) => parent.isOpen);
  }

  plan(shard: KnownShard): void {
    if (this.#leases.has(shard.shardId) || this.#descendsFromLease(shard)) return;
    this.#planned.set(shard.shardId, newLease(shard, this.#initialPosition));
  }

  planOrphans(): void {
    for (const shard of this.#shards.values()) {
      const [known, planned] = [this.#leases.has(shard.shardId), this.#planned.has(shard.shardId)];
      if (known || planned || !this.#parentsEnded(shard) || this.#hasDescendantLease(shard)) continue;
      this.#planned.set(shard.shardId, newLease(shard, 'TRIM_HORIZON'));
    }
  }

  /** Whether the shard is, or follows, one that has or gets a row. Plans the rows of its ancestors on the way. */
  #descendsFromLease(shard: KnownShard): boolean {
    const before = this.#descends.get(shard.shardId);
    if (before !== undefined) return before;
    const descends = this.#leases.has(shard.shardId) || this.#planAncestors(shard);
    this.#descends.set(shard.shardId, descends);
    return descends;
  }

  #planAncestors(shard: KnownShard): boolean {
    const parents = this.#parents(shard);
    const covered = parents.filter((parent) => this.#descendsFromLease(parent) || this.#roots.has(parent.shardId));
    if (covered.length === 0) {
      if (this.#initialPosition !== 'LATEST') this.#roots.add(shard.shardId);
      return false;
    }
    for (const parent of parents) this.#planParent(parent, covered.includes(parent));
    return true;
  }

  #planParent(parent: KnownShard, isCovered: boolean): void {
    if (this.#leases.has(parent.shardId)) return;
    const isDue = this.#roots.has(parent.shardId) || !isCovered || this.#planned.has(parent.shardId);
    if (!isDue) return;
    const fromStart = isCovered && this.#initialPosition !== 'AT_TIMESTAMP';
    this.#planned.set(parent.shardId, newLease(parent, fromStart ? 'TRIM_HORIZON' : this.#initialPosition));
  }

  #parents(shard: KnownShard): KnownShard[] {
    return shard.parentShardIds.map((id) => this.#shards.get(id)).filter((parent) => parent !== undefined);
  }

  #parentsEnded(shard: KnownShard): boolean {
    const rows = shard.parentShardIds.map((id) => this.#leases.get(id)).filter((row) => row !== undefined);
    const isCovered = shard.parentShardIds.every((id) => this.#leases.has(id) || !this.#shards.has(id));
    return rows.length > 0 && isCovered && rows.every(isEnded);
  }

  #hasDescendantLease(shard: KnownShard): boolean {
    for (const other of this.#shards.values()) {
      if (!other.parentShardIds.includes(shard.shardId)) continue;
      if (this.#leases.has(other.shardId) || this.#hasDescendantLease(other)) return true;
    }
    return false;
  }
}

function byStart(left: KnownShard, right: KnownShard): number {
  return (
    compareSequenceNumbers(left.startingSequenceNumber, right.startingSequenceNumber) ||
    (left.shardId < right.shardId ? -1 : 1)
  );
}

/**
 * Ended leases that nobody needs any more: all children are under way and the parents' rows are gone, so that rows go
 * oldest first; or the shard itself is gone from the stream.
 */
export function removableLeases(shards: readonly KnownShard[], leases: readonly Lease[]): Lease[] {
  const rows = new Map(leases.map((lease) => [lease.leaseKey, lease]));
  const inStream = new Set(shards.map((shard) => shard.shardId));
  return leases.filter((lease) => {
    if (!isEnded(lease)) return false;
    const children = childrenOf(lease, shards);
    if (!inStream.has(lease.leaseKey)) return true;
    const parentsGone = !lease.parentShardIds.some((id) => rows.has(id));
    return parentsGone && children.length > 0 && children.every((id) => isUnderWay(rows.get(id)));
  });
}

/** From the row when it says so, else from the stream. */
function childrenOf(lease: Lease, shards: readonly KnownShard[]): readonly string[] {
  if (lease.childShardIds.length > 0) return lease.childShardIds;
  return shards.filter((shard) => shard.parentShardIds.includes(lease.leaseKey)).map((shard) => shard.shardId);
}

function isUnderWay(child: Lease | undefined): boolean {
  return child !== undefined && child.checkpoint !== 'TRIM_HORIZON' && child.checkpoint !== 'AT_TIMESTAMP';
}

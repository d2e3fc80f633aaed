/**
 * Decides which leases this worker takes, by KCL's rules: a lease is expired when its counter has not moved for the
 * failover time as seen here, and each live worker aims at its even share; when nothing is free it steals from the worker
 * that has most. Two things are our own: expired leases are found sooner, and a worker that went away in good order
 * keeps its share free for a while, so that a restart moves no lease but its own.
 */
import type { Clock } from '../util/clock.ts';
import { HeldLease } from './heldLease.ts';
import type { Lease } from './lease.ts';
import type { LeaseTable } from './leaseTable.ts';

/** As KCL: clocks and tables are not exact. */
const EPSILON_MS = 25;

export interface TakerSettings {
  readonly workerId: string;
  readonly failoverTimeMs: number;
  readonly maxLeasesForWorker: number;
  readonly maxLeasesToStealAtOneTime: number;
}

export interface SeenLease {
  readonly lease: Lease;
  /** When the counter was last seen to move; when it was first seen, for a lease seen once. */
  readonly movedMs: number;
  /** Whether the last two looks saw different counters: its owner is alive. */
  readonly moves: boolean;
}

export class LeaseTaker {
  readonly #table: LeaseTable;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #settings: TakerSettings;
  #seen = new Map<string, SeenLease>();
  #lookedMs = 0;
  /** Other workers, and when each was last seen alive with a lease. */
  readonly #aliveMs = new Map<string, number>();
  /** Those of them that hold none any more, and since when that is known. */
  readonly #departedMs = new Map<string, number>();

  constructor(table: LeaseTable, clock: Clock, random: () => number, settings: TakerSettings) {
    this.#table = table;
    this.#clock = clock;
    this.#random = random;
    this.#settings = settings;
  }

  /** The table as the last round saw it. */
  seen(): Lease[] {
    return Array.from(this.#seen.values(), (entry) => entry.lease);
  }

  /** Looks at the table and takes what is due to this worker. `isHeld` tells the leases it has. */
  async round(
    isHeld: (shardId: string) => boolean,
    onTaken: (held: HeldLease) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const leases = await this.#table.list(signal);
    const nowMs = this.#clock.monotonic();
    this.#seen = new Map(leases.map((lease) => [lease.leaseKey, this.#sighting(lease, nowMs)]));
    this.#lookedMs = nowMs;
    this.#noteOwners(nowMs);
    const fleet = { seen: [...this.#seen.values()], isHeld, departed: this.#departedMs.size };
    const wanted = chooseLeases(fleet, this.#settings, nowMs, this.#random);
    for (const lease of wanted) {
      if (signal.aborted) break;
      const startedMs = this.#clock.monotonic();
      // Not to be aborted half-way: the row would have an owner who does not know of it.
      const ours = await this.#table.take(lease, this.#settings.workerId);
      if (ours !== null) onTaken(new HeldLease(ours, startedMs, this.#table, this.#clock));
    }
  }

  /**
   * Pause until the next round. Two thirds of the failover time (KCL: twice that time), and sooner where a lease that has
   * stood still would expire: a dead worker's leases are taken within two failover times of its death.
   */
  nextRoundMs(isHeld: (shardId: string) => boolean): number {
    const { failoverTimeMs } = this.#settings;
    const nowMs = this.#clock.monotonic();
    const silent = [...this.#seen.values()].filter(({ lease, moves }) => !moves && !isHeld(lease.leaseKey));
    const dueMs = [...silent.map(({ movedMs }) => movedMs), ...this.#departedMs.values()]
      .map((ms) => ms + failoverTimeMs + EPSILON_MS - nowMs)
      .filter((ms) => ms > 0);
    return Math.min((failoverTimeMs * 2) / 3, ...dueMs);
  }

  #sighting(lease: Lease, nowMs: number): SeenLease {
    const before = this.#seen.get(lease.leaseKey);
    if (before === undefined) return { lease, movedMs: nowMs, moves: false };
    if (before.lease.leaseCounter !== lease.leaseCounter) return { lease, movedMs: nowMs, moves: true };
    // A look soon after the last one says nothing: leases are renewed three times in a failover time.
    const isSoon = nowMs - this.#lookedMs < this.#settings.failoverTimeMs / 2;
    return { lease, movedMs: before.movedMs, moves: before.moves && isSoon };
  }

  #noteOwners(nowMs: number): void {
    const { workerId, failoverTimeMs } = this.#settings;
    const owners = new Set<string>();
    for (const { lease, moves } of this.#seen.values()) {
      if (lease.leaseOwner === null || lease.leaseOwner === workerId) continue;
      owners.add(lease.leaseOwner);
      if (moves) this.#aliveMs.set(lease.leaseOwner, nowMs);
    }
    for (const [owner, aliveMs] of this.#aliveMs) {
      if (owners.has(owner)) continue;
      this.#aliveMs.delete(owner);
      if (nowMs - aliveMs <= failoverTimeMs) this.#departedMs.set(owner, nowMs);
    }
    for (const [owner, sinceMs] of this.#departedMs) {
      if (owners.has(owner) || nowMs - sinceMs > failoverTimeMs) this.#departedMs.delete(owner);
    }
  }
}

export interface SeenFleet {
  readonly seen: readonly SeenLease[];
  readonly isHeld: (shardId: string) => boolean;
  /** Workers that gave up all their leases within the failover time, and may be about to come back. */
  readonly departed: number;
}

/** The leases that bring this worker to its share: free and expired ones, in random order, or else stolen ones. */
export function chooseLeases(
  { seen, isHeld, departed }: SeenFleet,
  settings: TakerSettings,
  nowMs: number,
  random: () => number,
): Lease[] {
  const free: Lease[] = [];
  let heldCount = 0;
  const byOwner = new Map<string, SeenLease[]>();
  for (const sighting of seen) {
    const { lease, movedMs } = sighting;
    const owner = lease.leaseOwner;
    if (isHeld(lease.leaseKey)) {
      heldCount += 1;
    } else if (owner === null || owner === settings.workerId || nowMs - movedMs > settings.failoverTimeMs) {
      free.push(lease);
    } else {
      byOwner.set(owner, [...(byOwner.get(owner) ?? []), sighting]);
    }
  }
  const wantedOf = (share: number) => Math.min(share, settings.maxLeasesForWorker) - heldCount;
  if (free.length > 0) {
    const wanted = wantedOf(Math.ceil(seen.length / (byOwner.size + departed + 1)));
    return shuffle(free, random).slice(0, Math.max(0, wanted));
  }
  const share = Math.ceil(seen.length / (byOwner.size + 1));
  const wanted = wantedOf(share);
  if (wanted <= 0) return [];
  const most = [...byOwner.values()].reduce((left, right) => (right.length > left.length ? right : left), []);
  const stolen = Math.min(leasesToSteal(most.length, share, wanted), settings.maxLeasesToStealAtOneTime);
  // Of a worker that may be dead nothing is stolen: its leases expire.
  const alive = most.filter(({ moves }) => moves).map(({ lease }) => lease);
  return shuffle(alive, random).slice(0, stolen);
}

/**
 * As KCL: what the most loaded worker has beyond the share, or one of its share when two or more are wanted, so that a
 * balanced fleet stays still. A third of what is wanted a round, and at least one, so that many newcomers do not all take
 * from the same worker at once.
 */
function leasesToSteal(mostCount: number, share: number, wanted: number): number {
  const beyond = mostCount - share;
  const allowed = beyond === 0 && wanted > 1 ? 1 : Math.max(0, beyond);
  return Math.min(allowed, Math.max(1, Math.ceil(wanted / 3)));
}

function shuffle<T>(items: T[], random: () => number): T[] {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [items[last], items[other]] = [items[other] as T, items[last] as T];
  }
  return items;
}

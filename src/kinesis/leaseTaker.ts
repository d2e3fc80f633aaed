/**
 * Decides which leases this worker takes, by KCL's rules: a lease is expired when its counter has not moved for the
 * failover time as seen here, and each live worker aims at its even share; when nothing is free it steals from the worker
 * that has most.
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
  /** Whether the last two rounds saw different counters. */
  readonly moves: boolean;
}

export class LeaseTaker {
  readonly #table: LeaseTable;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #settings: TakerSettings;
  #seen = new Map<string, SeenLease>();

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
    const nowMs = this.#clock.now();
    this.#seen = new Map(leases.map((lease) => [lease.leaseKey, this.#sighting(lease, nowMs)]));
    const wanted = chooseLeases([...this.#seen.values()], isHeld, this.#settings, nowMs, this.#random);
    for (const lease of wanted) {
      if (signal.aborted) break;
      const startedMs = this.#clock.now();
      // Not to be aborted half-way: the row would have an owner who does not know of it.
      const ours = await this.#table.take(lease, this.#settings.workerId);
      if (ours !== null) onTaken(new HeldLease(ours, startedMs, this.#table, this.#clock));
    }
  }

  /**
   * Pause until the next round: twice the failover time as KCL; only once as long as some lease has not been seen to
   * move, so that a dead worker's leases are taken when they expire and not a round later.
   */
  nextRoundMs(isHeld: (shardId: string) => boolean): number {
    const onceMs = this.#settings.failoverTimeMs + EPSILON_MS;
    const doubtful = [...this.#seen.values()].some(({ lease, moves }) => !moves && !isHeld(lease.leaseKey));
    return doubtful ? onceMs : onceMs * 2;
  }

  #sighting(lease: Lease, nowMs: number): SeenLease {
    const before = this.#seen.get(lease.leaseKey);
    if (before === undefined) return { lease, movedMs: nowMs, moves: false };
    const moves = before.lease.leaseCounter !== lease.leaseCounter;
    return { lease, movedMs: moves ? nowMs : before.movedMs, moves };
  }
}

/** The leases that bring this worker to its share: free and expired ones, in random order, or else stolen ones. */
export function chooseLeases(
  seen: readonly SeenLease[],
  isHeld: (shardId: string) => boolean,
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
  const share = Math.ceil(seen.length / (byOwner.size + 1));
  const wanted = Math.min(share, settings.maxLeasesForWorker) - heldCount;
  if (wanted <= 0) return [];
  if (free.length > 0) return shuffle(free, random).slice(0, wanted);
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

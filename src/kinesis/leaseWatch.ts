/** Whether the workers of a lease table live: only the counters of their rows tell, by moving. */
import type { Lease } from './lease.ts';
import type { LeaseTable } from './leaseTable.ts';
import { type Retry, retried } from './retried.ts';

export interface Watched {
  /** The table at the last look. */
  readonly leases: readonly Lease[];
  /** Rows that changed hands or counters, came or went since `seen`. */
  readonly moved: readonly Lease[];
}

/** Rows are renewed three times in a failover time; the rest is for clocks and the way to the table. */
export function renewalWatchMs(failoverTimeMs: number): number {
  return failoverTimeMs / 3 + 700;
}

/** After this a row that has not moved is free to be taken by anybody. */
export function failoverWatchMs(failoverTimeMs: number): number {
  return failoverTimeMs + 1_000;
}

/** Looks at the table every `lookEveryMs` until a row has moved, at most until `untilMs` of the monotonic clock. */
export async function watchLeases(
  table: LeaseTable,
  seen: readonly Lease[],
  { untilMs, lookEveryMs }: { readonly untilMs: number; readonly lookEveryMs: number },
  retry: Retry,
): Promise<Watched> {
  for (;;) {
    await retry.clock.sleep(Math.min(lookEveryMs, untilMs - retry.clock.monotonic()), retry.signal);
    const leases = await retried((signal) => table.list(signal), retry);
    const moved = movedLeases(seen, leases);
    if (moved.length > 0 || retry.clock.monotonic() >= untilMs) return { leases, moved };
  }
}

function movedLeases(before: readonly Lease[], after: readonly Lease[]): Lease[] {
  const rows = new Map(before.map((lease) => [lease.leaseKey, lease]));
  const moved = after.filter((lease) => {
    const row = rows.get(lease.leaseKey);
    rows.delete(lease.leaseKey);
    return row?.leaseCounter !== lease.leaseCounter || row.leaseOwner !== lease.leaseOwner;
  });
  return [...moved, ...rows.values()];
}

/**
 * One lease of this worker. All writes to its row go through here, one after the other, since each of them moves the
 * counter that is the condition of the next.
 */
import type { Clock } from '../util/clock.ts';
import { checkpointedPosition, isEnded, type Lease, SHARD_END } from './lease.ts';
import type { LeaseTable } from './leaseTable.ts';
import { comparePositions } from './position.ts';
import type { Position } from './types.ts';

const TRIES = 3;

export class HeldLease {
  readonly shardId: string;
  readonly #table: LeaseTable;
  readonly #clock: Clock;
  readonly #lost = new AbortController();
  #lease: Lease;
  #movedMs: number;
  #lastWrite: Promise<unknown> = Promise.resolve();

  /** `lease` as it stands in the table after the take, which began at `takenMs`. */
  constructor(lease: Lease, takenMs: number, table: LeaseTable, clock: Clock) {
    this.shardId = lease.leaseKey;
    this.#lease = lease;
    this.#movedMs = takenMs;
    this.#table = table;
    this.#clock = clock;
  }

  get lease(): Lease {
    return this.#lease;
  }

  /** Aborts as soon as the lease is known to be another's, or may be. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** How long ago the row is known to have moved; others may take the lease once this reaches the failover time. */
  get ageMs(): number {
    return this.#clock.monotonic() - this.#movedMs;
  }

  letGo(): void {
    this.#lost.abort();
  }

  /** Resolves to `false` when the lease is lost. */
  renew(signal?: AbortSignal): Promise<boolean> {
    return this.#move((lease) => this.#table.renew(lease, signal), signal);
  }

  /** Resolves to `false` when the lease is lost. A position at or below the one in the row is not written. */
  checkpoint(position: Position | typeof SHARD_END, signal?: AbortSignal): Promise<boolean> {
    return this.#move((lease) => {
      if (isEnded(lease) || !isAbove(position, lease)) return Promise.resolve(lease);
      return this.#table.checkpoint(lease, position, signal);
    }, signal);
  }

  /** Kept in the row for whoever cleans up. */
  setChildren(childShardIds: readonly string[], signal?: AbortSignal): Promise<boolean> {
    return this.#inTurn(async () => {
      if (!(await this.#table.setChildren(this.shardId, childShardIds, signal))) return false;
      this.#lease = { ...this.#lease, childShardIds };
      return true;
    });
  }

  /** Completes a row that was written by hand or by an older KCL, at the next checkpoint. */
  setHashKeyRange(hashKeyRange: Lease['hashKeyRange']): void {
    this.#lease = { ...this.#lease, hashKeyRange };
  }

  /** Clears the owner in the row. No write follows. */
  release(signal?: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      if (this.lost.aborted) return;
      this.letGo();
      await this.#table.release(this.#lease, signal);
    });
  }

  #move(write: (lease: Lease) => Promise<Lease | null>, signal?: AbortSignal): Promise<boolean> {
    return this.#inTurn(async () => {
      for (let tried = 0; tried < TRIES && !this.lost.aborted; tried += 1) {
        const startedMs = this.#clock.monotonic();
        const moved = await write(this.#lease);
        if (moved !== null) {
          if (moved !== this.#lease) this.#movedMs = startedMs;
          this.#lease = moved;
          return true;
        }
        if (!(await this.#isStillOurs(signal))) break;
      }
      this.letGo();
      return false;
    });
  }

  /** A write whose answer was lost on the way has moved the counter all the same: the owner in the row tells. */
  async #isStillOurs(signal?: AbortSignal): Promise<boolean> {
    const row = await this.#table.get(this.shardId, signal);
    if (row === null || row.leaseOwner !== this.#lease.leaseOwner) return false;
    this.#lease = { ...row, hashKeyRange: row.hashKeyRange ?? this.#lease.hashKeyRange };
    return true;
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#lastWrite.then(task, task);
    this.#lastWrite = result.catch(() => {});
    return result;
  }
}

function isAbove(position: Position | typeof SHARD_END, lease: Lease): boolean {
  if (position === SHARD_END) return true;
  const written = checkpointedPosition(lease);
  return written === null || comparePositions(position, written) > 0;
}

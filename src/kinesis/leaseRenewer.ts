/** Keeps the leases of this worker: renews them, and lets go of those it could not renew in time. */

import type { Clock } from '../util/clock.ts';
import type { TroubleReporter } from '../util/troubleReporter.ts';
import { describeError } from './awsErrors.ts';
import type { HeldLease } from './heldLease.ts';

export class LeaseRenewer {
  readonly #held = new Map<string, HeldLease>();
  readonly #failoverTimeMs: number;
  readonly #atOnce: number;
  readonly #clock: Clock;
  readonly #trouble: TroubleReporter;

  constructor(
    settings: { readonly failoverTimeMs: number; readonly leaseRenewalsAtOnce: number },
    clock: Clock,
    trouble: TroubleReporter,
  ) {
    this.#failoverTimeMs = settings.failoverTimeMs;
    this.#atOnce = settings.leaseRenewalsAtOnce;
    this.#clock = clock;
    this.#trouble = trouble;
  }

  add(held: HeldLease): void {
    this.#held.set(held.shardId, held);
    held.lost.addEventListener('abort', () => this.#remove(held), { once: true });
  }

  held(): IterableIterator<HeldLease> {
    return this.#held.values();
  }

  get(shardId: string): HeldLease | undefined {
    return this.#held.get(shardId);
  }

  /** Renews until `signal` aborts: three times in one failover time, as KCL. */
  async run(signal: AbortSignal): Promise<void> {
    const intervalMs = Math.max(1, this.#failoverTimeMs / 3 - 25);
    while (!signal.aborted) {
      const startedMs = this.#clock.monotonic();
      await this.renewAll(signal);
      await this.#clock.sleep(Math.max(0, startedMs + intervalMs - this.#clock.monotonic()), signal);
    }
  }

  async renewAll(signal: AbortSignal): Promise<void> {
    const leases = [...this.#held.values()];
    const worker = async () => {
      for (let held = leases.pop(); held !== undefined; held = leases.pop()) await this.#renew(held, signal);
    };
    await Promise.all(Array.from({ length: Math.min(this.#atOnce, leases.length) }, worker));
  }

  async #renew(held: HeldLease, signal: AbortSignal): Promise<void> {
    // Another worker may have taken it by now: never renew what we could not answer for.
    if (held.ageMs >= this.#failoverTimeMs) return held.letGo();
    try {
      await held.renew(signal);
      this.#trouble.worked(held.shardId);
    } catch (error) {
      if (signal.aborted) return;
      this.#trouble.failed(held.shardId, describeError(error));
      if (held.ageMs >= this.#failoverTimeMs) held.letGo();
    }
  }

  #remove(held: HeldLease): void {
    if (this.#held.get(held.shardId) === held) this.#held.delete(held.shardId);
    this.#trouble.forget(held.shardId);
  }
}

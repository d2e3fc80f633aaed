/**
 * Writes how far a shard is settled into its lease. The first checkpoint is written as soon as there is one, as the
 * Logstash input does; later ones keep the interval.
 */

import type { Clock } from '../util/clock.ts';
import type { TroubleReporter } from '../util/troubleReporter.ts';
import { describeError } from './awsErrors.ts';
import type { HeldLease } from './heldLease.ts';
import { SHARD_END } from './lease.ts';
import { comparePositions } from './position.ts';
import type { Position, ShardProcessor } from './types.ts';

export class Checkpointer {
  readonly #held: HeldLease;
  readonly #processor: Pick<ShardProcessor, 'settledPosition'>;
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #trouble: TroubleReporter;
  #written: Position | null = null;
  #writtenMs: number | null = null;
  /** By the monotonic clock. */
  #dueMs = Number.NEGATIVE_INFINITY;
  #writing: Promise<void> | undefined;

  constructor(
    held: HeldLease,
    processor: Pick<ShardProcessor, 'settledPosition'>,
    intervalMs: number,
    clock: Clock,
    trouble: TroubleReporter,
  ) {
    this.#held = held;
    this.#processor = processor;
    this.#intervalMs = intervalMs;
    this.#clock = clock;
    this.#trouble = trouble;
  }

  /** When the last one was written by this worker. */
  get writtenMs(): number | null {
    return this.#writtenMs;
  }

  /** Writes when the interval is over and something was settled since. Failures are said, and tried again later. */
  async writeIfDue(signal: AbortSignal): Promise<void> {
    const isDue = this.#clock.monotonic() >= this.#dueMs;
    if (isDue && this.#writing === undefined) await this.writeNow(signal);
  }

  async writeNow(signal: AbortSignal): Promise<void> {
    await this.#writing;
    this.#writing = this.#write(signal);
    await this.#writing;
    this.#writing = undefined;
  }

  async #write(signal: AbortSignal): Promise<void> {
    const position = this.#processor.settledPosition();
    if (position === null || this.#held.lost.aborted) return;
    if (this.#written !== null && comparePositions(position, this.#written) <= 0) return;
    try {
      if (await this.#held.checkpoint(position, signal)) this.#note(position);
    } catch (error) {
      if (!signal.aborted) this.#trouble.failed(this.#held.shardId, describeError(error));
    }
  }

  /** Rejects as the call does. Resolves to `false` when the lease is lost. */
  async writeShardEnd(signal: AbortSignal): Promise<boolean> {
    const written = await this.#held.checkpoint(SHARD_END, signal);
    if (written) this.#writtenMs = this.#clock.now();
    return written;
  }

  #note(position: Position): void {
    this.#written = position;
    this.#writtenMs = this.#clock.now();
    this.#dueMs = this.#clock.monotonic() + this.#intervalMs;
    this.#trouble.worked(this.#held.shardId);
  }
}

/**
 * One shard under its lease: waits for the parents, has a reader read it, and at its end lets the children start once all
 * is settled.
 */

import { backoffMs } from '../util/backoff.ts';
import type { Clock } from '../util/clock.ts';
import type { Logger } from '../util/logger.ts';
import type { TroubleReporter } from '../util/troubleReporter.ts';
import { describeError } from './awsErrors.ts';
import { Checkpointer } from './checkpointer.ts';
import type { HeldLease } from './heldLease.ts';
import { isEnded } from './lease.ts';
import type { LeaseTable } from './leaseTable.ts';
import { BACKOFF_MAX_MS } from './pace.ts';
import type { ShardSyncer } from './shardSyncer.ts';
import {
  type OpenReader,
  type Position,
  ReaderDied,
  type ReaderSnapshot,
  type ShardEnd,
  type ShardReader,
  type ShardSnapshot,
  type ShardState,
} from './types.ts';
import type { Wakeup } from './wakeup.ts';

/** What all shard consumers of a worker share. */
export interface ShardSurroundings {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly table: LeaseTable;
  readonly syncer: ShardSyncer;
  readonly openReader: OpenReader;
  readonly leaseTrouble: TroubleReporter;
  readonly checkpointTrouble: TroubleReporter;
  /** Rings when a shard of this worker has ended: children may start. */
  readonly shardEnded: Wakeup;
  readonly parentShardPollIntervalMs: number;
  readonly taskBackoffTimeMs: number;
  readonly checkpointIntervalMs: number;
}

export class ShardConsumer {
  readonly held: HeldLease;
  readonly checkpointer: Checkpointer;
  readonly #around: ShardSurroundings;
  readonly #stopFetching = new AbortController();
  readonly #closing = new AbortController();
  /** Nothing while the reader has one to tell. */
  #state: Exclude<ShardState, ReaderSnapshot['state']> | undefined = 'waiting';
  #failures = 0;
  #reader: ShardReader;
  #settled: Position | null = null;
  #reading: Promise<ShardEnd | undefined> | undefined;
  #running: Promise<void> | undefined;

  constructor(held: HeldLease, around: ShardSurroundings) {
    this.held = held;
    this.#around = around;
    this.#reader = around.openReader(held.lease);
    const { checkpointIntervalMs, clock, checkpointTrouble } = around;
    this.checkpointer = new Checkpointer(held, this, checkpointIntervalMs, clock, checkpointTrouble);
    held.lost.addEventListener('abort', () => this.#onLost(), { once: true });
  }

  /** Runs until the shard's end, the loss of the lease, or a stop. Does not reject. */
  start(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Resolves when nothing more is handed over. A shard that is read to its end still waits to be settled. */
  async stopFetching(): Promise<void> {
    this.#stopFetching.abort();
    await this.#reading;
  }

  /** Gives up waiting, but completes the end of a shard that is settled. */
  async close(): Promise<void> {
    this.#stopFetching.abort();
    this.#closing.abort();
    if (this.#state === 'settling') await this.#running;
  }

  /** As that of a `ShardProcessor`, over all readers that the shard had. */
  settledPosition(): Position | null {
    this.#settled = this.#reader.settledPosition() ?? this.#settled;
    return this.#settled;
  }

  snapshot(): Omit<ShardSnapshot, 'leaseOwner'> {
    const { lease } = this.held;
    const read = this.#reader.snapshot();
    return {
      ...read,
      shardId: this.held.shardId,
      state: this.#state ?? read.state,
      checkpoint: lease.checkpoint,
      checkpointSubSequenceNumber: lease.checkpointSubSequenceNumber,
      lastCheckpointMs: this.checkpointer.writtenMs,
      consecutiveFailures: this.#failures + read.consecutiveFailures,
    };
  }

  async #run(): Promise<void> {
    if (isEnded(this.held.lease)) {
      this.#state = 'ended';
      return;
    }
    const stop = AbortSignal.any([this.#stopFetching.signal, this.held.lost]);
    for (let isDone = false; !isDone; ) {
      this.#reading = this.#read(stop);
      const end = await this.#reading;
      isDone = end === undefined || (await this.#finish(end));
      if (end === undefined) this.#state = 'stopped';
    }
  }

  #onLost(): void {
    this.#around.leaseTrouble.forget(this.held.shardId);
    // The row of an ended shard goes when it is cleaned up.
    if (this.#closing.signal.aborted || this.#state === 'ended') return;
    this.#around.logger.info(`lost the lease of shard ${this.held.shardId}`);
    this.#reader.lost();
  }

  /** As KCL: a parent without a row does not hold up its child; it was read to its end or was never to be read. */
  async #waitForParents(stop: AbortSignal): Promise<void> {
    const { parentShardIds } = this.held.lease;
    const { table, shardEnded, parentShardPollIntervalMs } = this.#around;
    while (!stop.aborted) {
      const ended = shardEnded.next();
      const rows = await this.#insist(() => Promise.all(parentShardIds.map((id) => table.get(id, stop))), stop);
      if (rows === undefined || rows.every((row) => row === null || isEnded(row))) return;
      await ended(parentShardPollIntervalMs, stop);
    }
  }

  /** Resolves to the end of the shard, or to nothing on a stop. */
  async #read(stop: AbortSignal): Promise<ShardEnd | undefined> {
    await this.#waitForParents(stop);
    while (!stop.aborted) {
      this.#state = undefined;
      try {
        return await this.#reader.read(stop);
      } catch (error) {
        this.#replaceReader(error);
      }
    }
    return undefined;
  }

  /** The next one begins behind what is settled, whether that is checkpointed or not. */
  #replaceReader(error: unknown): void {
    if (!(error instanceof ReaderDied)) throw error;
    const settled = this.settledPosition();
    const { lease } = this.held;
    if (settled === null) this.#reader = this.#around.openReader(lease);
    else {
      const { sequenceNumber: checkpoint, subSequenceNumber: checkpointSubSequenceNumber } = settled;
      this.#reader = this.#around.openReader({ ...lease, checkpoint, checkpointSubSequenceNumber });
    }
  }

  /** Resolves to `false` when what was handed over has to be read again. */
  async #finish(end: ShardEnd): Promise<boolean> {
    this.#state = 'settling';
    try {
      await this.#reader.whenSettled(AbortSignal.any([this.#closing.signal, this.held.lost]));
    } catch (error) {
      this.#replaceReader(error);
      return false;
    }
    if (this.held.lost.aborted || !this.#reader.isSettled()) {
      this.#state = 'stopped';
      return true;
    }
    await this.#end(end, this.#reader.snapshot().recordCount);
    return true;
  }

  async #end({ children }: ShardEnd, records: number): Promise<void> {
    const { syncer, shardEnded, logger } = this.#around;
    const done = await this.#insist(
      async () => {
        await syncer.prepareChildren(this.held, children, this.held.lost);
        return this.checkpointer.writeShardEnd(this.held.lost);
      },
      this.held.lost,
      this.#closing.signal,
    );
    this.#state = done ? 'ended' : 'stopped';
    if (!done) return;
    logger.info(`shard ${this.held.shardId} is read to its end`, { records });
    shardEnded.ring();
  }

  /**
   * Tries until it works; resolves to nothing on `stop`. After `hurry` aborts a failure is the last one.
   */
  async #insist<T>(task: () => Promise<T>, stop: AbortSignal, hurry?: AbortSignal): Promise<T | undefined> {
    const { clock, random, taskBackoffTimeMs, leaseTrouble } = this.#around;
    while (!stop.aborted) {
      try {
        const result = await task();
        this.#failures = 0;
        leaseTrouble.worked(this.held.shardId);
        return result;
      } catch (error) {
        if (stop.aborted) return undefined;
        this.#failures += 1;
        leaseTrouble.failed(this.held.shardId, describeError(error));
        if (hurry?.aborted) return undefined;
        const pause = hurry ? AbortSignal.any([stop, hurry]) : stop;
        await clock.sleep(backoffMs(taskBackoffTimeMs, BACKOFF_MAX_MS, this.#failures, random), pause);
      }
    }
    return undefined;
  }
}

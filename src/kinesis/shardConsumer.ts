/**
 * Reads one shard under its lease: waits for the parents, fetches and hands over, and at the end of the shard lets the
 * children start once all is settled.
 */

import { orAborted, whenAborted } from '../util/abort.ts';
import { backoffMs } from '../util/backoff.ts';
import type { Clock } from '../util/clock.ts';
import type { Logger } from '../util/logger.ts';
import type { TroubleReporter } from '../util/troubleReporter.ts';
import { describeError, isNotFound } from './awsErrors.ts';
import type { Checkpointer } from './checkpointer.ts';
import type { FetchBudget, FetchShare } from './fetchBudget.ts';
import type { HeldLease } from './heldLease.ts';
import { checkpointedPosition, isEnded } from './lease.ts';
import type { LeaseTable } from './leaseTable.ts';
import { BACKOFF_MAX_MS, storedBytes } from './pace.ts';
import { comparePositions } from './position.ts';
import { type RecordFormSettings, RecordForms } from './recordForms.ts';
import { type Fetched, NOTHING_MORE, type RecordSource } from './recordSource.ts';
import type { ShardSyncer } from './shardSyncer.ts';
import type { ConsumerRecord, Position, ShardProcessor, ShardSnapshot, ShardState } from './types.ts';
import type { Wakeup } from './wakeup.ts';

/** What all shard consumers of a worker share. */
export interface ShardSurroundings extends RecordFormSettings {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly table: LeaseTable;
  readonly syncer: ShardSyncer;
  readonly fetchBudget: FetchBudget;
  readonly fetchTrouble: TroubleReporter;
  readonly processTrouble: TroubleReporter;
  readonly leaseTrouble: TroubleReporter;
  /** Rings when a shard of this worker has ended: children may start. */
  readonly shardEnded: Wakeup;
  readonly parentShardPollIntervalMs: number;
  readonly taskBackoffTimeMs: number;
}

export class ShardConsumer {
  readonly held: HeldLease;
  readonly checkpointer: Checkpointer;
  readonly #source: RecordSource;
  readonly #processor: ShardProcessor;
  readonly #around: ShardSurroundings;
  readonly #forms: RecordForms;
  readonly #share: FetchShare;
  readonly #stopFetching = new AbortController();
  readonly #closing = new AbortController();
  /** What was settled before this worker took over. */
  readonly #settledBefore: Position | null;
  #given: Position | null = null;
  #state: ShardState = 'waiting';
  #failures = 0;
  #fetchedSequenceNumber: string | null = null;
  #millisBehindLatest: number | null = null;
  #fetchMs: number | null = null;
  #recordCount = 0;
  #byteCount = 0;
  #reading: Promise<Fetched | undefined> | undefined;
  #running: Promise<void> | undefined;

  constructor(
    held: HeldLease,
    source: RecordSource,
    processor: ShardProcessor,
    checkpointer: Checkpointer,
    around: ShardSurroundings,
  ) {
    this.held = held;
    this.checkpointer = checkpointer;
    this.#source = source;
    this.#processor = processor;
    this.#around = around;
    this.#forms = new RecordForms(around, held.lease.hashKeyRange);
    this.#share = around.fetchBudget.share();
    this.#settledBefore = checkpointedPosition(held.lease);
    held.lost.addEventListener('abort', () => this.#onLost(), { once: true });
  }

  /** Runs until the shard's end, the loss of the lease, or a stop. Does not reject. */
  start(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Resolves when `process` is not called any more. A shard that is read to its end still waits to be settled. */
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

  snapshot(): Omit<ShardSnapshot, 'leaseOwner'> {
    const { lease } = this.held;
    return {
      shardId: this.held.shardId,
      state: this.#state,
      source: this.#source.kind,
      checkpoint: lease.checkpoint,
      checkpointSubSequenceNumber: lease.checkpointSubSequenceNumber,
      lastFetchedSequenceNumber: this.#fetchedSequenceNumber,
      millisBehindLatest: this.#millisBehindLatest,
      recordCount: this.#recordCount,
      byteCount: this.#byteCount,
      lastFetchMs: this.#fetchMs,
      lastCheckpointMs: this.checkpointer.writtenMs,
      consecutiveFailures: this.#failures,
      unsettledSinceMs: this.#processor.unsettledSinceMs?.() ?? null,
    };
  }

  async #run(): Promise<void> {
    if (isEnded(this.held.lease)) {
      this.#state = 'ended';
      return;
    }
    this.#reading = this.#read(AbortSignal.any([this.#stopFetching.signal, this.held.lost]));
    const end = await this.#reading;
    if (end === undefined) this.#state = 'stopped';
    else await this.#finish(end);
  }

  #onLost(): void {
    this.#around.fetchTrouble.forget(this.held.shardId);
    this.#around.processTrouble.forget(this.held.shardId);
    this.#around.leaseTrouble.forget(this.held.shardId);
    // The row of an ended shard goes when it is cleaned up.
    if (this.#closing.signal.aborted || this.#state === 'ended') return;
    this.#around.logger.info(`lost the lease of shard ${this.held.shardId}`);
    this.#processor.lost();
  }

  /** As KCL: a parent without a row does not hold up its child; it was read to its end or was never to be read. */
  async #waitForParents(stop: AbortSignal): Promise<void> {
    const { parentShardIds } = this.held.lease;
    const { table, shardEnded, parentShardPollIntervalMs } = this.#around;
    while (!stop.aborted) {
      const ended = shardEnded.next();
      const rows = await this.#insist(
        () => Promise.all(parentShardIds.map((id) => table.get(id, stop))),
        this.#around.leaseTrouble,
        stop,
      );
      if (rows === undefined || rows.every((row) => row === null || isEnded(row))) return;
      await ended(parentShardPollIntervalMs, stop);
    }
  }

  /** Resolves to the last fetch of an ended shard, or to nothing on a stop. */
  async #read(stop: AbortSignal): Promise<Fetched | undefined> {
    const { clock, fetchTrouble } = this.#around;
    await this.#waitForParents(stop);
    while (!stop.aborted) {
      this.#state = 'reading';
      const startedMs = clock.monotonic();
      const fetched = await this.#insist(() => this.#fetchInBudget(stop), fetchTrouble, stop);
      if (fetched === undefined) return undefined;
      this.#note(fetched);
      const isTaken = await this.#give(fetched, stop);
      this.#share.release();
      if (!isTaken) return undefined;
      if (fetched.ended) return fetched;
      const pauseLeftMs = startedMs + fetched.pauseMs - clock.monotonic();
      await clock.sleep(Math.max(0, pauseLeftMs), stop);
    }
    return undefined;
  }

  /** Only what is asked for is reserved; what Kinesis pushes is there already, and counts when it is fetched. */
  async #fetchInBudget(stop: AbortSignal): Promise<Fetched> {
    if (this.#source.kind === 'polling') await this.#share.reserve(stop);
    try {
      const fetched = await this.#fetch(stop);
      this.#share.fetched(storedBytes(fetched));
      return fetched;
    } catch (error) {
      this.#share.release();
      throw error;
    }
  }

  async #fetch(stop: AbortSignal): Promise<Fetched> {
    try {
      return await this.#source.fetch(stop);
    } catch (error) {
      if (!isNotFound(error) || !(await this.#around.syncer.isGone(this.held.shardId, stop))) throw error;
      const { checkpoint } = this.held.lease;
      this.#around.logger.warn(
        `shard ${this.held.shardId} is gone from the stream: records after the checkpoint have outlived its retention`,
        { checkpoint },
      );
      return NOTHING_MORE;
    }
  }

  #note(fetched: Fetched): void {
    this.#fetchMs = this.#around.clock.now();
    this.#millisBehindLatest = fetched.millisBehindLatest;
    this.#fetchedSequenceNumber = fetched.records.at(-1)?.SequenceNumber ?? this.#fetchedSequenceNumber;
    this.#byteCount += storedBytes(fetched);
  }

  /** Resolves to `false` on a stop before the processor has taken the records. */
  async #give(fetched: Fetched, stop: AbortSignal): Promise<boolean> {
    const settled = this.#given === null ? this.#settledBefore : null;
    for (const records of this.#forms.batches(fetched.records, settled)) {
      if (!(await this.#giveBatch(records, fetched, stop))) return false;
    }
    return true;
  }

  async #giveBatch(
    records: readonly ConsumerRecord[],
    { millisBehindLatest }: Fetched,
    stop: AbortSignal,
  ): Promise<boolean> {
    const last = records.at(-1);
    if (last === undefined) return true;
    this.#state = 'blocked';
    const taken = await this.#insist(
      async () => {
        await this.#processor.process(records, { millisBehindLatest });
        return true;
      },
      this.#around.processTrouble,
      stop,
    );
    if (!taken) return false;
    this.#given = { sequenceNumber: last.sequenceNumber, subSequenceNumber: last.subSequenceNumber };
    this.#recordCount += records.length;
    return true;
  }

  async #finish(end: Fetched): Promise<void> {
    this.#state = 'settling';
    const signal = AbortSignal.any([this.#closing.signal, this.held.lost]);
    await this.#whenSettled(signal);
    if (this.held.lost.aborted || !this.#isSettled()) {
      this.#state = 'stopped';
      return;
    }
    const { syncer, leaseTrouble, shardEnded, logger } = this.#around;
    const done = await this.#insist(
      async () => {
        await syncer.prepareChildren(this.held, end.children, this.held.lost);
        return this.checkpointer.writeShardEnd(this.held.lost);
      },
      leaseTrouble,
      this.held.lost,
      this.#closing.signal,
    );
    this.#state = done ? 'ended' : 'stopped';
    if (!done) return;
    logger.info(`shard ${this.held.shardId} is read to its end`, { records: this.#recordCount });
    shardEnded.ring();
  }

  async #whenSettled(signal: AbortSignal): Promise<void> {
    await orAborted(
      this.#processor.whenSettled(signal).catch(() => whenAborted(signal)),
      signal,
    );
  }

  #isSettled(): boolean {
    const settled = this.#processor.settledPosition();
    return this.#given === null || (settled !== null && comparePositions(settled, this.#given) >= 0);
  }

  /**
   * Tries until it works; resolves to nothing on `stop`. After `hurry` aborts a failure is the last one.
   */
  async #insist<T>(
    task: () => Promise<T>,
    trouble: TroubleReporter,
    stop: AbortSignal,
    hurry?: AbortSignal,
  ): Promise<T | undefined> {
    const { clock, random, taskBackoffTimeMs } = this.#around;
    while (!stop.aborted) {
      try {
        const result = await task();
        this.#failures = 0;
        trouble.worked(this.held.shardId);
        return result;
      } catch (error) {
        if (stop.aborted) return undefined;
        this.#failures += 1;
        trouble.failed(this.held.shardId, describeError(error));
        if (hurry?.aborted) return undefined;
        const pause = hurry ? AbortSignal.any([stop, hurry]) : stop;
        await clock.sleep(backoffMs(taskBackoffTimeMs, BACKOFF_MAX_MS, this.#failures, random), pause);
      }
    }
    return undefined;
  }
}

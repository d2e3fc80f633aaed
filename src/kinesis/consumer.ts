/** A worker on one stream: ties leases, shards and checkpoints together. */

import { orAborted } from '../util/abort.ts';
import { backoffMs } from '../util/backoff.ts';
import { TroubleReporter } from '../util/troubleReporter.ts';
import { ConsumerStartError, describeError, errorName, needsAPerson } from './awsErrors.ts';
import type { HeldLease } from './heldLease.ts';
import { LeaseRenewer } from './leaseRenewer.ts';
import { LeaseTable } from './leaseTable.ts';
import { LeaseTaker } from './leaseTaker.ts';
import { BACKOFF_MAX_MS } from './pace.ts';
import { type ResolvedOptions, resolveOptions } from './resolveOptions.ts';
import { ShardConsumer, type ShardSurroundings } from './shardConsumer.ts';
import { ShardReaders } from './shardReaders.ts';
import { ShardSyncer } from './shardSyncer.ts';
import { StreamConsumer } from './streamConsumer.ts';
import type {
  Consumer,
  ConsumerOptions,
  ConsumerSnapshot,
  OpenReader,
  ShardKnowledge,
  ShardSnapshot,
} from './types.ts';
import { Wakeup } from './wakeup.ts';

/** How often it is looked whether a checkpoint is due; shorter for a shorter interval. */
const CHECKPOINT_LOOK_MS = 1_000;

/** Throws a `RangeError` for options out of their bounds. */
export function createConsumer(options: ConsumerOptions): Consumer {
  return new KinesisConsumer(resolveOptions(options));
}

class KinesisConsumer implements Consumer {
  readonly knowledge: ShardKnowledge = {
    isGone: (shardId, signal) => this.#syncer.isGone(shardId, signal),
    isClosed: (shardId) => this.#syncer.isClosed(shardId),
  };
  readonly #options: ResolvedOptions;
  readonly #table: LeaseTable;
  readonly #syncer: ShardSyncer;
  readonly #taker: LeaseTaker;
  readonly #renewer: LeaseRenewer;
  readonly #around: ShardSurroundings;
  readonly #syncTrouble: TroubleReporter;
  readonly #takeTrouble: TroubleReporter;
  readonly #registerTrouble: TroubleReporter;
  /** Nothing when all is read by polling. */
  readonly #streamConsumer: StreamConsumer | undefined;
  readonly #shards = new Map<string, ShardConsumer>();
  readonly #takeSoon: Wakeup;
  /** No further fetch, sync or take. */
  readonly #stopping = new AbortController();
  /** No further renewal or checkpoint. */
  readonly #closing = new AbortController();
  #started: Promise<void> | undefined;
  #untilStop: Promise<unknown> | undefined;
  #untilClose: Promise<unknown> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    const { clock, logger, streamName, random } = options;
    const trouble = (what: string) => new TroubleReporter(what, logger, clock);
    this.#table = new LeaseTable(options.tableName, options.dynamodb);
    this.#syncer = new ShardSyncer(options.kinesis, this.#table, logger, options);
    this.#taker = new LeaseTaker(this.#table, clock, random, options);
    const table = `lease table "${options.tableName}"`;
    this.#renewer = new LeaseRenewer(options, clock, trouble(`renewing leases in ${table}`));
    this.#takeTrouble = trouble(`looking for leases in ${table}`);
    this.#syncTrouble = trouble(`listing the shards of stream "${streamName}"`);
    this.#registerTrouble = trouble(`registering for enhanced fan-out of stream "${streamName}"`);
    this.#takeSoon = new Wakeup(clock);
    this.#streamConsumer =
      options.fanOut && new StreamConsumer(options, options.fanOut.consumerName, this.#stopping.signal);
    this.#around = {
      ...options,
      table: this.#table,
      syncer: this.#syncer,
      openReader: options.openReader ?? this.#readersHere(),
      checkpointTrouble: trouble(`writing checkpoints to ${table}`),
      leaseTrouble: trouble(`reading and writing ${table}`),
      shardEnded: new Wakeup(clock),
    };
  }

  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async #start(): Promise<void> {
    const { clock, streamName, tableName, tableBilling, logger } = this.#options;
    const stop = this.#stopping.signal;
    const created = await this.#untilStarted(
      () => this.#table.ensure(tableBilling, clock, stop),
      this.#takeTrouble,
      (error) => `the lease table "${tableName}" cannot be used: ${describeError(error)}`,
    );
    if (created) logger.info(`made the lease table "${tableName}"`, { billing: tableBilling.mode });
    await this.#untilStarted(
      () => this.#syncer.sync(stop),
      this.#syncTrouble,
      (error) => streamFault(streamName, error),
    );
    await this.#untilStarted(
      async () => this.#streamConsumer?.arn(),
      this.#registerTrouble,
      (error) => `stream "${streamName}" cannot be read by enhanced fan-out: ${describeError(error)}`,
    );
    // What a round has taken before it fails is held already.
    this.#untilClose = Promise.all([this.#renewer.run(this.#closing.signal), this.#checkpointLoop()]);
    await this.#untilStarted(
      () => this.#takeRound(),
      this.#takeTrouble,
      (error) => `the lease table "${tableName}" cannot be used: ${describeError(error)}`,
    );
    if (stop.aborted) return;
    this.#untilStop = Promise.all([this.#takeLoop(), this.#syncLoop()]);
    const held = [...this.#renewer.held()].length;
    const { workerId } = this.#options;
    const total = this.#taker.seen().length;
    logger.info(`stream ${streamName}: holding ${held} of ${total} leases in table ${tableName}`, { workerId });
  }

  async stopFetching(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(Array.from(this.#shards.values(), (shard) => shard.stopFetching()));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  snapshot(): ConsumerSnapshot {
    const { streamName, tableName, workerId } = this.#options;
    const shards: ShardSnapshot[] = this.#taker.seen().map((lease) => {
      const shard = this.#shards.get(lease.leaseKey);
      if (shard) return { leaseOwner: workerId, ...shard.snapshot() };
      const { leaseKey: shardId, leaseOwner, checkpoint, checkpointSubSequenceNumber } = lease;
      return { ...UNREAD, shardId, leaseOwner, checkpoint, checkpointSubSequenceNumber };
    });
    return { streamName, tableName, workerId, shards };
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    await this.#started?.catch(() => {});
    await this.#untilStop;
    const shards = [...this.#shards.values()];
    const done = new AbortController();
    const handedOver = Promise.all(shards.map((shard) => this.#handOver(shard, done.signal)));
    await Promise.race([handedOver, this.#options.clock.sleep(this.#options.closeTimeoutMs, done.signal)]);
    done.abort();
    for (const shard of shards) shard.held.letGo();
    await handedOver;
    this.#closing.abort();
    await this.#untilClose;
    this.#shards.clear();
  }

  /** Leaves the row as a successor wants it: all that is settled checkpointed, and no owner. */
  async #handOver(shard: ShardConsumer, signal: AbortSignal): Promise<void> {
    await shard.close();
    await shard.checkpointer.writeNow(signal);
    try {
      await shard.held.release(signal);
    } catch (error) {
      const text = `could not clear the owner of shard ${shard.held.shardId}: others take it when it expires`;
      this.#options.logger.warn(`${text} (${describeError(error)})`);
    }
  }

  async #takeRound(): Promise<void> {
    const isHeld = (shardId: string) => this.#renewer.get(shardId) !== undefined;
    await this.#taker.round(isHeld, (held) => this.#begin(held), this.#stopping.signal);
  }

  #begin(held: HeldLease): void {
    const { shardId, lease } = held;
    this.#completeRow(held);
    this.#renewer.add(held);
    const shard = new ShardConsumer(held, this.#around);
    this.#shards.set(shardId, shard);
    held.lost.addEventListener('abort', () => this.#drop(shard), { once: true });
    const { logger } = this.#options;
    logger.debug(`took the lease of shard ${shardId}`, { checkpoint: lease.checkpoint });
    this.#run(shard).catch((error) => logger.error(`shard ${shardId} stopped: ${describeError(error)}`));
  }

  #readersHere(): OpenReader {
    const { createProcessor } = this.#options;
    if (createProcessor === undefined) throw new RangeError('createProcessor or openReader has to be given');
    const readers = new ShardReaders(this.#options, createProcessor, this.knowledge, this.#streamConsumer);
    return (lease) => readers.open(lease);
  }

  async #run(shard: ShardConsumer): Promise<void> {
    if (this.#stopping.signal.aborted) await shard.stopFetching();
    await shard.start();
    // Its children's leases are there to be taken.
    if (shard.snapshot().state === 'ended') this.#takeSoon.ring();
  }

  #drop(shard: ShardConsumer): void {
    if (this.#shards.get(shard.held.shardId) === shard) this.#shards.delete(shard.held.shardId);
  }

  #completeRow(held: HeldLease): void {
    if (held.lease.hashKeyRange !== null) return;
    const shard = this.#syncer.shards().find((known) => known.shardId === held.shardId);
    if (shard) held.setHashKeyRange(shard.hashKeyRange);
  }

  async #takeLoop(): Promise<void> {
    const stop = this.#stopping.signal;
    const isHeld = (shardId: string) => this.#renewer.get(shardId) !== undefined;
    let due = this.#takeSoon.next();
    while (!stop.aborted) {
      await due(this.#taker.nextRoundMs(isHeld), stop);
      due = this.#takeSoon.next();
      if (!stop.aborted) await this.#attempt(() => this.#takeRound(), this.#takeTrouble);
    }
  }

  async #syncLoop(): Promise<void> {
    const { clock, shardSyncIntervalMs } = this.#options;
    const stop = this.#stopping.signal;
    while (!stop.aborted) {
      await clock.sleep(shardSyncIntervalMs, stop);
      if (!stop.aborted) await this.#attempt(() => this.#syncer.sync(stop), this.#syncTrouble);
    }
  }

  async #checkpointLoop(): Promise<void> {
    const { clock, checkpointIntervalMs } = this.#options;
    const stop = this.#closing.signal;
    while (!stop.aborted) {
      await clock.sleep(Math.min(CHECKPOINT_LOOK_MS, checkpointIntervalMs), stop);
      if (stop.aborted) return;
      await Promise.all(Array.from(this.#shards.values(), (shard) => shard.checkpointer.writeIfDue(stop)));
    }
  }

  async #attempt(task: () => Promise<void>, trouble: TroubleReporter): Promise<void> {
    try {
      await task();
      trouble.worked('');
    } catch (error) {
      if (!this.#stopping.signal.aborted) trouble.failed('', describeError(error));
    }
  }

  /** Tries until it works or a stop; rejects on what only a person can mend. */
  async #untilStarted<T>(
    task: () => Promise<T>,
    trouble: TroubleReporter,
    fault: (error: unknown) => string,
  ): Promise<T | undefined> {
    const { clock, random, taskBackoffTimeMs } = this.#options;
    const stop = this.#stopping.signal;
    for (let failures = 1; !stop.aborted; failures += 1) {
      try {
        // A call waits for credentials whatever the signal that it was given says.
        const result = await orAborted(task(), stop);
        trouble.worked('');
        return result;
      } catch (error) {
        if (stop.aborted) return undefined;
        if (needsAPerson(error)) throw new ConsumerStartError(fault(error), { cause: error });
        trouble.failed('', describeError(error));
        await clock.sleep(backoffMs(taskBackoffTimeMs, BACKOFF_MAX_MS, failures, random), stop);
      }
    }
    return undefined;
  }
}

/** Of a shard that this worker does not hold. */
const UNREAD = {
  state: null,
  source: null,
  lastFetchedSequenceNumber: null,
  millisBehindLatest: null,
  recordCount: 0,
  byteCount: 0,
  lastFetchMs: null,
  lastCheckpointMs: null,
  consecutiveFailures: 0,
  unsettledSinceMs: null,
};

function streamFault(streamName: string, error: unknown): string {
  return errorName(error) === 'ResourceNotFoundException'
    ? `there is no stream "${streamName}" in this region and account: ${describeError(error)}`
    : `the shards of stream "${streamName}" cannot be listed: ${describeError(error)}`;
}

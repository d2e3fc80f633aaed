/** Brings the lease table in step with the shards of the stream. */
import type { ChildShard } from '@aws-sdk/client-kinesis';
import type { Logger } from '../util/logger.ts';
import type { KinesisApi } from './awsApi.ts';
import type { HeldLease } from './heldLease.ts';
import { type Lease, newLease } from './lease.ts';
import { firstLeases, missingLeases, removableLeases } from './leasePlan.ts';
import type { LeaseTable } from './leaseTable.ts';
import { type KnownShard, knownChild, listShards } from './shards.ts';
import type { InitialPosition } from './types.ts';

export interface SyncerSettings {
  readonly streamName: string;
  readonly initialPosition: InitialPosition;
  readonly cleanUpEndedLeases: boolean;
}

export class ShardSyncer {
  readonly #kinesis: KinesisApi;
  readonly #table: LeaseTable;
  readonly #logger: Logger;
  readonly #settings: SyncerSettings;
  #shards: readonly KnownShard[] = [];

  constructor(kinesis: KinesisApi, table: LeaseTable, logger: Logger, settings: SyncerSettings) {
    this.#kinesis = kinesis;
    this.#table = table;
    this.#logger = logger;
    this.#settings = settings;
  }

  /** The shards as the last sync saw them. */
  shards(): readonly KnownShard[] {
    return this.#shards;
  }

  /** Whether the stream's list of shards has an end for this one, as the last sync saw it. */
  isClosed(shardId: string): boolean {
    return this.#shards.some((known) => known.shardId === shardId && !known.isOpen);
  }

  /** Adds the rows that are missing and removes those no longer needed. */
  async sync(signal: AbortSignal): Promise<void> {
    const { streamName, initialPosition } = this.#settings;
    const leases = await this.#table.list(signal);
    const from = leases.length === 0 ? initialPosition : undefined;
    this.#shards = await listShards(this.#kinesis, streamName, from, signal);
    const missing =
      leases.length === 0
        ? firstLeases(this.#shards, initialPosition.type)
        : missingLeases(this.#shards, leases, initialPosition.type);
    for (const lease of missing) await this.#create(lease, signal);
    if (leases.length > 0 && this.#settings.cleanUpEndedLeases) await this.#cleanUp(leases, signal);
  }

  /** Whether the stream is there and the shard is not: its last record has grown too old. */
  async isGone(shardId: string, signal: AbortSignal): Promise<boolean> {
    const shards = await listShards(this.#kinesis, this.#settings.streamName, undefined, signal);
    return shards.length > 0 && shards.every((shard) => shard.shardId !== shardId);
  }

  /**
   * Puts the rows of the children of a shard that is read to its end, and writes their names into its row. Only then may
   * SHARD_END follow: a crash between leaves a parent whose end is read once more, never a child that nobody knows.
   */
  async prepareChildren(held: HeldLease, named: readonly ChildShard[], signal: AbortSignal): Promise<void> {
    const children = named.length > 0 ? named.map(knownChild) : await this.#childrenInStream(held.shardId, signal);
    for (const child of children) {
      if (await this.#isDue(child, held.shardId, signal)) await this.#create(newLease(child, 'TRIM_HORIZON'), signal);
    }
    if (children.length === 0) {
      this.#logger.warn(`shard ${held.shardId} has ended and the stream names no children of it`);
    } else {
      const ids = children.map((child) => child.shardId);
      await held.setChildren(ids, signal);
    }
  }

  async #childrenInStream(shardId: string, signal: AbortSignal): Promise<KnownShard[]> {
    const shards = await listShards(this.#kinesis, this.#settings.streamName, undefined, signal);
    return shards.filter((shard) => shard.parentShardIds.includes(shardId));
  }

  /**
   * A child of a merge must not start while its other parent, of which the table knows nothing yet, is unread. When that
   * parent is to be read from the initial position, a sync gives it its row. When it follows a shard that is being read,
   * its row comes at the end of that shard, and the child's at its own.
   */
  async #isDue(child: KnownShard, endedShardId: string, signal: AbortSignal): Promise<boolean> {
    const ids = [child.shardId, ...child.parentShardIds.filter((id) => id !== endedShardId)];
    const [row, ...otherParents] = await this.#rows(ids, signal);
    if (row !== null || !otherParents.includes(null)) return true;
    await this.sync(signal);
    const inStream = this.#shards.map((shard) => shard.shardId);
    const unread = ids.slice(1).filter((id) => inStream.includes(id));
    return !(await this.#rows(unread, signal)).includes(null);
  }

  #rows(shardIds: readonly string[], signal: AbortSignal): Promise<(Lease | null)[]> {
    return Promise.all(shardIds.map((id) => this.#table.get(id, signal)));
  }

  async #create(lease: Lease, signal: AbortSignal): Promise<void> {
    if (await this.#table.create(lease, signal)) {
      this.#logger.debug(`made the lease of shard ${lease.leaseKey}`, { checkpoint: lease.checkpoint });
    }
  }

  async #cleanUp(leases: readonly Lease[], signal: AbortSignal): Promise<void> {
    for (const lease of removableLeases(this.#shards, leases)) {
      if (await this.#table.deleteEnded(lease.leaseKey, signal)) {
        this.#logger.info(`removed the lease of shard ${lease.leaseKey}, which has ended`);
      }
    }
  }
}

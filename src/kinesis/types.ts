/**
 * What a user of the consumer sees: records in, positions out. Nothing here knows of Logstash or loads the AWS SDK.
 */
import type { ChildShard } from '@aws-sdk/client-kinesis';
import type { Clock } from '../util/clock.ts';
import type { Logger } from '../util/logger.ts';
import type { DynamoDbApi, KinesisApi } from './awsApi.ts';
import type { CompressionChoice } from './decompress.ts';

/**
 * A place in a shard. `sequenceNumber` is Kinesis's decimal text (up to 56 digits, compared by length, then text);
 * `subSequenceNumber` counts the user records of one KPL-aggregated record from 0, and is 0 for every other record.
 */
export interface Position {
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
}

/** One user record: already taken out of its compression. */
export interface ConsumerRecord extends Position {
  readonly partitionKey: string;
  /** Plain bytes; the bytes as they came when `fault` is set. */
  readonly data: Uint8Array;
  /** When Kinesis took the record, in milliseconds since 1970. */
  readonly approximateArrivalTimestampMs: number;
  /** Why the bytes were not expanded. The processor decides on the fate of such a record; the shard goes on. */
  readonly fault?: Error | undefined;
}

/** A number that only grows. */
export interface Counter {
  value: number;
}

export interface ShardInfo {
  readonly shardId: string;
  readonly streamName: string;
}

export interface BatchInfo {
  /** How far the fetch was behind the tip of the shard, in milliseconds, as Kinesis said. */
  readonly millisBehindLatest: number;
}

/**
 * Takes the records of one shard for as long as this worker holds the lease. One processor is made each time the lease
 * is won; `process` is never called twice at once.
 */
export interface ShardProcessor {
  /**
   * Records in order, never none. The next fetch of the shard waits for the promise: it is the back-pressure. Throwing
   * is a fault of the processor: the same batch is offered again after the back-off time. A processor that is to stop may
   * leave records out: they are not settled then, and come again.
   */
  process(records: readonly ConsumerRecord[], info: BatchInfo): Promise<void> | void;
  /** The highest position at or below which everything is settled; `null` as long as nothing is. Never goes back. */
  settledPosition(): Position | null;
  /**
   * Resolves once all that was given to `process` is settled: called after the last record of an ended shard, before
   * `SHARD_END` is written. Rejects, or resolves early, when `signal` aborts; the caller looks at the signal.
   */
  whenSettled(signal: AbortSignal): Promise<void>;
  /** Clock time at which the oldest record was taken that is not settled; `null` when there is none. */
  unsettledSinceMs?(): number | null;
  /** The lease went to another worker: drop local state. What settles later is no longer checkpointed from here. */
  lost(): void;
}

export type CreateProcessor = (shard: ShardInfo) => ShardProcessor;

export interface HashKeyRange {
  readonly startingHashKey: string;
  readonly endingHashKey: string;
}

/** The row of a shard in the lease table. */
export interface Lease {
  /** The shard id. */
  readonly leaseKey: string;
  readonly leaseOwner: string | null;
  /** Moves with every write of the owner: a worker is alive as long as it does. */
  readonly leaseCounter: number;
  readonly ownerSwitchesSinceCheckpoint: number;
  /** A sequence number or a sentinel. */
  readonly checkpoint: string;
  readonly checkpointSubSequenceNumber: number;
  readonly parentShardIds: readonly string[];
  readonly childShardIds: readonly string[];
  readonly hashKeyRange: HashKeyRange | null;
}

/** The last record of the shard is fetched. */
export interface ShardEnd {
  /** Named with the end of the shard; none by servers that do not name them. */
  readonly children: readonly ChildShard[];
}

/** The thread of a reader is gone, and with it what was not settled: it has to be read again. */
export class ReaderDied extends Error {
  override name = 'ReaderDied';
}

/** Reads one shard for as long as this worker holds its lease, in this thread or in another one. */
export interface ShardReader {
  /**
   * Called once, when the shard's parents are read. Resolves to the end of the shard, or to nothing when `stop` aborts; nothing is handed over later. Rejects
   * with `ReaderDied` only.
   */
  read(stop: AbortSignal): Promise<ShardEnd | undefined>;
  /** As `ShardProcessor`. */
  settledPosition(): Position | null;
  /** Whether everything that was handed over is settled. */
  isSettled(): boolean;
  /** Resolves once it is, or when `signal` aborts. Rejects with `ReaderDied` only. */
  whenSettled(signal: AbortSignal): Promise<void>;
  /** As `ShardProcessor`. */
  lost(): void;
  snapshot(): ReaderSnapshot;
}

export type ReaderSnapshot = Pick<
  ShardSnapshot,
  | 'source'
  | 'lastFetchedSequenceNumber'
  | 'millisBehindLatest'
  | 'recordCount'
  | 'byteCount'
  | 'lastFetchMs'
  | 'consecutiveFailures'
  | 'unsettledSinceMs'
> & { readonly state: Extract<ShardState, 'reading' | 'blocked'> };

/** Made each time the lease is won, and in place of one that died. Begins behind the checkpoint of `lease`. */
export type OpenReader = (lease: Lease) => ShardReader;

/** Where to begin in a shard that has no checkpoint. */
export type InitialPosition =
  | { readonly type: 'TRIM_HORIZON' }
  | { readonly type: 'LATEST' }
  | { readonly type: 'AT_TIMESTAMP'; readonly timestampMs: number };

/** How a missing lease table is made. */
export type TableBilling =
  | { readonly mode: 'PAY_PER_REQUEST' }
  | { readonly mode: 'PROVISIONED'; readonly readCapacity: number; readonly writeCapacity: number };

export interface ConsumerOptions {
  readonly kinesis: KinesisApi;
  readonly dynamodb: DynamoDbApi;
  readonly streamName: string;
  /** The lease table: KCL's application name. One stream a table. */
  readonly tableName: string;
  /** Written as `leaseOwner`: unique among all workers of the table, as `<hostname>:<uuid>`. */
  readonly workerId: string;
  /** Makes the processors of readers in this thread; or `openReader` has readers elsewhere. */
  readonly createProcessor?: CreateProcessor | undefined;
  readonly openReader?: OpenReader | undefined;
  /** Differences of its time decide on leases; the wall clock matters for AT_TIMESTAMP only. */
  readonly clock: Clock;
  /** Uniform in [0, 1), as `Math.random`. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly initialPosition?: InitialPosition | undefined;
  /**
   * Reads by enhanced fan-out under this name, which all workers of the lease table share; registered when it is missing,
   * never deregistered. A worker to which it is refused says so once and reads by polling. Default: polling.
   */
  readonly fanOut?: { readonly consumerName: string } | undefined;
  /** A lease whose counter has not moved for this long is free. Default 10,000. */
  readonly failoverTimeMs?: number | undefined;
  /** Default 60,000. */
  readonly shardSyncIntervalMs?: number | undefined;
  /** Records asked for in one GetRecords call, 1 to 10,000. Default 10,000. */
  readonly maxRecords?: number | undefined;
  /** Pause between two reads of a shard at its tip. Default 1,000. */
  readonly idleTimeBetweenReadsMs?: number | undefined;
  /** How often a child looks whether its parents have ended. Default 10,000. */
  readonly parentShardPollIntervalMs?: number | undefined;
  /** First pause after a failed call; doubled, with jitter, up to 30 s. Default 500. */
  readonly taskBackoffTimeMs?: number | undefined;
  /** Default 60,000. The first checkpoint of a shard does not wait for it. */
  readonly checkpointIntervalMs?: number | undefined;
  /** Default: no bound. */
  readonly maxLeasesForWorker?: number | undefined;
  /** Bound on leases stolen from one worker in one round; by default a third of what is missing. */
  readonly maxLeasesToStealAtOneTime?: number | undefined;
  /** Rows of ended shards are removed once their children are under way. Default true. */
  readonly cleanUpEndedLeases?: boolean | undefined;
  /** Default 20. */
  readonly leaseRenewalsAtOnce?: number | undefined;
  /** How long `close` tries to tell others how far this worker came. Default 10,000. */
  readonly closeTimeoutMs?: number | undefined;
  readonly tableBilling?: TableBilling | undefined;
  /** Bytes of records that all shards together may have fetched and not handed over. Default 8 MiB. */
  readonly fetchedBytesMax?: number | undefined;
  /** How user records are compressed. Default `auto`. */
  readonly compression?: CompressionChoice | undefined;
  /** A compressed user record may not grow beyond this. Default 64 MiB. */
  readonly expandedBytesMax?: number | undefined;
  /**
   * What becomes of a KPL user record whose hash key lies outside the shard's range; the KCL drops all of its container.
   * Default `keep`: Fluent Bit writes such keys.
   */
  readonly kplRecordsOutsideShard?: 'keep' | 'drop' | undefined;
  /** The counter of that name, the same at each call. Default: nothing is counted. */
  readonly counter?: ((name: string) => Counter) | undefined;
}

/** A worker on one stream: holds leases, reads their shards, checkpoints what is settled. */
export interface Consumer {
  /**
   * Resolves once the lease table stands and the first leases are taken. Waits for as long as Kinesis or DynamoDB
   * cannot be reached; rejects with `ConsumerStartError` on what waiting cannot mend (no such stream, access denied).
   */
  start(): Promise<void>;
  /** No further fetch and no further lease; what was fetched goes on being renewed and checkpointed. Idempotent. */
  stopFetching(): Promise<void>;
  /**
   * Checkpoints what is settled by now, clears `leaseOwner` of every lease held so that a successor need not wait,
   * stops renewing. Wait for the outputs between `stopFetching` and this. Idempotent; does not reject.
   */
  close(): Promise<void>;
  snapshot(): ConsumerSnapshot;
  /** For readers elsewhere. */
  readonly knowledge: ShardKnowledge;
}

/** What is known of shards where the leases are. */
export interface ShardKnowledge {
  /** Whether the stream is there and the shard is not: its last record has grown too old. */
  isGone(shardId: string, signal: AbortSignal): Promise<boolean>;
  /** Whether the stream's list of shards has an end for this one. */
  isClosed(shardId: string): boolean | Promise<boolean>;
}

/**
 * `waiting`: for the parents' end. `reading`: fetches. `blocked`: the processor does not take more for now.
 * `settling`: all is read, not all is settled. `ended`: SHARD_END is written. `stopped`: no longer fetches.
 */
export type ShardState = 'waiting' | 'reading' | 'blocked' | 'settling' | 'ended' | 'stopped';

/** `fanout`: a subscription of enhanced fan-out brings the records. */
export type ShardSourceKind = 'polling' | 'fanout';

export interface ShardSnapshot {
  readonly shardId: string;
  /** As in the lease table when it was last read; `null` when nobody has the lease. */
  readonly leaseOwner: string | null;
  /** `null` for a shard that this worker does not hold. */
  readonly state: ShardState | null;
  /** `null` for a shard that this worker does not hold. */
  readonly source: ShardSourceKind | null;
  /** A sequence number, or one of KCL's sentinels. */
  readonly checkpoint: string;
  readonly checkpointSubSequenceNumber: number;
  readonly lastFetchedSequenceNumber: string | null;
  readonly millisBehindLatest: number | null;
  readonly recordCount: number;
  readonly byteCount: number;
  /** Clock time of the last successful fetch. */
  readonly lastFetchMs: number | null;
  /** Clock time of the last checkpoint written. */
  readonly lastCheckpointMs: number | null;
  readonly consecutiveFailures: number;
  /** Clock time at which the oldest record was taken that is not settled; `null` when there is none. */
  readonly unsettledSinceMs: number | null;
}

export interface ConsumerSnapshot {
  readonly streamName: string;
  readonly tableName: string;
  readonly workerId: string;
  readonly shards: readonly ShardSnapshot[];
}

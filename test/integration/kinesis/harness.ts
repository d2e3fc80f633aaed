/** A stream, a lease table and workers on them, for the tests of this folder. */
import { setTimeout as wait } from 'node:timers/promises';
import { type AttributeValue, DynamoDBClient, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListShardsCommand,
  type ListShardsCommandInput,
  MergeShardsCommand,
  PutRecordsCommand,
  type Shard,
  SplitShardCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { createAckTracker } from '../../../src/delivery/ackTracker.ts';
import { type Clients, createClients } from '../../../src/kinesis/clients.ts';
import { createConsumer } from '../../../src/kinesis/consumer.ts';
import { comparePositions, compareSequenceNumbers } from '../../../src/kinesis/position.ts';
import type {
  Consumer,
  ConsumerOptions,
  ConsumerRecord,
  Position,
  ShardProcessor,
} from '../../../src/kinesis/types.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { silentLogger } from '../../../src/util/logger.ts';
import { startDynalite } from '../../support/servers/dynalite.ts';
import { startDynamodbLocal } from '../../support/servers/dynamodbLocal.ts';
import { startKinesisLocal } from '../../support/servers/kinesisLocal.ts';
import type { Server } from '../../support/servers/server.ts';

/** kinesis-local now and then hangs on bodies of more than 128 KiB. */
const PUT_MAX = { records: 100, bytes: 64 * 1024 };

const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };
export const REGION = 'us-east-1';

export interface Lab {
  readonly kinesisUrl: string;
  readonly dynamodbUrl: string;
  createStream(name: string, shards: number): Promise<void>;
  /** Gives where each of them stands. */
  put(stream: string, records: readonly PutRecord[]): Promise<Placed[]>;
  shards(stream: string): Promise<Shard[]>;
  split(stream: string, shardId: string): Promise<void>;
  merge(stream: string, shardId: string, adjacentShardId: string): Promise<void>;
  updateShardCount(stream: string, count: number): Promise<void>;
  /** Rows as DynamoDB gives them, by lease key. */
  rows(table: string): Promise<Map<string, Record<string, AttributeValue>>>;
  setRow(table: string, shardId: string, attribute: string, value: AttributeValue): Promise<void>;
  worker(options: WorkerOptions): Worker;
  closeWorkers(): Promise<void>;
  stop(): Promise<void>;
}

export interface PutRecord {
  readonly key: string;
  readonly data: Uint8Array | string;
  /** Decides on the shard in place of the key. */
  readonly hashKey?: string;
}

export interface Placed {
  readonly shardId: string;
  readonly sequenceNumber: string;
}

export type WorkerOptions = Pick<ConsumerOptions, 'streamName' | 'tableName' | 'workerId'> &
  Partial<ConsumerOptions> & {
    /** Whether records, or those of which it is said, stay open until `settleAll`. */
    readonly holdBack?: boolean | ((record: Delivered) => boolean);
  };

export interface Delivered extends ConsumerRecord {
  readonly shardId: string;
  readonly text: string;
}

export interface Worker {
  readonly consumer: Consumer;
  readonly delivered: Delivered[];
  readonly lostShards: string[];
  texts(): string[];
  settleAll(): void;
}

/** kinesis-local's `shardLimit` counts closed shards too. */
export async function startLab(options: { readonly shardLimit?: number } = {}): Promise<Lab> {
  const [kinesisServer, dynamodbServer] = await Promise.all([startKinesisLocal(options), startDynamoDb()]);
  const requestHandler = new NodeHttpHandler({ connectionTimeout: 5_000, requestTimeout: 30_000 });
  const shared = { region: REGION, credentials: CREDENTIALS, requestHandler };
  const kinesis = new KinesisClient({ ...shared, endpoint: kinesisServer.url });
  const dynamodb = new DynamoDBClient({ ...shared, endpoint: dynamodbServer.url });
  const clients = await createClients(
    {
      region: REGION,
      kinesisEndpoint: kinesisServer.url,
      dynamodbEndpoint: dynamodbServer.url,
      accessKey: { id: CREDENTIALS.accessKeyId, secret: CREDENTIALS.secretAccessKey },
    },
    { logger: silentLogger, clock: systemClock },
  );
  const workers: Worker[] = [];

  async function untilActive(stream: string): Promise<void> {
    for (;;) {
      const { StreamDescriptionSummary } = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: stream }));
      if (StreamDescriptionSummary?.StreamStatus === 'ACTIVE') return;
      await wait(50);
    }
  }

  async function shards(stream: string): Promise<Shard[]> {
    const shards: Shard[] = [];
    let page: ListShardsCommandInput = { StreamName: stream };
    for (;;) {
      const { Shards = [], NextToken } = await kinesis.send(new ListShardsCommand(page));
      shards.push(...Shards);
      if (NextToken === undefined) return shards;
      page = { NextToken };
    }
  }

  return {
    kinesisUrl: kinesisServer.url,
    dynamodbUrl: dynamodbServer.url,
    async createStream(name, shards) {
      await kinesis.send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }));
      await untilActive(name);
    },
    async put(stream, records) {
      const placed: Placed[] = [];
      for (const page of pages(records)) {
        const Records = page.map(({ key, data, hashKey }) => ({
          PartitionKey: key,
          Data: Buffer.from(data),
          ...(hashKey !== undefined && { ExplicitHashKey: hashKey }),
        }));
        const answer = await kinesis.send(new PutRecordsCommand({ StreamName: stream, Records }));
        if (answer.FailedRecordCount) throw new Error(`${answer.FailedRecordCount} records were not taken`);
        for (const { ShardId = '', SequenceNumber = '' } of answer.Records ?? []) {
          placed.push({ shardId: ShardId, sequenceNumber: SequenceNumber });
        }
      }
      return placed;
    },
    shards,
    async split(stream, shardId) {
      const range = (await shards(stream)).find((shard) => shard.ShardId === shardId)?.HashKeyRange;
      const [start, end] = [BigInt(range?.StartingHashKey ?? 0), BigInt(range?.EndingHashKey ?? 0)];
      const NewStartingHashKey = String((start + end) / 2n);
      await kinesis.send(new SplitShardCommand({ StreamName: stream, ShardToSplit: shardId, NewStartingHashKey }));
      await untilActive(stream);
    },
    async merge(stream, shardId, adjacentShardId) {
      const input = { StreamName: stream, ShardToMerge: shardId, AdjacentShardToMerge: adjacentShardId };
      await kinesis.send(new MergeShardsCommand(input));
      await untilActive(stream);
    },
    async updateShardCount(stream, count) {
      const input = { StreamName: stream, TargetShardCount: count, ScalingType: 'UNIFORM_SCALING' as const };
      await kinesis.send(new UpdateShardCountCommand(input));
      await untilActive(stream);
    },
    async rows(table) {
      const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: table, ConsistentRead: true }));
      return new Map(Items.map((item) => [item['leaseKey']?.S ?? '', item]));
    },
    async setRow(table, shardId, attribute, value) {
      await dynamodb.send(
        new UpdateItemCommand({
          TableName: table,
          Key: { leaseKey: { S: shardId } },
          UpdateExpression: 'SET #name = :value',
          ExpressionAttributeNames: { '#name': attribute },
          ExpressionAttributeValues: { ':value': value },
        }),
      );
    },
    worker(options) {
      const worker = createWorker(clients, options);
      workers.push(worker);
      return worker;
    },
    async closeWorkers() {
      await Promise.all(workers.splice(0).map((worker) => worker.consumer.close()));
    },
    async stop() {
      clients.destroy();
      kinesis.destroy();
      dynamodb.destroy();
      await Promise.all([kinesisServer.stop(), dynamodbServer.stop()]);
    },
  };
}

function* pages(records: readonly PutRecord[]): Generator<PutRecord[]> {
  let page: PutRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    if (page.length === PUT_MAX.records || (page.length > 0 && bytes + record.data.length > PUT_MAX.bytes)) {
      yield page;
      [page, bytes] = [[], 0];
    }
    page.push(record);
    bytes += record.data.length;
  }
  if (page.length > 0) yield page;
}

/** AWS's own server where the run is to be on real ones. */
function startDynamoDb(): Promise<Server> {
  return process.env['LOGSTASH_TS_REAL'] === '1' ? startDynamodbLocal() : startDynalite();
}

function createWorker(clients: Clients, { holdBack = false, ...options }: WorkerOptions): Worker {
  const delivered: Delivered[] = [];
  const lostShards: string[] = [];
  const open: (() => void)[] = [];
  const settleAll = () => {
    for (const settle of open.splice(0)) settle();
  };

  const staysOpen = typeof holdBack === 'function' ? holdBack : () => holdBack;

  const createProcessor = ({ shardId }: { shardId: string }): ShardProcessor => {
    const tracker = createAckTracker<Position>(Date.now);
    return {
      process(records) {
        for (const given of records) {
          const record = { ...given, shardId, text: Buffer.from(given.data).toString() };
          delivered.push(record);
          const token = tracker.open(given);
          if (staysOpen(record)) open.push(() => tracker.settle(token));
          else tracker.settle(token);
        }
      },
      settledPosition: () => tracker.settledPosition(),
      whenSettled: () => tracker.whenEmpty(),
      lost: () => lostShards.push(shardId),
    };
  };

  const consumer = createConsumer({
    ...clients,
    clock: systemClock,
    random: Math.random,
    logger: silentLogger,
    createProcessor,
    failoverTimeMs: 2_000,
    idleTimeBetweenReadsMs: 200,
    checkpointIntervalMs: 100,
    parentShardPollIntervalMs: 500,
    shardSyncIntervalMs: 500,
    taskBackoffTimeMs: 50,
    ...options,
  });
  return { consumer, delivered, lostShards, settleAll, texts: () => delivered.map((record) => record.text).sort() };
}

/** Records of every shard came in the order of their sequence numbers. */
export function isInShardOrder(delivered: readonly Delivered[]): boolean {
  const last = new Map<string, Delivered>();
  return delivered.every((record) => {
    const before = last.get(record.shardId);
    last.set(record.shardId, record);
    return before === undefined || comparePositions(before, record) < 0;
  });
}

/** Whether a record was checkpointed, by the checkpoints of the shards. */
export function isAtOrBelow(place: Placed | undefined, checkpoints: ReadonlyMap<string, string>): boolean {
  const checkpoint = place && checkpoints.get(place.shardId);
  if (place === undefined || checkpoint === undefined || checkpoint === 'TRIM_HORIZON') return false;
  return checkpoint === 'SHARD_END' || compareSequenceNumbers(place.sequenceNumber, checkpoint) <= 0;
}

import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  awsError,
  type FaultProxy,
  type Server,
  startDynalite,
  startFaultProxy,
  startKinesisLocal,
  throttled,
} from '../../support/servers/index.ts';

const STREAM = 'infra-dev-kinesis-01';
const region = 'ap-northeast-2';
const credentials = { accessKeyId: 'AKDEMO', secretAccessKey: 'secret' };

describe('kinesis-local behind the fault proxy', () => {
  let server: Server;
  let proxy: FaultProxy;
  let client: KinesisClient;

  beforeAll(async () => {
    server = await startKinesisLocal({ streams: { [STREAM]: 2 }, region });
    proxy = await startFaultProxy(server.url);
    // The SDK's default here is HTTP/2, which no local server speaks without TLS.
    const requestHandler = new NodeHttpHandler({ connectionTimeout: 2_000, requestTimeout: 10_000 });
    client = new KinesisClient({ endpoint: proxy.url, region, credentials, requestHandler, maxAttempts: 1 });
  }, 60_000);

  afterAll(async () => {
    client.destroy();
    await proxy.stop();
    await server.stop();
  });

  async function readShard(ShardId: string): Promise<string[]> {
    const from = { StreamName: STREAM, ShardId, ShardIteratorType: 'TRIM_HORIZON' as const };
    const { ShardIterator } = await client.send(new GetShardIteratorCommand(from));
    const { Records = [] } = await client.send(new GetRecordsCommand({ ShardIterator }));
    return Records.map(({ Data }) => Buffer.from(Data ?? []).toString('utf8'));
  }

  it('gives back from two shards what was put', async () => {
    const texts = Array.from({ length: 40 }, (_, number) => `{"n":${number},"text":"한글"}\n`);
    const Records = texts.map((text, number) => ({ Data: Buffer.from(text), PartitionKey: `key-${number}` }));
    await client.send(new PutRecordsCommand({ StreamName: STREAM, Records }));
    const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName: STREAM }));
    expect(Shards).toHaveLength(2);
    const perShard = await Promise.all(Shards.map(({ ShardId }) => readShard(ShardId ?? '')));
    expect(perShard.every((records) => records.length > 0)).toBe(true);
    expect(perShard.flat().sort()).toEqual([...texts].sort());
  });

  it.each([
    ['throttles', () => throttled(), { name: 'ProvisionedThroughputExceededException' }],
    [
      'expires an iterator',
      () => awsError(400, 'ExpiredIteratorException', 'old'),
      { name: 'ExpiredIteratorException' },
    ],
    ['resets', () => ({ kind: 'reset' }) as const, { code: 'ECONNRESET' }],
    ['cuts', () => ({ kind: 'cut', afterBytes: 5 }) as const, {}],
  ])('%s one operation and lets others pass', async (_case, fault, expected) => {
    proxy.setRule(({ operation }) => (operation === 'GetRecords' ? fault() : undefined));
    await expect(readShard('shardId-000000000000')).rejects.toMatchObject(expected);
    proxy.setRule(undefined);
    expect((await readShard('shardId-000000000000')).length).toBeGreaterThan(0);
  });

  it('says when a request has been executed and when it is answered', async () => {
    const seen: string[] = [];
    const answered = Promise.withResolvers<void>();
    const note = { executed: () => seen.push('executed'), answered: answered.resolve };
    proxy.setRule(({ operation }) => (operation === 'GetRecords' ? { kind: 'watch', ...note } : undefined));
    await readShard('shardId-000000000000');
    await answered.promise;
    proxy.setRule(undefined);
    expect(seen).toContain('executed');
  });

  it('executes and loses the answer', async () => {
    const before = await readShard('shardId-000000000000');
    const shard = before[0] ?? '';
    proxy.setRule(({ operation }) => (operation === 'PutRecords' ? { kind: 'loseReply' } : undefined));
    const Records = [{ Data: Buffer.from('lost'), PartitionKey: 'a', ExplicitHashKey: '0' }];
    await expect(client.send(new PutRecordsCommand({ StreamName: STREAM, Records }))).rejects.toThrow();
    proxy.setRule(undefined);
    expect(await readShard('shardId-000000000000')).toEqual([shard, ...before.slice(1), 'lost']);
  });
});

describe.each([
  ['in this process', false],
  ['in a process of its own', true],
])('dynalite %s', (_place, childProcess) => {
  let server: Server;
  let client: DynamoDBClient;

  beforeAll(async () => {
    server = await startDynalite({ childProcess });
    client = new DynamoDBClient({ endpoint: server.url, region, credentials, maxAttempts: 1 });
  });

  afterAll(async () => {
    client.destroy();
    await server.stop();
  });

  it('lets one of two conditional writes win', async () => {
    await client.send(
      new CreateTableCommand({
        TableName: 'logstash',
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
      }),
    );
    const take = (owner: string) =>
      client.send(
        new PutItemCommand({
          TableName: 'logstash',
          Item: { leaseKey: { S: 'shardId-000000000000' }, leaseOwner: { S: owner } },
          ConditionExpression: 'attribute_not_exists(leaseKey)',
        }),
      );
    const outcomes = await Promise.allSettled([take('a'), take('b')]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const loser = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(loser?.reason).toMatchObject({ name: 'ConditionalCheckFailedException' });
    const key = { leaseKey: { S: 'shardId-000000000000' } };
    const { Item } = await client.send(new GetItemCommand({ TableName: 'logstash', Key: key }));
    expect(Item?.['leaseOwner']?.S).toBe(outcomes[0]?.status === 'fulfilled' ? 'a' : 'b');
  });
});

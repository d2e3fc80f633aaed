import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { realServers, startDynamodbLocal, startElasticsearch, startVersitygw } from '../../support/servers/index.ts';

const region = 'ap-northeast-2';
const credentials = { accessKeyId: 'AKDEMO', secretAccessKey: 'demo/secret+key' };
const START_MS = 600_000;

describe.runIf(process.env['LOGSTASH_TS_REAL'] === '1')('real servers', () => {
  it('says that all real servers are possible here', () => {
    const possible = { possible: true };
    expect(realServers()).toEqual({ elasticsearch: possible, dynamodbLocal: possible, versitygw: possible });
  });

  it(
    'Elasticsearch 7.9.2 takes a bulk, refuses a second create, and is gone after stop',
    async () => {
      const server = await startElasticsearch();
      const create = '{"create":{"_index":"accesslog-202611","_id":"1"}}\n{"code":200}\n';
      const headers = { 'content-type': 'application/x-ndjson' };
      const call = async (path: string, init: RequestInit = {}) => (await fetch(server.url + path, init)).json();
      const send = () => call('/_bulk?refresh=true', { method: 'POST', headers, body: create });
      expect(await send()).toMatchObject({ items: [{ create: { status: 201 } }] });
      expect(await send()).toMatchObject({ items: [{ create: { status: 409 } }] });
      expect(await call('/')).toMatchObject({ version: { number: '7.9.2', build_flavor: 'oss' } });
      expect(await call('/accesslog-*/_count')).toMatchObject({ count: 1 });
      await server.stop();
      await expect(fetch(server.url)).rejects.toThrow();
    },
    START_MS,
  );

  it(
    'DynamoDB Local refuses a conditional write',
    async () => {
      const server = await startDynamodbLocal();
      const client = new DynamoDBClient({ endpoint: server.url, region, credentials });
      await client.send(
        new CreateTableCommand({
          TableName: 'logstash',
          BillingMode: 'PAY_PER_REQUEST',
          KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
        }),
      );
      const put = new PutItemCommand({
        TableName: 'logstash',
        Item: { leaseKey: { S: 'shardId-000000000000' } },
        ConditionExpression: 'attribute_not_exists(leaseKey)',
      });
      await client.send(put);
      await expect(client.send(put)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
      client.destroy();
      await server.stop();
    },
    START_MS,
  );

  it(
    'versitygw keeps an object and refuses a wrong secret',
    async () => {
      const server = await startVersitygw({ ...credentials, region, buckets: ['test-accesslog'] });
      const connect = (keys: typeof credentials) =>
        new S3Client({ endpoint: server.url, region, credentials: keys, forcePathStyle: true });
      const [client, stranger] = [connect(credentials), connect({ ...credentials, secretAccessKey: 'other' })];
      const at = { Bucket: 'test-accesslog', Key: 'test-accesslog/2026/11/a.txt.gz' };
      await client.send(new PutObjectCommand({ ...at, Body: 'text', ContentEncoding: 'gzip' }));
      const answer = await client.send(new GetObjectCommand(at));
      expect([await answer.Body?.transformToString(), answer.ContentEncoding]).toEqual(['text', 'gzip']);
      await expect(stranger.send(new GetObjectCommand(at))).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
      client.destroy();
      stranger.destroy();
      await server.stop();
    },
    START_MS,
  );
});

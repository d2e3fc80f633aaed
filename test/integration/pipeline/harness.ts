/** The user's pipeline as a process of its own, with everything around it on this machine. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import {
  type Server,
  startApart,
  startDynalite,
  startDynamodbLocal,
  startElasticsearch,
  startKinesisLocal,
  startVersitygw,
} from '../../support/servers/index.ts';
import type { Placed } from '../kinesis/harness.ts';
import { Logstash } from '../kinesis/logstash.ts';

export const REGION = 'ap-northeast-2';
export const BUCKET = 'test-accesslog';
/** That of the user's pipeline. */
const STREAM = 'infra-dev-kinesis-01';
const SHARDS = 2;
export const credentials = { accessKeyId: 'AKTEST', secretAccessKey: 'test-secret' };
const real = process.env['LOGSTASH_TS_REAL'] === '1';

export interface Stack {
  readonly kinesis: Server;
  readonly dynamodb: Server;
  readonly elasticsearch: Server;
  readonly s3: Server;
}

/** Real Elasticsearch 7.9.2, DynamoDB Local and versitygw under test:real; stand-ins elsewhere. */
export async function startStack(streams: readonly string[] = [STREAM]): Promise<Stack> {
  const s3Options = { ...credentials, region: REGION, buckets: [BUCKET] };
  const [kinesis, dynamodb, elasticsearch, s3] = await Promise.all([
    startKinesisLocal({ streams: Object.fromEntries(streams.map((name) => [name, SHARDS])), region: REGION }),
    real ? startDynamodbLocal() : startDynalite(),
    real ? startElasticsearch() : startApart('elasticsearch', {}),
    real ? startVersitygw(s3Options) : startApart('s3', s3Options),
  ]);
  await acceptAnyDocument(elasticsearch);
  return { kinesis, dynamodb, elasticsearch, s3 };
}

/**
 * Takes every document as it comes. Without it Elasticsearch maps a field by the first value it sees, and which documents it
 * then refuses depends on the order of arrival.
 */
async function acceptAnyDocument({ url }: Server): Promise<void> {
  const template = { index_patterns: ['accesslog-*', 'api-*'], mappings: { dynamic: false } };
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/_template/any`, { method: 'PUT', headers, body: JSON.stringify(template) });
  if (!answer.ok) throw new Error(`the template was refused: ${answer.status} ${await answer.text()}`);
}

export async function stopStack(stack: Stack | undefined): Promise<void> {
  await Promise.all(Object.values(stack ?? {}).map((server: Server) => server.stop()));
}

export interface KinesisRecord {
  readonly PartitionKey: string;
  readonly Data: Uint8Array;
}

/** Records as Fluent Bit put them with the user's configuration. */
export function fluentBitRecords(): KinesisRecord[] {
  const path = new URL('../../data/records/fb5.1.1_go_seed_noimds.jsonl.gz', import.meta.url);
  return gunzipSync(readFileSync(path))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .map(({ partitionKey, dataBase64 }) => ({ PartitionKey: partitionKey, Data: Buffer.from(dataBase64, 'base64') }));
}

/** kinesis-local now and then hangs on larger bodies. */
const PUT_MAX = 100;

export function kinesisClient({ kinesis }: Pick<Stack, 'kinesis'>): KinesisClient {
  return new KinesisClient({
    endpoint: kinesis.url,
    region: REGION,
    credentials,
    requestHandler: new NodeHttpHandler({ requestTimeout: 20_000, throwOnRequestTimeout: true }),
  });
}

/** Puts them on the stream of the user's pipeline; gives where each of them stands. */
export async function putRecords(stack: Stack, records: readonly KinesisRecord[]): Promise<Placed[]> {
  const client = kinesisClient(stack);
  const placed = await putOn(client, STREAM, records);
  client.destroy();
  return placed;
}

/** Gives where each of them stands. The client stays open. */
export async function putOn(
  client: KinesisClient,
  StreamName: string,
  records: readonly KinesisRecord[],
): Promise<Placed[]> {
  const placed: Placed[] = [];
  for (let i = 0; i < records.length; i += PUT_MAX) {
    const input = { StreamName, Records: records.slice(i, i + PUT_MAX) };
    const { FailedRecordCount, Records = [] } = await client.send(new PutRecordsCommand(input));
    if (FailedRecordCount !== 0) throw new Error(`${FailedRecordCount} records were not taken`);
    placed.push(
      ...Records.map(({ ShardId = '', SequenceNumber = '' }) => ({ shardId: ShardId, sequenceNumber: SequenceNumber })),
    );
  }
  return placed;
}

/** The user's pipeline, or another configuration with its variables, as a process whose state is kept over restarts. */
export class Program extends Logstash {
  readonly folder: string;

  constructor(stack: Stack, config?: string, moreEnv: NodeJS.ProcessEnv = {}, flags: readonly string[] = []) {
    const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-pipeline-'));
    const configPath = config === undefined ? 'pipelines/eks-kinesis.conf' : join(folder, 'pipeline.conf');
    if (config !== undefined) writeFileSync(configPath, config);
    const env = {
      KINESIS_ENDPOINT: stack.kinesis.url,
      DYNAMODB_ENDPOINT: stack.dynamodb.url,
      ES_URL: stack.elasticsearch.url,
      S3_ENDPOINT: stack.s3.url,
      S3_FORCE_PATH_STYLE: 'true',
      S3_BUCKET: BUCKET,
      S3_TEMP: join(folder, 's3'),
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      ...moreEnv,
    };
    super({ configPath, dataPath: join(folder, 'data'), env, flags });
    this.folder = folder;
  }

  get dataPath(): string {
    return join(this.folder, 'data');
  }

  get s3Directory(): string {
    return join(this.folder, 's3');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Documents by index, as a reader sees them. */
export async function documentCounts({ elasticsearch }: Stack): Promise<Record<string, number>> {
  await fetch(`${elasticsearch.url}/_refresh`, { method: 'POST' });
  const answer = await fetch(`${elasticsearch.url}/_cat/indices?format=json&h=index,docs.count`);
  const rows = (await answer.json()) as { index: string; 'docs.count': string }[];
  return Object.fromEntries(
    rows.filter(({ index }) => !index.startsWith('.')).map((row) => [row.index, Number(row['docs.count'])]),
  );
}

export interface StoredObject {
  readonly key: string;
  readonly bytes: Uint8Array;
}

export async function s3Objects({ s3 }: Stack, Prefix?: string): Promise<StoredObject[]> {
  const client = new S3Client({ endpoint: s3.url, region: REGION, credentials, forcePathStyle: true });
  const objects: StoredObject[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: BUCKET, Prefix })) {
    for (const { Key } of Contents) {
      if (Key === undefined || !Key.endsWith('.gz')) continue;
      const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
      objects.push({ key: Key, bytes: (await Body?.transformToByteArray()) ?? new Uint8Array() });
    }
  }
  client.destroy();
  return objects;
}

/** Reading an object that is not valid gzip throws. */
export function linesOf({ bytes }: StoredObject): string[] {
  const lines = gunzipSync(bytes).toString('utf8').split('\n');
  return lines.filter((line) => line !== '');
}

/** Every line of every object. */
export async function s3Lines(stack: Stack, prefix?: string): Promise<string[]> {
  return (await s3Objects(stack, prefix)).flatMap(linesOf);
}

/** The rows of a lease table, by shard. */
export async function leases(
  { dynamodb }: Pick<Stack, 'dynamodb'>,
  TableName = 'logstash',
): Promise<Record<string, { owner: string | undefined; checkpoint: string }>> {
  const client = new DynamoDBClient({ endpoint: dynamodb.url, region: REGION, credentials });
  const { Items = [] } = await client.send(new ScanCommand({ TableName, ConsistentRead: true }));
  client.destroy();
  return Object.fromEntries(
    Items.map((item) => [
      item['leaseKey']?.S,
      { owner: item['leaseOwner']?.S, checkpoint: item['checkpoint']?.S ?? '' },
    ]),
  );
}

/** Polls until `condition` holds; the message of a timeout shows the last value. */
export async function until<T>(
  read: () => Promise<T>,
  condition: (value: T) => boolean,
  timeoutMs = 90_000,
  pollMs = 200,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (condition(value)) return value;
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms; last: ${JSON.stringify(value)}`);
    await new Promise((done) => setTimeout(done, pollMs));
  }
}

export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

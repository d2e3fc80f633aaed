/**
 * Makes the calls of `awsApi.ts` from the AWS SDK. The SDK is heavy, so it is loaded only when a client is made, and only
 * from here.
 */
import type { Agent as HttpAgent } from 'node:http';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { GetRecordsCommand, KinesisClient } from '@aws-sdk/client-kinesis';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import { type CredentialSettings, createCredentials } from '../aws/credentials.ts';
import type { CredentialSurroundings } from '../aws/freshCredentials.ts';
import type { Role } from '../aws/sts.ts';
import { hasCode } from '../util/errors.ts';
import { AnswerBodies } from './answerBodies.ts';
import type { DynamoDbApi, KinesisApi } from './awsApi.ts';
import { parseRecordsAnswer, type RecordsAnswer } from './recordsAnswer.ts';

export interface ClientSettings extends CredentialSettings {
  /** Full URL; AWS's own for the region when absent. */
  readonly kinesisEndpoint?: string | undefined;
  readonly dynamodbEndpoint?: string | undefined;
  /** A role to assume with those credentials. */
  readonly role?: Role | undefined;
  /** In place of `role` for DynamoDB, when the lease table is another account's. */
  readonly dynamodbRole?: Role | undefined;
  readonly proxy?: ProxySettings | undefined;
  /** Put behind the SDK's own user agent. */
  readonly userAgent?: string | undefined;
}

export interface ProxySettings {
  /** `http://[user:password@]host:port`. */
  readonly url: string;
  /** Hosts that are called without it; `*.example.com` stands for all below. */
  readonly bypassHosts: readonly string[];
}

export interface Clients {
  readonly kinesis: KinesisApi;
  readonly dynamodb: DynamoDbApi;
  /** Closes the connections. */
  destroy(): void;
}

const CONNECTION_TIMEOUT_MS = 5_000;
/** A full GetRecords answer has 10 MB. */
const KINESIS_REQUEST_TIMEOUT_MS = 30_000;
/** Well below the failover time: a renewal that hangs has to be tried again in time. */
const DYNAMODB_REQUEST_TIMEOUT_MS = 4_000;
/** Renewals of leases may wait for it. */
const STS_REQUEST_TIMEOUT_MS = 4_000;
const SOCKETS_MAX = 256;
/**
 * Kinesis sends subscriptions over HTTP/2 only. Each has a connection of its own, so that one which is not read holds up no
 * other. There is no timeout: who reads a subscription watches for silence.
 */
const SUBSCRIPTIONS = { disableConcurrentStreams: true };

/** One try a call: the consumer itself decides when to try again. */
export async function createClients(settings: ClientSettings, around: CredentialSurroundings): Promise<Clients> {
  const { role, dynamodbRole } = settings;
  const stsHandler = await requestHandler(STS_REQUEST_TIMEOUT_MS, settings.proxy);
  const [kinesisSdk, dynamodbSdk, { NodeHttp2Handler }, credentialsOf] = await Promise.all([
    import('@aws-sdk/client-kinesis'),
    import('@aws-sdk/client-dynamodb'),
    import('@smithy/node-http-handler'),
    createCredentials(settings, stsHandler, around),
  ]);
  const kinesisCredentials = credentialsOf(dynamodbRole ? 'Kinesis' : 'Kinesis and DynamoDB', role);
  const dynamodbCredentials = dynamodbRole ? credentialsOf('DynamoDB', dynamodbRole) : kinesisCredentials;
  const shared = {
    region: settings.region,
    maxAttempts: 1,
    ...(settings.userAgent && { customUserAgent: settings.userAgent }),
  };
  const forKinesis = {
    ...shared,
    credentials: kinesisCredentials,
    ...(settings.kinesisEndpoint && { endpoint: settings.kinesisEndpoint }),
  };
  const kinesis = new kinesisSdk.KinesisClient({
    ...forKinesis,
    requestHandler: await requestHandler(KINESIS_REQUEST_TIMEOUT_MS, settings.proxy),
  });
  let subscriber: KinesisClient | undefined;
  const subscribing = () => {
    if (settings.kinesisEndpoint?.startsWith('http:')) return kinesis;
    subscriber ??= new kinesisSdk.KinesisClient({ ...forKinesis, requestHandler: new NodeHttp2Handler(SUBSCRIPTIONS) });
    return subscriber;
  };
  const dynamodb = new dynamodbSdk.DynamoDBClient({
    ...shared,
    credentials: dynamodbCredentials,
    requestHandler: await requestHandler(DYNAMODB_REQUEST_TIMEOUT_MS, settings.proxy),
    ...(settings.dynamodbEndpoint && { endpoint: settings.dynamodbEndpoint }),
  });
  return {
    kinesis: kinesisApi(kinesis, subscribing, kinesisSdk),
    dynamodb: dynamoDbApi(dynamodb, dynamodbSdk),
    destroy() {
      kinesis.destroy();
      subscriber?.destroy();
      dynamodb.destroy();
      stsHandler.destroy();
    },
  };
}

/** HTTP/1.1: the SDK's own choice for Kinesis, HTTP/2, does not speak with plain `http:` endpoints, nor through proxies. */
async function requestHandler(requestTimeout: number, proxy: ProxySettings | undefined): Promise<NodeHttpHandler> {
  const [{ NodeHttpHandler }, http, https] = await Promise.all([
    import('@smithy/node-http-handler'),
    import('node:http'),
    import('node:https'),
  ]);
  const agentOptions = {
    keepAlive: true,
    maxSockets: SOCKETS_MAX,
    ...(proxy && {
      proxyEnv: { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NO_PROXY: proxy.bypassHosts.join(',') },
    }),
  };
  return new NodeHttpHandler({
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout,
    throwOnRequestTimeout: true,
    httpAgent: new http.Agent(agentOptions) as HttpAgent,
    httpsAgent: new https.Agent(agentOptions),
  });
}

type KinesisSdk = typeof import('@aws-sdk/client-kinesis');
type DynamoDbSdk = typeof import('@aws-sdk/client-dynamodb');

function kinesisApi(client: KinesisClient, subscribing: () => KinesisClient, sdk: KinesisSdk): KinesisApi {
  const bodies = new AnswerBodies();
  return {
    listShards: (input, signal) => client.send(new sdk.ListShardsCommand(input), options(signal)),
    getShardIterator: (input, signal) => client.send(new sdk.GetShardIteratorCommand(input), options(signal)),
    getRecords: (input, signal) => getRecords(client, new sdk.GetRecordsCommand(input), bodies, options(signal)),
    describeStreamSummary: (name, signal) =>
      client.send(new sdk.DescribeStreamSummaryCommand({ StreamName: name }), options(signal)),
    describeStreamConsumer: (input, signal) =>
      client.send(new sdk.DescribeStreamConsumerCommand(input), options(signal)),
    registerStreamConsumer: (input, signal) =>
      client.send(new sdk.RegisterStreamConsumerCommand(input), options(signal)),
    async subscribeToShard(input, signal) {
      try {
        return await subscribing().send(new sdk.SubscribeToShardCommand(input), options(signal));
      } catch (error) {
        throw speaksNoHttp2(error) ? withoutHttp2(error) : error;
      }
    },
  };
}

/** The SDK signs, sends and judges; what is in a good answer it does not get to see. */
async function getRecords(
  client: KinesisClient,
  command: GetRecordsCommand,
  bodies: AnswerBodies,
  sendOptions: { abortSignal?: AbortSignal },
): Promise<RecordsAnswer> {
  let answer: RecordsAnswer = { Records: undefined };
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as Response;
      if (response.statusCode === 200) {
        answer = await readRecords(response, bodies);
        response.body = EMPTY_OBJECT;
      }
      return result;
    },
    { step: 'deserialize', name: 'recordsAnswer', priority: 'low' },
  );
  await client.send(command, sendOptions);
  return answer;
}

async function readRecords({ headers, body }: Response, bodies: AnswerBodies): Promise<RecordsAnswer> {
  const length = Number(headers['content-length'] ?? 0);
  const chunks = body as AsyncIterable<Buffer>;
  if (length < BODY_BYTES_KEPT) return parseRecordsAnswer(Buffer.concat(await Array.fromAsync(chunks)), () => {});
  const kept = bodies.take(length);
  let end = 0;
  for await (const chunk of chunks) end += chunk.copy(kept, end);
  return parseRecordsAnswer(kept.subarray(0, end), () => bodies.giveBack(kept));
}

/** Smaller answers are soon gone; and the length of some is not said. */
const BODY_BYTES_KEPT = 64 * 1024;

const EMPTY_OBJECT = new TextEncoder().encode('{}');

interface Response {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  body: AsyncIterable<Buffer> | Uint8Array;
}

function dynamoDbApi(client: DynamoDBClient, sdk: DynamoDbSdk): DynamoDbApi {
  return {
    describeTable: (name, signal) => client.send(new sdk.DescribeTableCommand({ TableName: name }), options(signal)),
    createTable: (input, signal) => client.send(new sdk.CreateTableCommand(input), options(signal)),
    getItem: (input, signal) => client.send(new sdk.GetItemCommand(input), options(signal)),
    scan: (input, signal) => client.send(new sdk.ScanCommand(input), options(signal)),
    putItem: (input, signal) => client.send(new sdk.PutItemCommand(input), options(signal)),
    updateItem: (input, signal) => client.send(new sdk.UpdateItemCommand(input), options(signal)),
    deleteItem: (input, signal) => client.send(new sdk.DeleteItemCommand(input), options(signal)),
  };
}

/** How the TLS handshake ends with a server, or a gateway before it, that only has HTTP/1.1. */
function speaksNoHttp2(error: unknown): boolean {
  return error instanceof Error && hasCode(error.cause, 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
}

function withoutHttp2(cause: unknown): Error {
  const error = new Error('the endpoint does not speak HTTP/2, which subscriptions need', { cause });
  error.name = 'UnsupportedOperationException';
  return error;
}

function options(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal ? { abortSignal: signal } : {};
}

/** Reads a Kinesis stream as a KCL 1.x worker, in a fleet with Logstash or Java KCL workers if need be. */
import { randomUUID } from 'node:crypto';
import { type ClientSettings, type Clients, createClients } from '../../../kinesis/clients.ts';
import { createConsumer } from '../../../kinesis/consumer.ts';
import type { Consumer, ConsumerOptions, InitialPosition } from '../../../kinesis/types.ts';
import {
  type Claim,
  type CodecFactory,
  defineInput,
  hash,
  type Input,
  type InputContext,
  number,
  type OptionValues,
  oneOf,
  PluginConfigError,
  password,
  string,
} from '../../../plugin-api/index.ts';
import { type AdditionalSettings, readAdditionalSettings } from './additionalSettings.ts';
import { createRecordProcessor } from './recordProcessor.ts';

const options = {
  kinesis_stream_name: string({ doc: 'Name of the stream (not its ARN).', required: true }),
  application_name: string({
    doc: 'Name of the DynamoDB lease table; each stream needs its own.',
    default: 'logstash',
  }),
  region: string({ doc: 'AWS region of Kinesis and DynamoDB.', default: 'us-east-1' }),
  checkpoint_interval_seconds: number({ doc: 'Least time between two checkpoints of a shard.', default: 60 }),
  initial_position_in_stream: oneOf(['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP'])({
    doc: 'Where to begin in shards without a checkpoint. `AT_TIMESTAMP` is an addition to Logstash.',
    default: 'TRIM_HORIZON',
  }),
  initial_position_timestamp: string({
    doc: 'Where `AT_TIMESTAMP` begins, in ISO 8601, such as `2020-10-20T00:00:00Z`. An addition to Logstash.',
  }),
  metrics: oneOf(['cloudwatch'])({
    doc: 'Not supported: the monitoring API has the metrics. Logstash can send them to CloudWatch.',
  }),
  profile: string({ doc: 'Profile of the shared AWS configuration, in place of the default credentials chain.' }),
  role_arn: string({ doc: 'Role to assume for Kinesis and DynamoDB.' }),
  role_session_name: string({ doc: 'Session name for `role_arn`.', default: 'logstash' }),
  additional_settings: hash({
    doc: 'Settings of the KCL, such as `kinesis_endpoint`, `dynamodb_endpoint` or `failover_time_millis`.',
    default: new Map(),
  }),
  http_proxy: password({ doc: 'Proxy for all AWS calls: `http://[user:password@]host:port`.' }),
  non_proxy_hosts: string({ doc: 'Hosts called without the proxy, separated by `|`; `*.` stands for all below.' }),
  event_time: oneOf(['arrival', 'decode'])({
    doc: 'What `@timestamp` is for events that bring none: when Kinesis took the record, the same on each replay, or when it was decoded, as in Logstash.',
    default: 'arrival',
  }),
};

type KinesisOptions = OptionValues<typeof options>;

export const kinesis = defineInput({
  name: 'kinesis',
  summary:
    'Reads a Kinesis stream under leases in DynamoDB, which it can share with Logstash and other KCL 1.x workers.',
  options,
  check(given) {
    if (given.metrics) {
      const reason = 'metrics => "cloudwatch" is not supported: remove it and use the monitoring API';
      throw new PluginConfigError(reason, 'metrics');
    }
    if (given.checkpoint_interval_seconds < 0) {
      throw new PluginConfigError('checkpoint_interval_seconds must not be negative', 'checkpoint_interval_seconds');
    }
    initialPosition(given);
    proxy(given);
    readAdditionalSettings(given.additional_settings);
  },
  claim: leaseTableClaim,
  create: (given, context) => createInput(given, readAdditionalSettings(given.additional_settings), context),
});

function createInput(
  given: KinesisOptions & { codec: CodecFactory },
  additional: AdditionalSettings,
  context: InputContext,
): Input {
  const stopping = new AbortController();
  // The SDK takes its time to load: it does while the rest of the pipeline is made. `run` says what went wrong.
  const clients: Promise<Clients> = createClients(clientSettings(given, additional));
  clients.catch(() => {});
  let consumer: Consumer | undefined;

  return {
    async run() {
      if (stopping.signal.aborted) return;
      const { kinesis, dynamodb } = await clients;
      consumer = createConsumer({
        kinesis,
        dynamodb,
        ...consumerSettings(given, additional),
        workerId: `${context.hostName}:${randomUUID()}`,
        clock: context.clock,
        random: Math.random,
        logger: context.logger,
        createProcessor: (shard) => {
          const codec = given.codec.open();
          return createRecordProcessor({ shard, codec, eventTime: given.event_time, stop: stopping.signal }, context);
        },
      });
      const running = consumer;
      const stopped = new Promise<void>((resolve) => {
        const stop = () => resolve(running.stopFetching());
        if (stopping.signal.aborted) stop();
        else stopping.signal.addEventListener('abort', stop, { once: true });
      });
      await consumer.start();
      await stopped;
    },
    stop: () => stopping.abort(),
    async close() {
      await consumer?.close();
      await clients.then(({ destroy }) => destroy()).catch(() => {});
    },
    status: () => (consumer ? statusOf(consumer) : { state: 'starting' }),
  };
}

/** Two streams in one lease table would overwrite each other's rows: Logstash lets it happen, and one stream is never read. */
function leaseTableClaim(given: KinesisOptions): Claim {
  const additional = readAdditionalSettings(given.additional_settings);
  const table = additional.tableName ?? given.application_name;
  const place = additional.dynamodbEndpoint ?? additional.region ?? given.region;
  const stream = given.kinesis_stream_name;
  return {
    resource: `lease table "${table}" in ${place}`,
    purpose: stream,
    option: 'application_name',
    refusal: (other) =>
      `the lease table "${table}" belongs to stream "${other}": give stream "${stream}" an application_name of its own`,
  };
}

function clientSettings(given: KinesisOptions, additional: AdditionalSettings): ClientSettings {
  return {
    region: additional.region ?? given.region,
    kinesisEndpoint: additional.kinesisEndpoint,
    dynamodbEndpoint: additional.dynamodbEndpoint,
    userAgent: additional.userAgent,
    profile: given.profile,
    role: given.role_arn ? { arn: given.role_arn, sessionName: given.role_session_name } : undefined,
    proxy: proxy(given),
  };
}

function consumerSettings(
  given: KinesisOptions,
  additional: AdditionalSettings,
): Omit<ConsumerOptions, 'kinesis' | 'dynamodb' | 'workerId' | 'createProcessor' | 'clock' | 'random' | 'logger'> {
  const { tableName, ...timing } = additional;
  return {
    ...timing,
    streamName: given.kinesis_stream_name,
    tableName: tableName ?? given.application_name,
    checkpointIntervalMs: given.checkpoint_interval_seconds * 1_000,
    initialPosition: initialPosition(given),
  };
}

function initialPosition(given: KinesisOptions): InitialPosition {
  const { initial_position_in_stream: type, initial_position_timestamp: timestamp } = given;
  if (type !== 'AT_TIMESTAMP') {
    if (timestamp === undefined) return { type };
    const reason = 'initial_position_timestamp needs initial_position_in_stream => "AT_TIMESTAMP"';
    throw new PluginConfigError(reason, 'initial_position_timestamp');
  }
  const timestampMs = Date.parse(timestamp ?? '');
  if (!Number.isNaN(timestampMs)) return { type, timestampMs };
  const reason = 'AT_TIMESTAMP needs initial_position_timestamp in ISO 8601, such as "2020-10-20T00:00:00Z"';
  throw new PluginConfigError(
    reason,
    timestamp === undefined ? 'initial_position_in_stream' : 'initial_position_timestamp',
  );
}

function proxy(given: KinesisOptions): ClientSettings['proxy'] {
  if (given.http_proxy === undefined) return undefined;
  const text = given.http_proxy.reveal();
  const url = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new PluginConfigError('http_proxy has to be a URL, such as http://user:password@host:3128', 'http_proxy');
  }
  return { url, bypassHosts: (given.non_proxy_hosts ?? '').split('|').filter((host) => host !== '') };
}

function statusOf(consumer: Consumer): Readonly<Record<string, unknown>> {
  const { streamName, tableName, workerId, shards } = consumer.snapshot();
  const held = shards.filter((shard) => shard.state !== null);
  return {
    stream: streamName,
    table: tableName,
    workerId,
    shardsHeld: held.filter((shard) => shard.state !== 'ended').length,
    shardsTotal: shards.length,
    millisBehindLatest: Math.max(0, ...held.map((shard) => shard.millisBehindLatest ?? 0)),
    records: held.reduce((sum, shard) => sum + shard.recordCount, 0),
    shards,
  };
}

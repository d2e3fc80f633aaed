/** The options of the kinesis input, and what they mean to the consumer: also what the command line's tools go by. */
import { constants } from 'node:buffer';
import type { ClientSettings } from '../../../kinesis/clients.ts';
import { COMPRESSIONS } from '../../../kinesis/decompress.ts';
import type { ConsumerOptions, InitialPosition } from '../../../kinesis/types.ts';
import {
  bytes,
  type Claim,
  hash,
  number,
  type OptionValues,
  oneOf,
  PluginConfigError,
  password,
  string,
  stringArray,
} from '../../../plugin-api/index.ts';
import { readAdditionalSettings } from './additionalSettings.ts';

export const options = {
  kinesis_stream_name: stringArray({
    doc: 'Name of the stream (not its ARN). A list of several streams is an addition to Logstash.',
    required: true,
  }),
  application_name: stringArray({
    doc: 'Name of the DynamoDB lease table; each stream needs its own. With several streams either a list of as many tables, or one name, to which `-` and the name of the stream are added.',
    default: ['logstash'],
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
  consumer: oneOf(['polling', 'fanout'])({
    doc: 'How records are fetched. `polling` shares 2 MB/s and 5 calls/s a shard with all other readers; `fanout` is enhanced fan-out, with 2 MB/s a shard of its own, some 70 ms of delay and an extra price. It needs the permissions kinesis:DescribeStreamSummary, kinesis:DescribeStreamConsumer, kinesis:RegisterStreamConsumer and kinesis:SubscribeToShard; where it is refused, one warning says why and the worker polls. An addition to Logstash.',
    default: 'polling',
  }),
  consumer_name: string({
    doc: 'Name that `fanout` registers with the stream; by default the name of the lease table. All workers of the table share it. It stays registered when they stop: `aws kinesis deregister-stream-consumer` removes it. An addition to Logstash.',
  }),
  metrics: oneOf(['cloudwatch'])({
    doc: 'Not supported: the monitoring API has the metrics. Logstash can send them to CloudWatch.',
  }),
  profile: string({ doc: 'Profile of the shared AWS configuration, in place of the default credentials chain.' }),
  role_arn: string({ doc: 'Role to assume for Kinesis and DynamoDB.' }),
  role_session_name: string({ doc: 'Session name for `role_arn`.', default: 'logstash' }),
  dynamodb_role_arn: string({
    doc: 'Role to assume for DynamoDB in place of `role_arn`, for a lease table in another account. An addition to Logstash.',
  }),
  role_external_id: string({
    doc: 'External id that the roles ask for, sent with both. An addition to Logstash.',
  }),
  sts_endpoint: string({
    doc: "URL of STS, which gives the roles; by default AWS's own of the region. An addition to Logstash.",
  }),
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
  compression: oneOf(['auto', 'none', ...COMPRESSIONS])({
    doc: 'How producers compress their records. `auto` goes by the bytes of each record and knows all but raw Snappy, `none` leaves records as they are; with a name all records have to be of that kind, and others are tagged `_kinesisdecodefailure`.',
    default: 'auto',
  }),
  expanded_bytes_max: bytes({
    doc: 'A compressed record that grows beyond this goes to the dead letter queue whole, as it came.',
    default: 64 * 1024 * 1024,
  }),
  kpl_records_outside_shard: oneOf(['keep', 'drop'])({
    doc: "What becomes of a record inside a container of the Kinesis Producer Library whose hash key lies outside its shard's range. The KPL sends such a record again after a reshard; Fluent Bit is known to write wrong keys.",
    default: 'keep',
  }),
};

export type KinesisOptions = OptionValues<typeof options>;

/** What a consumer of one stream is told by the configuration. */
export type StreamSettings = Omit<
  ConsumerOptions,
  'kinesis' | 'dynamodb' | 'workerId' | 'createProcessor' | 'openReader' | 'clock' | 'random' | 'logger' | 'counter'
>;

/** @throws PluginConfigError */
export function checkOptions(given: KinesisOptions): void {
  if (given.metrics) {
    const reason = 'metrics => "cloudwatch" is not supported: remove it and use the monitoring API';
    throw new PluginConfigError(reason, 'metrics');
  }
  if (given.checkpoint_interval_seconds < 0) {
    throw new PluginConfigError('checkpoint_interval_seconds must not be negative', 'checkpoint_interval_seconds');
  }
  checkExpandedBytes(given.expanded_bytes_max);
  initialPosition(given);
  checkRoles(given);
  proxy(given);
  leaseTables(given);
  checkFanOut(given);
}

function checkExpandedBytes(bytesMax: number): void {
  if (bytesMax >= 1 && bytesMax <= constants.MAX_STRING_LENGTH) return;
  const reason = `expanded_bytes_max has to lie between 1 and ${constants.MAX_STRING_LENGTH} bytes: texts are no longer`;
  throw new PluginConfigError(reason, 'expanded_bytes_max');
}

function checkRoles({ role_arn, dynamodb_role_arn, role_external_id, sts_endpoint }: KinesisOptions): void {
  if (role_external_id !== undefined && role_arn === undefined && dynamodb_role_arn === undefined) {
    throw new PluginConfigError('role_external_id needs role_arn or dynamodb_role_arn', 'role_external_id');
  }
  if (sts_endpoint !== undefined && !/^https?:$/.test(URL.parse(sts_endpoint)?.protocol ?? '')) {
    const reason = 'sts_endpoint has to be a URL, such as https://sts.eu-west-1.amazonaws.com';
    throw new PluginConfigError(reason, 'sts_endpoint');
  }
}

/** Two streams in one lease table would overwrite each other's rows: Logstash lets it happen, and one stream is never read. */
export function leaseTableClaims(given: KinesisOptions): Claim[] {
  const additional = readAdditionalSettings(given.additional_settings);
  const account = accountOf(given.dynamodb_role_arn ?? given.role_arn);
  const place = `${additional.dynamodbEndpoint ?? additional.region ?? given.region}${account}`;
  return leaseTables(given).map(({ streamName, tableName }) => ({
    resource: `lease table "${tableName}" in ${place}`,
    purpose: streamName,
    option: 'application_name',
    refusal: (other) =>
      `the lease table "${tableName}" belongs to stream "${other}": give stream "${streamName}" an application_name of its own`,
  }));
}

/** Tables of one name in two accounts are two tables. */
function accountOf(roleArn: string | undefined): string {
  const account = roleArn?.split(':')[4];
  return account ? ` of account ${account}` : '';
}

export function clientSettings(given: KinesisOptions): ClientSettings {
  const additional = readAdditionalSettings(given.additional_settings);
  return {
    region: additional.region ?? given.region,
    kinesisEndpoint: additional.kinesisEndpoint,
    dynamodbEndpoint: additional.dynamodbEndpoint,
    userAgent: additional.userAgent,
    profile: given.profile,
    role: roleOf(given.role_arn, given),
    dynamodbRole: roleOf(given.dynamodb_role_arn, given),
    stsEndpoint: given.sts_endpoint,
    proxy: proxy(given),
  };
}

function roleOf(arn: string | undefined, given: KinesisOptions): ClientSettings['role'] {
  return arn ? { arn, sessionName: given.role_session_name, externalId: given.role_external_id } : undefined;
}

/** One for each stream, in the order of the option. */
export function streamSettings(given: KinesisOptions): StreamSettings[] {
  const {
    tableName: _table,
    region: _region,
    userAgent: _agent,
    kinesisEndpoint: _kinesis,
    dynamodbEndpoint: _dynamodb,
    ...consumer
  } = readAdditionalSettings(given.additional_settings);
  const shared = {
    ...consumer,
    checkpointIntervalMs: given.checkpoint_interval_seconds * 1_000,
    initialPosition: initialPosition(given),
    compression: given.compression,
    expandedBytesMax: given.expanded_bytes_max,
    kplRecordsOutsideShard: given.kpl_records_outside_shard,
  };
  return leaseTables(given).map((names) => ({ ...shared, ...names, ...fanOut(given, names.tableName) }));
}

function fanOut(given: KinesisOptions, tableName: string): Pick<StreamSettings, 'fanOut'> {
  return given.consumer === 'fanout' ? { fanOut: { consumerName: given.consumer_name ?? tableName } } : {};
}

/** As Kinesis takes it; the name of a table may be longer. */
const CONSUMER_NAME = /^[\w.-]{1,128}$/;

function checkFanOut(given: KinesisOptions): void {
  if (given.consumer === 'polling') {
    if (given.consumer_name === undefined) return;
    throw new PluginConfigError('consumer_name needs consumer => "fanout"', 'consumer_name');
  }
  if (given.http_proxy !== undefined) {
    const reason =
      'consumer => "fanout" cannot go through http_proxy: its subscriptions are HTTP/2, for which the AWS SDK has no proxies; use consumer => "polling"';
    throw new PluginConfigError(reason, 'consumer');
  }
  for (const { fanOut: named } of streamSettings(given)) {
    if (named === undefined || CONSUMER_NAME.test(named.consumerName)) continue;
    const reason = `"${named.consumerName}" is no name for a consumer of enhanced fan-out: 1 to 128 letters, digits, _ . - are`;
    throw new PluginConfigError(reason, given.consumer_name === undefined ? 'application_name' : 'consumer_name');
  }
}

function leaseTables(given: KinesisOptions): { streamName: string; tableName: string }[] {
  const streams = given.kinesis_stream_name;
  const override = readAdditionalSettings(given.additional_settings).tableName;
  const tables = override === undefined ? given.application_name : [override];
  const option = override === undefined ? 'application_name' : 'additional_settings';
  if (streams.length === 0 || streams.some((name) => name.trim() === '')) {
    throw new PluginConfigError('kinesis_stream_name has to name a stream', 'kinesis_stream_name');
  }
  if (new Set(streams).size < streams.length) {
    throw new PluginConfigError('kinesis_stream_name names a stream twice', 'kinesis_stream_name');
  }
  const [only] = tables;
  if (only !== undefined && tables.length === 1 && streams.length > 1) {
    return streams.map((streamName) => ({ streamName, tableName: `${only}-${streamName}` }));
  }
  if (tables.length !== streams.length) {
    const counts = `${tables.length} lease tables for ${streams.length} streams`;
    const reason = `${option} names ${counts}: name one for each stream, in the same order, or one for all`;
    throw new PluginConfigError(reason, option);
  }
  return streams.map((streamName, index) => ({ streamName, tableName: tables[index] as string }));
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

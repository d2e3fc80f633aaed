/**
 * `additional_settings`: in Logstash each key calls a setter of the KCL's configuration. Each of them works here or is
 * refused by name with the reason.
 */
import type { TableBilling } from '../../../kinesis/types.ts';
import { type ConfigHash, type ConfigValue, configText, PluginConfigError } from '../../../plugin-api/index.ts';
import { closest } from '../../../util/closest.ts';

export interface AdditionalSettings {
  tableName?: string;
  kinesisEndpoint?: string;
  dynamodbEndpoint?: string;
  region?: string;
  userAgent?: string;
  failoverTimeMs?: number;
  shardSyncIntervalMs?: number;
  maxRecords?: number;
  idleTimeBetweenReadsMs?: number;
  parentShardPollIntervalMs?: number;
  taskBackoffTimeMs?: number;
  maxLeasesForWorker?: number;
  maxLeasesToStealAtOneTime?: number;
  leaseRenewalsAtOnce?: number;
  closeTimeoutMs?: number;
  fetchedBytesMax?: number;
  cleanUpEndedLeases?: boolean;
  tableBilling?: TableBilling;
}

/** @throws PluginConfigError that names every fault */
export function readAdditionalSettings(hash: ConfigHash): AdditionalSettings {
  const read: AdditionalSettings = {};
  const faults: string[] = [];
  for (const [key, value] of hash) {
    const fault = Object.hasOwn(readers, key) ? readers[key]?.(read, text(value)) : unusable(key);
    if (fault !== undefined) faults.push(`\`${key}\` ${fault}`);
  }
  if (faults.length > 0)
    throw new PluginConfigError(`additional_settings: ${faults.join('; ')}`, 'additional_settings');
  const tableBilling = readBilling(hash);
  return tableBilling ? { ...read, tableBilling } : read;
}

function text(value: ConfigValue): string {
  return configText(Array.isArray(value) && value.length === 1 ? (value[0] as ConfigValue) : value);
}

/** Puts the setting in its place, or says what is wrong with it. */
type Reader = (read: AdditionalSettings, text: string) => string | undefined;

type KeysOf<T> = {
  [K in keyof AdditionalSettings]-?: AdditionalSettings[K] extends T | undefined ? K : never;
}[keyof AdditionalSettings];

function textReader(name: KeysOf<string>): Reader {
  return (read, given) => {
    if (given.trim() === '') return 'is empty';
    read[name] = given;
    return undefined;
  };
}

function endpointReader(name: 'kinesisEndpoint' | 'dynamodbEndpoint'): Reader {
  return (read, given) => {
    // The KCL takes a bare host name too, and then speaks HTTPS.
    const url = given.includes('://') ? given : `https://${given}`;
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) return `has to be a URL, not "${given}"`;
    read[name] = url;
    return undefined;
  };
}

function integerReader(name: KeysOf<number>, min: number, max = Number.MAX_SAFE_INTEGER): Reader {
  return (read, given) => {
    const value = Number(given);
    const bounds = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `between ${min} and ${max}`;
    if (!/^\d+$/.test(given) || value < min || value > max) return `has to be a whole number ${bounds}, not "${given}"`;
    read[name] = value;
    return undefined;
  };
}

function only(accepted: string, reason: string): Reader {
  return (_read, given) => (given === accepted ? undefined : `can only be "${accepted}": ${reason}`);
}

/** Taken together by `readBilling`. */
const capacity: Reader = (_read, given) =>
  /^[1-9]\d*$/.test(given) ? undefined : `has to be a whole number of at least 1, not "${given}"`;

const readers: Readonly<Record<string, Reader>> = {
  table_name: textReader('tableName'),
  kinesis_endpoint: endpointReader('kinesisEndpoint'),
  dynamodb_endpoint: endpointReader('dynamodbEndpoint'),
  // JRuby's own spelling of the setter `withDynamoDBEndpoint`.
  dynamo_db_endpoint: endpointReader('dynamodbEndpoint'),
  region_name: textReader('region'),
  user_agent: textReader('userAgent'),
  failover_time_millis: integerReader('failoverTimeMs', 1_000),
  shard_sync_interval_millis: integerReader('shardSyncIntervalMs', 1),
  max_records: integerReader('maxRecords', 1, 10_000),
  idle_time_between_reads_in_millis: integerReader('idleTimeBetweenReadsMs', 1),
  parent_shard_poll_interval_millis: integerReader('parentShardPollIntervalMs', 1),
  task_backoff_time_millis: integerReader('taskBackoffTimeMs', 1),
  max_leases_for_worker: integerReader('maxLeasesForWorker', 1),
  max_leases_to_steal_at_one_time: integerReader('maxLeasesToStealAtOneTime', 1),
  max_cache_byte_size: integerReader('fetchedBytesMax', 1),
  max_lease_renewal_threads: integerReader('leaseRenewalsAtOnce', 1),
  shutdown_grace_millis: integerReader('closeTimeoutMs', 0),
  cleanup_leases_upon_shard_completion: (read, given) => {
    if (given !== 'true' && given !== 'false') return `has to be true or false, not "${given}"`;
    read.cleanUpEndedLeases = given === 'true';
    return undefined;
  },
  initial_lease_table_read_capacity: capacity,
  initial_lease_table_write_capacity: capacity,
  billing_mode: (_read, given) =>
    given === 'PAY_PER_REQUEST' || given === 'PROVISIONED'
      ? undefined
      : `has to be "PAY_PER_REQUEST" or "PROVISIONED", not "${given}"`,
  metrics_level: only('NONE', 'no metrics are sent to CloudWatch'),
  data_fetching_strategy: only(
    'DEFAULT',
    'each shard is read as fast as its records are taken; `max_cache_byte_size` bounds what is fetched',
  ),
};

const NO_CLOUDWATCH = 'is not supported: no metrics are sent to CloudWatch; the monitoring API has them. Remove it';
const NO_CACHE =
  'is not supported: each shard is read one answer at a time, and `max_cache_byte_size` bounds those of all shards. Remove it';
const NO_THREADS =
  'is not supported: all shards are read at once without threads, and a slow call ends by its timeout. Remove it';
const ENDLESS_RETRY = 'is not supported: shards are listed again, with growing pauses, until it works. Remove it';

const REFUSED: Readonly<Record<string, string>> = {
  metrics_buffer_time_millis: NO_CLOUDWATCH,
  metrics_max_queue_size: NO_CLOUDWATCH,
  retry_get_records_in_seconds: NO_THREADS,
  max_get_records_thread_pool: NO_THREADS,
  max_pending_process_records_input: NO_CACHE,
  max_records_count: NO_CACHE,
  idle_millis_between_calls: `${NO_CACHE}, or set \`idle_time_between_reads_in_millis\``,
  log_warning_for_task_after_millis: 'is not supported: the state of each shard tells what it waits for. Remove it',
  list_shards_backoff_time_in_millis: ENDLESS_RETRY,
  max_list_shards_retry_attempts: ENDLESS_RETRY,
  call_process_records_even_for_empty_record_list: 'is not supported: it would change nothing here. Remove it',
  validate_sequence_number_before_checkpointing: 'is not supported: it would change nothing here. Remove it',
  skip_shard_sync_at_startup_if_leases_exist: 'is not supported: shards are always listed at the start. Remove it',
  ignore_unexpected_child_shards: 'is not supported: such shards wait for the next listing. Remove it',
};

function unusable(key: string): string {
  if (Object.hasOwn(REFUSED, key)) return REFUSED[key] as string;
  const near = closest(key, [...Object.keys(readers), ...Object.keys(REFUSED)]);
  return near === undefined
    ? `is unknown; known: ${Object.keys(readers).join(', ')}`
    : `is unknown: did you mean \`${near}\`?`;
}

/** A capacity means provisioned billing, unless it is said otherwise. 10 is KCL's default for the one not given. */
function readBilling(hash: ConfigHash): TableBilling | undefined {
  const [mode, reads, writes] = [
    hash.get('billing_mode'),
    hash.get('initial_lease_table_read_capacity'),
    hash.get('initial_lease_table_write_capacity'),
  ].map((value) => (value === undefined ? undefined : text(value)));
  if (mode === 'PAY_PER_REQUEST') return { mode };
  if (mode === undefined && reads === undefined && writes === undefined) return undefined;
  return { mode: 'PROVISIONED', readCapacity: Number(reads ?? 10), writeCapacity: Number(writes ?? 10) };
}

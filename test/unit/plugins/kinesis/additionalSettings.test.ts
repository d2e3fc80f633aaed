import { describe, expect, test } from 'vitest';
import type { ConfigValue } from '../../../../src/plugin-api/index.ts';
import { readAdditionalSettings } from '../../../../src/plugins/inputs/kinesis/additionalSettings.ts';

function read(settings: Record<string, ConfigValue>) {
  return readAdditionalSettings(new Map(Object.entries(settings)));
}

describe('additional_settings', () => {
  test.each<[string, ConfigValue, object]>([
    ['table_name', 'leases', { tableName: 'leases' }],
    ['kinesis_endpoint', 'http://127.0.0.1:4567', { kinesisEndpoint: 'http://127.0.0.1:4567' }],
    ['dynamodb_endpoint', 'dynamodb.example.com', { dynamodbEndpoint: 'https://dynamodb.example.com' }],
    ['dynamo_db_endpoint', 'http://d:1', { dynamodbEndpoint: 'http://d:1' }],
    ['region_name', 'eu-west-1', { region: 'eu-west-1' }],
    ['user_agent', 'me/1', { userAgent: 'me/1' }],
    ['failover_time_millis', 5000, { failoverTimeMs: 5_000 }],
    ['failover_time_millis', '5000', { failoverTimeMs: 5_000 }],
    ['failover_time_millis', ['5000'], { failoverTimeMs: 5_000 }],
    ['shard_sync_interval_millis', 1, { shardSyncIntervalMs: 1 }],
    ['max_records', 500, { maxRecords: 500 }],
    ['idle_time_between_reads_in_millis', 250, { idleTimeBetweenReadsMs: 250 }],
    ['parent_shard_poll_interval_millis', 100, { parentShardPollIntervalMs: 100 }],
    ['task_backoff_time_millis', 100, { taskBackoffTimeMs: 100 }],
    ['max_leases_for_worker', 4, { maxLeasesForWorker: 4 }],
    ['max_leases_to_steal_at_one_time', 2, { maxLeasesToStealAtOneTime: 2 }],
    ['max_lease_renewal_threads', 4, { leaseRenewalsAtOnce: 4 }],
    ['shutdown_grace_millis', 0, { closeTimeoutMs: 0 }],
    ['cleanup_leases_upon_shard_completion', 'false', { cleanUpEndedLeases: false }],
    ['metrics_level', 'NONE', {}],
    ['max_cache_byte_size', '1000000', { fetchedBytesMax: 1_000_000 }],
    ['data_fetching_strategy', 'DEFAULT', {}],
    ['billing_mode', 'PAY_PER_REQUEST', { tableBilling: { mode: 'PAY_PER_REQUEST' } }],
    ['billing_mode', 'PROVISIONED', { tableBilling: { mode: 'PROVISIONED', readCapacity: 10, writeCapacity: 10 } }],
    [
      'initial_lease_table_write_capacity',
      25,
      { tableBilling: { mode: 'PROVISIONED', readCapacity: 10, writeCapacity: 25 } },
    ],
  ])('%s => %s works', (key, value, expected) => {
    expect(read({ [key]: value })).toEqual(expected);
  });

  test.each<[string, ConfigValue, string]>([
    ['max_records', 10_001, '`max_records` has to be a whole number between 1 and 10000, not "10001"'],
    ['max_records', 'many', 'not "many"'],
    ['failover_time_millis', -1, '`failover_time_millis` has to be a whole number of at least 1000'],
    ['kinesis_endpoint', 'ftp://x', '`kinesis_endpoint` has to be a URL, not "ftp://x"'],
    ['table_name', ' ', '`table_name` is empty'],
    ['initial_lease_table_read_capacity', 0, 'at least 1, not "0"'],
    ['billing_mode', 'FREE', 'has to be "PAY_PER_REQUEST" or "PROVISIONED", not "FREE"'],
    ['cleanup_leases_upon_shard_completion', 'maybe', 'has to be true or false, not "maybe"'],
    ['metrics_level', 'DETAILED', '`metrics_level` can only be "NONE": no metrics are sent to CloudWatch'],
    ['data_fetching_strategy', 'PREFETCH_CACHED', '`data_fetching_strategy` can only be "DEFAULT"'],
    ['kinesis_endpont', 'http://x', '`kinesis_endpont` is unknown: did you mean `kinesis_endpoint`?'],
    ['zzz', 'x', '`zzz` is unknown; known: table_name, '],
    ['toString', 'x', '`toString` is unknown'],
  ])('%s => %s is refused', (key, value, message) => {
    expect(() => read({ [key]: value })).toThrow(message);
  });

  test.each([
    'metrics_buffer_time_millis',
    'metrics_max_queue_size',
    'retry_get_records_in_seconds',
    'max_get_records_thread_pool',
    'max_pending_process_records_input',
    'max_records_count',
    'idle_millis_between_calls',
    'log_warning_for_task_after_millis',
    'list_shards_backoff_time_in_millis',
    'max_list_shards_retry_attempts',
  ])('%s is refused by name, with a reason and what to do', (key) => {
    expect(() => read({ [key]: 1 })).toThrow(new RegExp(`\`${key}\` is not supported: .+Remove it`));
  });

  test('all faults are said at once', () => {
    expect(() => read({ max_records: 0, table_name: 'x', metrics_max_queue_size: 1 })).toThrow(
      /`max_records` has to be .*; `metrics_max_queue_size` is not supported/,
    );
  });
});

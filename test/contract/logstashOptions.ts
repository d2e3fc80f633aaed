/**
 * The options of Logstash 7.9.2's plugins, written down from its documentation and sources by hand: what a configuration
 * of a user may hold.
 */
export interface OriginalPlugin {
  readonly kind: 'input' | 'codec' | 'filter' | 'output';
  readonly name: string;
  readonly options: string;
  /** What later versions of the plugin added, as far as it is known here: it works or is refused by name too. */
  readonly later?: string;
}

const EVERY = 'id enable_metric';
const INPUT = `${EVERY} add_field tags type codec debug format charset message_format`;
const FILTER = `${EVERY} add_field remove_field add_tag remove_tag periodic_flush type tags exclude_tags`;
const OUTPUT = `${EVERY} codec workers type tags exclude_tags`;

export const ORIGINAL: readonly OriginalPlugin[] = [
  {
    kind: 'input',
    name: 'kinesis',
    options: `${INPUT} kinesis_stream_name application_name region checkpoint_interval_seconds
      initial_position_in_stream metrics profile role_arn role_session_name additional_settings http_proxy non_proxy_hosts`,
  },
  { kind: 'input', name: 'stdin', options: INPUT },
  { kind: 'input', name: 'generator', options: `${INPUT} message lines count threads` },
  {
    kind: 'input',
    name: 'dead_letter_queue',
    options: `${INPUT} path pipeline_id commit_offsets sincedb_path start_timestamp clean_consumed`,
  },
  { kind: 'codec', name: 'json', options: `${EVERY} charset` },
  { kind: 'codec', name: 'json_lines', options: `${EVERY} charset delimiter` },
  { kind: 'codec', name: 'plain', options: `${EVERY} format charset` },
  { kind: 'codec', name: 'line', options: `${EVERY} format charset delimiter` },
  { kind: 'codec', name: 'rubydebug', options: `${EVERY} metadata` },
  {
    kind: 'filter',
    name: 'mutate',
    options: `${FILTER} coerce rename update replace convert gsub uppercase capitalize lowercase strip split join merge copy
      tag_on_failure`,
  },
  {
    kind: 'filter',
    name: 'geoip',
    options: `${FILTER} source database default_database_type fields target cache_size tag_on_failure`,
  },
  { kind: 'filter', name: 'json', options: `${FILTER} source target skip_on_invalid_json tag_on_failure` },
  { kind: 'filter', name: 'drop', options: `${FILTER} percentage` },
  {
    kind: 'output',
    name: 'elasticsearch',
    options: `${OUTPUT} hosts index action document_id document_type routing pipeline parent join_field version version_type
      doc_as_upsert upsert script script_type script_lang script_var_name scripted_upsert retry_on_conflict manage_template
      template template_name template_overwrite ilm_enabled ilm_rollover_alias ilm_pattern ilm_policy user password api_key
      cloud_id cloud_auth ssl ssl_certificate_verification cacert truststore truststore_password keystore keystore_password
      proxy path bulk_path sniffing_path healthcheck_path parameters custom_headers http_compression timeout pool_max
      pool_max_per_route resurrect_delay validate_after_inactivity sniffing sniffing_delay retry_initial_interval
      retry_max_interval failure_type_logging_whitelist ecs_compatibility`,
    later: `data_stream data_stream_type data_stream_dataset data_stream_namespace data_stream_auto_routing
      data_stream_sync_fields template_api ssl_enabled ssl_verification_mode ssl_certificate_authorities ca_trusted_fingerprint
      ssl_certificate ssl_key ssl_keystore_path ssl_keystore_password ssl_keystore_type ssl_truststore_path
      ssl_truststore_password ssl_truststore_type ssl_supported_protocols ssl_cipher_suites compression_level dlq_custom_codes
      dlq_on_failed_indexname_interpolation drop_error_types silence_errors_in_log`,
  },
  {
    kind: 'output',
    name: 's3',
    options: `${OUTPUT} bucket prefix temporary_directory rotation_strategy size_file time_file encoding tags restore
      canned_acl server_side_encryption server_side_encryption_algorithm ssekms_key_id storage_class upload_workers_count
      upload_queue_size upload_multipart_threshold retry_count retry_delay validate_credentials_on_root_bucket
      signature_version additional_settings region access_key_id secret_access_key session_token aws_credentials_file
      role_arn role_session_name endpoint proxy_uri`,
  },
  {
    kind: 'output',
    name: 'file',
    options: `${OUTPUT} path flush_interval gzip filename_failure create_if_deleted dir_mode file_mode write_behavior
      stale_cleanup_interval`,
  },
  { kind: 'output', name: 'stdout', options: OUTPUT },
  { kind: 'output', name: 'null', options: OUTPUT },
];

/** Keys of `additional_settings` that reach a setter of the KCL 1.9.2 with an argument a configuration can give. */
export const KCL_SETTINGS = `table_name kinesis_endpoint dynamodb_endpoint failover_time_millis shard_sync_interval_millis
  max_records idle_time_between_reads_in_millis parent_shard_poll_interval_millis user_agent task_backoff_time_millis
  metrics_buffer_time_millis metrics_max_queue_size metrics_level region_name max_leases_for_worker
  max_leases_to_steal_at_one_time initial_lease_table_read_capacity initial_lease_table_write_capacity
  max_lease_renewal_threads retry_get_records_in_seconds max_get_records_thread_pool max_pending_process_records_input
  max_cache_byte_size data_fetching_strategy max_records_count shutdown_grace_millis idle_millis_between_calls
  log_warning_for_task_after_millis list_shards_backoff_time_in_millis max_list_shards_retry_attempts`;

import {
  boolean,
  type ConfigValue,
  hash,
  number,
  type OptionSpec,
  type OptionValues,
  oneOf,
  password,
  path,
  string,
  stringArray,
  unsupported,
  uri,
} from '../../../plugin-api/index.ts';
import { hostsOption } from './hosts.ts';

export const DEFAULT_INDEX = 'logstash-%{+yyyy.MM.dd}';
export const DEFAULT_ROLLOVER_ALIAS = 'logstash';
export const DEFAULT_POLICY = 'logstash-policy';

const TRUST_STORE =
  'A key store of trusted authorities cannot be read here. Write them out with `keytool -list -rfc -keystore <file> > ca.pem` and name that file in `ssl_certificate_authorities`.';

const ONLY_DATA_STREAMS = 'only with `data_stream => true`';

const pathOption = path({ doc: '' });
const pathList: OptionSpec<string[]> = {
  ...stringArray({ doc: 'PEM files of the authorities that signed the certificates of the nodes.', default: [] }),
  type: 'list of path',
  defaultDoc: 'those that Node.js brings',
  parse: (value: ConfigValue, context) =>
    (Array.isArray(value) ? value : [value]).flatMap((item) => pathOption.parse(item, context) ?? []),
};

export const options = {
  hosts: hostsOption,
  index: string({ doc: 'Index of each event; may hold `%{field}` and `%{+yyyyMM}` (UTC).', default: DEFAULT_INDEX }),
  action: string({
    doc: '`index`, `create`, `update`, `delete`, or a text with `%{field}`. Always `create` with data streams.',
    default: 'index',
  }),
  document_id: string({ doc: '`_id` of the document; may hold `%{field}`. Turns `idempotent` off.' }),
  document_type: string({
    doc: '`_type` of the document; left out for servers from version 8 on.',
    defaultDoc: '`doc` on version 6, else none',
    deprecated: 'Document types are going away in Elasticsearch; leave it out.',
  }),
  idempotent: boolean({
    doc: 'Not in Logstash. An event of a source that can replay, such as Kinesis, gets an `_id` made of its record and is written with action `create`: written again after a crash it changes nothing. Only for action `index` or `create` without `document_id` and `version`. Two outputs that write the same event to the same index then make one document. Behind an alias or a data stream it holds as far as one index reaches: a replay after a rollover goes to the next.',
    default: true,
  }),
  routing: string({ doc: 'Shard routing; may hold `%{field}`.' }),
  pipeline: string({ doc: 'Ingest pipeline; may hold `%{field}`. Left out where it comes to nothing.' }),
  parent: string({ doc: 'Id of the parent document; may hold `%{field}`.' }),
  join_field: string({
    doc: 'Field of type `join`; with `parent` it becomes `{ name, parent }`, routed by the parent.',
  }),
  version: string({ doc: 'Version of the document; may hold `%{field}`.' }),
  version_type: oneOf(['internal', 'external', 'external_gt', 'external_gte', 'force'])({
    doc: 'How `version` is compared.',
  }),
  doc_as_upsert: boolean({ doc: 'With `update`: insert the event where there is no document yet.', default: false }),
  upsert: string({ doc: 'With `update`: JSON to insert where there is no document yet.', default: '' }),
  script: string({ doc: 'With `update`: the script, or its name with `script_type => "indexed"`.', default: '' }),
  script_type: oneOf(['inline', 'indexed', 'file'])({ doc: 'What `script` holds.', default: 'inline' }),
  script_lang: string({ doc: 'Language of the script.', default: 'painless' }),
  script_var_name: string({ doc: 'Name by which the script sees the event.', default: 'event' }),
  scripted_upsert: boolean({ doc: 'The script also runs where there is no document yet.', default: false }),
  retry_on_conflict: number({ doc: 'With `update`: how often the server tries again.', default: 1 }),

  data_stream: oneOf(['true', 'false', 'auto'])({
    doc: 'Writes to data streams: `<type>-<dataset>-<namespace>`, by `create`. From Elasticsearch 7.9 on, and OpenSearch.',
    defaultDoc: '`false`, which `auto` means too',
  }),
  data_stream_type: oneOf(['logs', 'metrics', 'synthetics', 'traces'])({
    doc: `First part of the name; ${ONLY_DATA_STREAMS}, as all of these.`,
    defaultDoc: '`logs`',
  }),
  data_stream_dataset: string({ doc: 'Second part of the name.', defaultDoc: '`generic`' }),
  data_stream_namespace: string({ doc: 'Third part of the name.', defaultDoc: '`default`' }),
  data_stream_auto_routing: boolean({
    doc: 'Takes the parts that an event has in its own `data_stream.type`, `.dataset` and `.namespace`.',
    defaultDoc: '`true`',
  }),
  data_stream_sync_fields: boolean({
    doc: 'Writes the parts of the name into `data_stream` of the document.',
    defaultDoc: '`true`',
  }),

  manage_template: boolean({
    doc: 'Installs an index template at the start, unless one is there. Never with data streams.',
    default: true,
  }),
  template: path({ doc: 'JSON file of the index template.', defaultDoc: "Logstash's own" }),
  template_name: string({
    doc: 'Name of the index template.',
    defaultDoc: '`logstash`; the alias, with index lifecycle management',
  }),
  template_overwrite: boolean({ doc: 'Installs the template even when one is there.', default: false }),
  template_api: oneOf(['auto', 'legacy', 'composable'])({
    doc: 'Kind of the template. `auto`: what the file of `template` is; without one composable from Elasticsearch 8 on, else legacy.',
    default: 'auto',
  }),
  ilm_enabled: oneOf(['true', 'false', 'auto'])({
    doc: 'Index lifecycle management, for the default `index` or an `ilm_rollover_alias` of your own: events go to the alias, and the server begins a new index by the policy. `auto`: where the server has it.',
    default: 'auto',
  }),
  ilm_rollover_alias: string({ doc: 'Alias to write to; made when it is not there.', defaultDoc: '`logstash`' }),
  ilm_pattern: string({ doc: 'End of the name of the first index.', default: '{now/d}-000001' }),
  ilm_policy: string({ doc: 'Policy. Only the default one is made when it is not there.', default: DEFAULT_POLICY }),
  ecs_compatibility: oneOf(['disabled', 'v1', 'v8'])({
    doc: 'Only `disabled` is taken; with data streams, where it has no effect, all are.',
    default: 'disabled',
  }),

  user: string({ doc: 'User of basic authentication.' }),
  password: password({ doc: 'Password of basic authentication.' }),
  api_key: password({
    doc: 'API key as `id:key`, the base64 form of that, or a key of Elastic Cloud (`essu_…`); needs an encrypted connection.',
  }),
  cloud_id: string({ doc: 'Id of a deployment of Elastic Cloud, in place of `hosts`.' }),
  cloud_auth: password({ doc: '`user:password`, in place of `user` and `password`.' }),
  proxy: uri({ doc: 'HTTP proxy to go through.' }),

  ssl: boolean({ doc: 'Older name of `ssl_enabled`.' }),
  ssl_enabled: boolean({ doc: 'Whether to encrypt.', defaultDoc: 'by the scheme of `hosts`' }),
  ssl_certificate_verification: boolean({
    doc: 'Older name: `true` is `ssl_verification_mode => "full"`, `false` is `"none"`.',
  }),
  ssl_verification_mode: oneOf(['full', 'none'])({
    doc: 'Whether the certificates of the nodes are checked: `full` or `none`.',
    defaultDoc: '`full`',
  }),
  cacert: path({ doc: 'Older name of `ssl_certificate_authorities`, for one file.' }),
  ssl_certificate_authorities: pathList,
  ca_trusted_fingerprint: unsupported(
    'A fingerprint alone is not checked. Give the authority itself in `ssl_certificate_authorities`: `openssl s_client -connect <host>:9200 -showcerts` shows it.',
  ),
  ssl_certificate: path({ doc: 'PEM file of the certificate to show to the nodes; needs `ssl_key`.' }),
  ssl_key: path({ doc: 'PEM file of the key of `ssl_certificate`, without a passphrase.' }),
  keystore: path({ doc: 'Older name of `ssl_keystore_path`.' }),
  keystore_password: password({ doc: 'Older name of `ssl_keystore_password`.' }),
  ssl_keystore_path: path({
    doc: 'PKCS #12 file of the certificate to show to the nodes and its key, in place of `ssl_certificate`. Java key stores (JKS) are refused.',
  }),
  ssl_keystore_password: password({ doc: 'Password of `ssl_keystore_path`.' }),
  ssl_keystore_type: oneOf(['pkcs12', 'jks'])({ doc: 'Only `pkcs12` can be read.', defaultDoc: '`pkcs12`' }),
  truststore: unsupported(TRUST_STORE),
  truststore_password: unsupported(TRUST_STORE),
  ssl_truststore_path: unsupported(TRUST_STORE),
  ssl_truststore_password: unsupported(TRUST_STORE),
  ssl_truststore_type: unsupported(TRUST_STORE),
  ssl_supported_protocols: stringArray({
    doc: 'Versions to offer: `TLSv1.1`, `TLSv1.2`, `TLSv1.3`, without a gap.',
    default: [],
    defaultDoc: '`TLSv1.2` and `TLSv1.3`',
  }),
  ssl_cipher_suites: stringArray({
    doc: "Cipher suites in order of preference, by Java's names or OpenSSL's.",
    default: [],
    defaultDoc: 'those of Node.js',
  }),

  path: string({ doc: 'Path in front of every request, where a proxy serves Elasticsearch under one.' }),
  bulk_path: string({ doc: 'Path of bulk requests.', defaultDoc: '`path` and `/_bulk`' }),
  healthcheck_path: string({ doc: 'Path asked to see whether a node is back.', defaultDoc: '`path`' }),
  parameters: hash({ doc: 'Query parameters of every request.' }),
  custom_headers: hash({ doc: 'Headers of every request.', default: new Map() }),
  http_compression: boolean({ doc: 'Older name: `true` is `compression_level => 1`.' }),
  compression_level: oneOf(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])({
    doc: 'Level of gzip for the bodies of bulks, from 1 (fast) to 9; 0: no compression.',
    defaultDoc: '0',
  }),
  timeout: number({ doc: 'Seconds to wait for an answer.', default: 60 }),
  pool_max: number({ doc: 'Most requests at once.', default: 1000 }),
  pool_max_per_route: number({ doc: 'Most requests at once to one node.', default: 100 }),
  resurrect_delay: number({ doc: 'Seconds between two looks at a node that is away.', default: 5 }),
  validate_after_inactivity: number({
    doc: 'Has no effect: a connection that was closed is noticed at once.',
    default: 10_000,
  }),
  sniffing: boolean({
    doc: 'Asks the cluster for its nodes and sends to all of them but pure masters. When none of them can be reached, `hosts` are used again.',
    default: false,
  }),
  sniffing_delay: number({ doc: 'Seconds between two such questions.', default: 5 }),
  sniffing_path: string({ doc: 'Path of the question.', defaultDoc: '`path` and `/_nodes/http`' }),

  retry_initial_interval: number({ doc: 'Seconds before the first retry; doubled at each further one.', default: 2 }),
  retry_max_interval: number({ doc: 'Most seconds between two retries.', default: 64 }),
  dlq_custom_codes: stringArray({
    doc: 'Statuses of documents, beside 400 and 404, that send an event to the dead letter queue in place of being tried again.',
    default: [],
  }),
  dlq_on_failed_indexname_interpolation: boolean({
    doc: 'An event for whose `index` a field is missing goes to the dead letter queue. Else it goes to an index with `%{…}` in its name, as in Logstash 7; from version 12 of its plugin on the default is `true`.',
    default: false,
  }),
  drop_error_types: stringArray({
    doc: 'Error types of documents that are dropped with a warning, neither tried again nor put into the dead letter queue.',
    default: [],
  }),
  silence_errors_in_log: stringArray({ doc: 'Error types of documents that are not logged.', default: [] }),
  failure_type_logging_whitelist: stringArray({ doc: 'Older name of `silence_errors_in_log`.', default: [] }),
};

export type Options = OptionValues<typeof options>;

import {
  boolean,
  hash,
  number,
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

const JAVA_STORE = 'Java key stores cannot be read here.';
const CLOUD = 'Elastic Cloud ids are not resolved yet.';

export const options = {
  hosts: hostsOption,
  index: string({ doc: 'Index of each event; may hold `%{field}` and `%{+yyyyMM}` (UTC).', default: DEFAULT_INDEX }),
  action: string({ doc: '`index`, `create`, `update`, `delete`, or a text with `%{field}`.', default: 'index' }),
  document_id: string({ doc: '`_id` of the document; may hold `%{field}`. Turns `idempotent` off.' }),
  document_type: string({
    doc: '`_type` of the document; left out for servers from version 8 on.',
    defaultDoc: '`doc` on version 6, else none',
    deprecated: 'Document types are going away in Elasticsearch; leave it out.',
  }),
  idempotent: boolean({
    doc: 'Not in Logstash. An event of a source that can replay, such as Kinesis, gets an `_id` made of its record and is written with action `create`: written again after a crash it changes nothing. Only for action `index` or `create` without `document_id` and `version`. Two outputs that write the same event to the same index then make one document.',
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

  manage_template: boolean({ doc: 'Installs an index template at the start, unless one is there.', default: true }),
  template: path({ doc: 'JSON file of the index template.', defaultDoc: "Logstash's own" }),
  template_name: string({ doc: 'Name of the index template.', default: 'logstash' }),
  template_overwrite: boolean({ doc: 'Installs the template even when one is there.', default: false }),
  ilm_enabled: oneOf(['true', 'false', 'auto'])({
    doc: 'Index lifecycle management; `auto` means off here, `true` is refused.',
    default: 'auto',
  }),
  ilm_rollover_alias: string({ doc: 'Only allowed with `ilm_enabled => false`, where it has no effect.' }),
  ilm_pattern: string({ doc: 'Has no effect while index lifecycle management is off.' }),
  ilm_policy: string({ doc: 'Has no effect while index lifecycle management is off.' }),
  ecs_compatibility: oneOf(['disabled', 'v1'])({ doc: 'Only `disabled` is taken.', default: 'disabled' }),

  user: string({ doc: 'User of basic authentication.' }),
  password: password({ doc: 'Password of basic authentication.' }),
  api_key: password({ doc: 'API key as `id:key`; needs an encrypted connection.' }),
  cloud_id: unsupported(`${CLOUD} Give the address as \`hosts => "https://…:443"\`.`),
  cloud_auth: unsupported(`${CLOUD} Give \`user\` and \`password\`.`),
  ssl: boolean({ doc: 'Whether to encrypt.', defaultDoc: 'by the scheme of `hosts`' }),
  ssl_certificate_verification: boolean({ doc: "Whether the server's certificate is checked.", default: true }),
  cacert: path({ doc: 'PEM file of the authority that signed the certificate of the server.' }),
  truststore: unsupported(`${JAVA_STORE} Give the authority as a PEM file in \`cacert\`.`),
  truststore_password: unsupported(`${JAVA_STORE} Give the authority as a PEM file in \`cacert\`.`),
  keystore: unsupported(`${JAVA_STORE} Client certificates are not supported yet; use \`user\` or \`api_key\`.`),
  keystore_password: unsupported(`${JAVA_STORE} Client certificates are not supported yet.`),
  proxy: uri({ doc: 'HTTP proxy to go through.' }),

  path: string({ doc: 'Path in front of every request, where a proxy serves Elasticsearch under one.' }),
  bulk_path: string({ doc: 'Path of bulk requests.', defaultDoc: '`path` and `/_bulk`' }),
  healthcheck_path: string({ doc: 'Path asked to see whether a node is back.', defaultDoc: '`path`' }),
  sniffing_path: string({ doc: 'Has no effect while `sniffing` is off.' }),
  parameters: hash({ doc: 'Query parameters of every request.' }),
  custom_headers: hash({ doc: 'Headers of every request.', default: new Map() }),
  http_compression: boolean({ doc: 'Sends bodies compressed with gzip.', default: false }),
  timeout: number({ doc: 'Seconds to wait for an answer.', default: 60 }),
  pool_max: number({ doc: 'Most requests at once.', default: 1000 }),
  pool_max_per_route: number({ doc: 'Most requests at once to one node.', default: 100 }),
  resurrect_delay: number({ doc: 'Seconds between two looks at a node that is away.', default: 5 }),
  validate_after_inactivity: number({
    doc: 'Has no effect: a connection that was closed is noticed at once.',
    default: 10_000,
  }),
  sniffing: boolean({ doc: 'Only `false` is taken.', default: false }),
  sniffing_delay: number({ doc: 'Has no effect while `sniffing` is off.', default: 5 }),
  retry_initial_interval: number({ doc: 'Seconds before the first retry; doubled at each further one.', default: 2 }),
  retry_max_interval: number({ doc: 'Most seconds between two retries.', default: 64 }),
  failure_type_logging_whitelist: stringArray({ doc: 'Error types of documents that are not logged.', default: [] }),
};

export type Options = OptionValues<typeof options>;

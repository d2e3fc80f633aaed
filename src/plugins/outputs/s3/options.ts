import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  array,
  boolean,
  bytes,
  type CodecFactory,
  hash,
  number,
  type OptionValues,
  oneOf,
  PluginConfigError,
  password,
  string,
} from '../../../plugin-api/index.ts';
import { checkAdditionalSettings } from './additionalSettings.ts';
import { hasIllegalCharacters } from './objectKey.ts';

const CANNED_ACLS = [
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'aws-exec-read',
  'bucket-owner-read',
  'bucket-owner-full-control',
  'log-delivery-write',
] as const;

const STORAGE_CLASSES = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'DEEP_ARCHIVE',
  'OUTPOSTS',
  'GLACIER_IR',
  'SNOW',
  'EXPRESS_ONEZONE',
] as const;

const cores = availableParallelism();

const aws = {
  region: string({ doc: 'AWS region of the bucket.', default: 'us-east-1' }),
  access_key_id: string({ doc: 'AWS access key id. Without it, the credentials file, the role or the default chain.' }),
  secret_access_key: password({ doc: 'AWS secret access key.' }),
  session_token: password({ doc: 'AWS session token of temporary credentials.' }),
  aws_credentials_file: string({
    doc: 'YAML file with `:access_key_id:` and `:secret_access_key:`; read when no key pair is given.',
  }),
  role_arn: string({ doc: 'IAM role to assume; ignored when a key pair or a credentials file is given.' }),
  role_session_name: string({ doc: 'Session name when a role is assumed.', default: 'logstash' }),
  endpoint: string({ doc: 'URL of an S3-compatible server; AWS when absent.' }),
  proxy_uri: string({ doc: 'URL of the HTTP proxy to go through.' }),
  additional_settings: hash({
    doc: 'Settings of the AWS client, such as `force_path_style`; a key that has no effect here is refused by name.',
    default: new Map(),
  }),
};

const objects = {
  bucket: string({ doc: 'Name of the bucket; not interpolated.', required: true }),
  prefix: string({
    doc: 'What object names begin with, with `%{field}` and `%{+YYYY}`; one object is open for each distinct value.',
    default: '',
  }),
  tags: array({ doc: 'Words that are put into the object names.', default: [] }),
  encoding: oneOf(['none', 'gzip'])({ doc: 'Whether objects are compressed.', default: 'none' }),
  canned_acl: oneOf(CANNED_ACLS)({ doc: 'Canned ACL of the objects.', default: 'private' }),
  server_side_encryption: boolean({ doc: 'Whether S3 encrypts the objects.', default: false }),
  server_side_encryption_algorithm: oneOf(['AES256', 'aws:kms'])({ doc: 'How S3 encrypts.', default: 'AES256' }),
  ssekms_key_id: string({ doc: 'KMS key for `aws:kms`.' }),
  storage_class: oneOf(STORAGE_CLASSES)({ doc: 'Storage class of the objects.', default: 'STANDARD' }),
  signature_version: oneOf(['v2', 'v4'])({ doc: 'Signature version of requests: only `v4` exists here.' }),
};

const rotation = {
  rotation_strategy: oneOf(['size_and_time', 'size', 'time'])({
    doc: 'What ends an object. With `size`, one that stays small is uploaded after 6 hours all the same.',
    default: 'size_and_time',
  }),
  size_file: number({ doc: 'Bytes, as stored, at which an object ends.', default: 5_242_880 }),
  time_file: number({ doc: 'Minutes after which an object ends.', default: 15 }),
};

const delivery = {
  temporary_directory: string({
    doc: 'Where objects wait for their upload, in a private sub-directory.',
    default: join(tmpdir(), 'logstash'),
    defaultDoc: '<temporary directory of the system>/logstash',
  }),
  restore: boolean({
    doc: 'Whether files that a crash left are uploaded at start. Those whose records the source reads again are removed.',
    default: true,
  }),
  upload_workers_count: number({
    doc: 'Uploads at a time.',
    default: Math.ceil(cores * 0.5),
    defaultDoc: 'half the number of cores',
  }),
  upload_queue_size: number({
    doc: 'Objects that may wait for an upload before the source has to.',
    default: 256,
  }),
  upload_multipart_threshold: number({ doc: 'Bytes from which an object is uploaded in parts.', default: 15_728_640 }),
  retry_count: number({
    doc: 'Tries after the first failed one. When they are used up, the file is kept and its events stay unsettled.',
    defaultDoc: 'no limit',
  }),
  retry_delay: number({ doc: 'Seconds between tries.', default: 1 }),
  validate_credentials_on_root_bucket: boolean({
    doc: 'Whether to write and delete a test object in the root of the bucket at start.',
    default: true,
  }),
};

/** Not in Logstash. */
const own = {
  gzip_level: number({
    doc: 'Compression level, 1 to 9. Level 6 costs 4 µs an event more than level 1 and makes objects 15 % smaller.',
    default: 6,
  }),
  max_spool_bytes: bytes({
    doc: 'How much may wait for upload, on disk and in memory; beyond it the source waits.',
    default: 1024 ** 3,
  }),
  max_open_files: number({
    doc: 'Objects open at a time; beyond it the one longest unused is uploaded early.',
    default: 512,
  }),
};

export const s3Options = { ...aws, ...objects, ...rotation, ...delivery, ...own };

export type S3Options = OptionValues<typeof s3Options> & { codec: CodecFactory };

export function checkOptions(options: OptionValues<typeof s3Options>): void {
  if (options.bucket === '') throw new PluginConfigError('`bucket` must not be empty', 'bucket');
  if (hasIllegalCharacters(options.prefix)) {
    throw new PluginConfigError('The prefix must not contain any of ^ ` > <', 'prefix');
  }
  if (options.signature_version === 'v2') {
    throw new PluginConfigError(
      'Signature version v2 does not exist here: use `v4`, or leave the option out',
      'signature_version',
    );
  }
  for (const name of ['upload_workers_count', 'upload_queue_size', 'max_open_files'] as const) {
    if (!(options[name] >= 1)) throw new PluginConfigError(`\`${name}\` must be at least 1`, name);
  }
  checkRotation(options);
  if (!Number.isInteger(options.gzip_level) || options.gzip_level < 1 || options.gzip_level > 9) {
    throw new PluginConfigError('`gzip_level` must be a whole number from 1 to 9', 'gzip_level');
  }
  checkEndpoint(options.endpoint, 'endpoint');
  checkEndpoint(options.proxy_uri, 'proxy_uri');
  checkAdditionalSettings(options.additional_settings);
}

function checkRotation({ rotation_strategy, size_file, time_file }: OptionValues<typeof s3Options>): void {
  if (rotation_strategy !== 'time' && !(size_file > 0)) {
    throw new PluginConfigError('`size_file` must be greater than 0', 'size_file');
  }
  if (rotation_strategy !== 'size' && !(time_file > 0)) {
    throw new PluginConfigError('`time_file` must be greater than 0', 'time_file');
  }
}

function checkEndpoint(url: string | undefined, option: string): void {
  if (url === undefined || /^https?:\/\/[^/]/.test(url)) return;
  throw new PluginConfigError(`\`${option}\` must be a URL that begins with http:// or https://`, option);
}

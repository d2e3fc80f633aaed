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
  password,
  string,
} from '../../../plugin-api/index.ts';

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
    doc: 'Whether to write and delete a test object in the root of the bucket at start; under `prefix` where the root is denied.',
    default: true,
  }),
};

/** Not in Logstash. */
const own = {
  object_key: string({
    doc:
      "Name of the objects behind the prefix, instead of Logstash's `ls.s3.…`: `%{uuid}` (required), `%{part}`, `%{tags}`, " +
      '`%{extension}`, and `%{+yyyyMMdd}` for when the object was begun. Other `%{field}`s are of the events, and one object is ' +
      "open for each distinct value; `%{[uuid]}` is the event's field of that name.",
  }),
  timezone: string({
    doc: 'Time zone of the dates in `prefix` and `object_key`, such as `Asia/Seoul` or `+09:00`.',
    default: 'UTC',
  }),
  manifest: string({
    doc:
      'File that gets one JSON line for each uploaded object, before its events are settled: key, bytes, sha256, count of ' +
      'events, and per shard the first and last sequence number.',
  }),
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

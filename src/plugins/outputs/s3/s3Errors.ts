/** What a failed call to S3 means, and what to do about it. */
import { textOf } from '../../../aws/errorText.ts';

export interface Place {
  readonly bucket: string;
  readonly region: string;
  /** `undefined` for AWS itself. */
  readonly endpoint: string | undefined;
}

type Advice = (place: Place) => string;

const KEYS = 'check `access_key_id` and `secret_access_key`, the credentials file, or the environment';

const ADVICE: Readonly<Record<string, Advice>> = {
  SignatureDoesNotMatch: () => `the secret key is wrong: ${KEYS}`,
  InvalidAccessKeyId: () => `the access key id is unknown: ${KEYS}`,
  InvalidToken: () => 'the session token is wrong or belongs to another key: check `session_token`',
  ExpiredToken: () => 'the session token has expired: use fresh credentials, or `role_arn`',
  NoSuchBucket: ({ bucket }) => `the bucket "${bucket}" does not exist: create it, or correct \`bucket\``,
  AccessDenied: ({ bucket }) =>
    `the credentials lack a permission: allow s3:PutObject (and s3:PutObjectAcl, as \`canned_acl\` is sent) on arn:aws:s3:::${bucket}/*`,
  PermanentRedirect: ({ bucket, region }) => `the bucket "${bucket}" is not in region ${region}: correct \`region\``,
  AuthorizationHeaderMalformed: ({ region }) => `the region ${region} does not fit: correct \`region\``,
  IllegalLocationConstraintException: ({ region }) => `the region ${region} does not fit: correct \`region\``,
  RequestTimeTooSkewed: () => 'the clock of this machine is wrong: synchronise it',
  AccessControlListNotSupported: () =>
    'the bucket has no ACLs: set `canned_acl => "private"`, or "bucket-owner-full-control"',
  KMSDisabledException: () => 'the KMS key is disabled: enable it, or correct `ssekms_key_id`',
  ECONNREFUSED: (place) => `nothing answers at ${serverName(place)}: check \`endpoint\``,
  ENOTFOUND: (place) =>
    `${serverName(place)} cannot be resolved: check \`endpoint\` and \`region\`; a server that is not AWS often needs ` +
    '`additional_settings => { force_path_style => true }`',
  ETIMEDOUT: (place) =>
    `${serverName(place)} does not answer in time: check \`endpoint\`, \`proxy_uri\` and the network`,
  TimeoutError: (place) =>
    `${serverName(place)} does not answer in time: check \`endpoint\`, \`proxy_uri\` and the network`,
};

/** One line: `<code>: <message> (<advice>)`. */
export function describeS3Error(error: unknown, place: Place): string {
  const code = errorCode(error);
  const message = textOf(error);
  const advice = Object.hasOwn(ADVICE, code) ? ADVICE[code]?.(place) : undefined;
  const said = message === '' || message === code ? code : `${code}: ${message}`;
  return advice === undefined ? said : `${said} (${advice})`;
}

/** S3's error code, or that of the failed connection. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error.name !== 'Error') return statusName(error);
  return error.cause === undefined ? 'Error' : errorCode(error.cause);
}

/** The server answers, and that it cannot at the moment. */
export function isServersTrouble(error: unknown): boolean {
  const { httpStatusCode = 0 } = (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata ?? {};
  return httpStatusCode >= 500;
}

/** A refusal without a body, such as that of a HEAD request, is named by its status. */
function statusName(error: Error): string {
  if (error.name !== '403' && error.name !== 'Forbidden') return error.name;
  return 'AccessDenied';
}

function serverName({ endpoint, region }: Place): string {
  return endpoint ?? `S3 in ${region}`;
}

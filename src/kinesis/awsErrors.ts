/** What a failed AWS call means for us. The SDK gives the service's error code as the error's name. */

import { hasCode } from '../util/errors.ts';

export { describeError } from '../aws/errorText.ts';

const THROTTLED: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'LimitExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'KMSThrottlingException',
]);

const POLICY = 'docs/aws.md lists the permissions needed, and where credentials come from';
const RENEW = 'put fresh keys where they come from, or use a role, which is renewed by itself';
const KEY = 'check where the keys come from, and that they are of this partition of AWS';
const SECRET = 'check the secret key, and the clock of this machine';

/** No waiting mends these; a person has to. What there is to be said about the next step, if the message does not say it. */
const NEEDS_A_PERSON: ReadonlyMap<string, string> = new Map([
  ['AccessDenied', POLICY],
  ['AccessDeniedException', POLICY],
  ['CredentialsProviderError', ''],
  ['ExpiredToken', RENEW],
  ['ExpiredTokenException', RENEW],
  ['IDPRejectedClaimException', ''],
  ['IncompleteSignature', ''],
  ['InvalidArgumentException', ''],
  ['InvalidClientTokenId', KEY],
  ['InvalidIdentityTokenException', "check the role's trust in the issuer of the web identity token"],
  ['InvalidSignatureException', SECRET],
  ['MissingAuthenticationTokenException', ''],
  ['RegionDisabledException', ''],
  ['ResourceNotFoundException', ''],
  ['SignatureDoesNotMatch', SECRET],
  ['UnrecognizedClientException', KEY],
  ['ValidationError', ''],
  ['ValidationException', ''],
]);

export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

export function isThrottling(error: unknown): boolean {
  return THROTTLED.has(errorName(error));
}

export function needsAPerson(error: unknown): boolean {
  return NEEDS_A_PERSON.has(errorName(error));
}

/** The caller may not make this call, or the server does not know it. */
const REFUSED: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'InvalidAction',
  'NotImplemented',
  'NotImplementedException',
  'UnknownOperationException',
  'UnsupportedOperationException',
]);
const NOT_IMPLEMENTED = 501;

export function isRefused(error: unknown): boolean {
  return REFUSED.has(errorName(error)) || httpStatus(error) === NOT_IMPLEMENTED || isWithoutHttp2(error);
}

/** An endpoint, or a proxy before it, that does not speak HTTP/2, in which alone subscriptions are sent. */
function isWithoutHttp2(error: unknown): boolean {
  return error instanceof Error && hasCode(error.cause, 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
}

export function isInvalid(error: unknown): boolean {
  return errorName(error) === 'InvalidArgumentException' || errorName(error) === 'ValidationException';
}

export function isInUse(error: unknown): boolean {
  return errorName(error) === 'ResourceInUseException';
}

function httpStatus(error: unknown): unknown {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  const { $metadata } = error;
  return typeof $metadata === 'object' && $metadata !== null && 'httpStatusCode' in $metadata
    ? $metadata.httpStatusCode
    : undefined;
}

export function isConditionFailed(error: unknown): boolean {
  return errorName(error) === 'ConditionalCheckFailedException';
}

export function isNotFound(error: unknown): boolean {
  return errorName(error) === 'ResourceNotFoundException';
}

/** Iterators live for five minutes. */
export function isExpiredIterator(error: unknown): boolean {
  return errorName(error) === 'ExpiredIteratorException';
}

/** The message, and behind it what to do about such an error where more can be said. */
export function withAdvice(message: string, error: unknown): string {
  const advice = NEEDS_A_PERSON.get(errorName(error));
  return advice ? `${message} (${advice})` : message;
}

/**
 * The consumer cannot start, and waiting would not help. `message` says what to do. It has no `cause`: what there is to say of
 * it stands in the message, without the request that AWS quotes.
 */
export class ConsumerStartError extends Error {
  override readonly name = 'ConsumerStartError';

  constructor(message: string, { cause }: { readonly cause: unknown }) {
    super(withAdvice(message, cause));
  }
}

/** What a failed AWS call means for us. The SDK gives the service's error code as the error's name. */

const THROTTLED: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'LimitExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'KMSThrottlingException',
]);

/** No waiting mends these; a person has to. */
const NEEDS_A_PERSON: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'CredentialsProviderError',
  'IncompleteSignature',
  'InvalidArgumentException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'ResourceNotFoundException',
  'UnrecognizedClientException',
  'ValidationException',
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

const MESSAGE_LENGTH_MAX = 300;

/** One line for a log: `<code>: <message>`. Connection failures carry their code beside the name. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const message = error.message.replace(/\s+/g, ' ').trim();
  const text = message === '' || message === code ? code : `${code}: ${message}`;
  return text.length > MESSAGE_LENGTH_MAX ? `${text.slice(0, MESSAGE_LENGTH_MAX)}…` : text;
}

/** The consumer cannot start, and waiting would not help. `message` says what to do. */
export class ConsumerStartError extends Error {
  override readonly name = 'ConsumerStartError';
}

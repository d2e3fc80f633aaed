import type { ItemOutcome } from './outcomes.ts';

/** Why a whole request failed. */
export interface Failure {
  /** Tells kinds of failures apart: `unreachable`, `status 429`. */
  readonly cause: string;
  readonly message: string;
}

interface ErrorText {
  readonly type: string;
  readonly reason: string;
}

const ADVICE: Readonly<Record<number, string>> = {
  401: 'it does not accept the credentials: check `user` and `password`, or `api_key`',
  403: 'the user may not do this: check the role, and whether the index is read-only',
  404: 'there is no such path: check `hosts`, `path` and `bulk_path`',
  429: 'it has more to do than it can take',
};

/** A request that was answered by an error as a whole. */
export function describeRefusal(status: number, error: ErrorText): Failure {
  const advice = ADVICE[status];
  const detail = errorText(error);
  const message = [`answer ${status}`, advice, detail].filter((part) => part !== undefined && part !== '').join(', ');
  return { cause: `status ${status}`, message };
}

/** Why one event was not written, with the line that says where it was meant to go. */
export function describeRejection({ status, type, reason }: ItemOutcome, actionLine: string): string {
  return `${status} ${errorText({ type, reason })}, for ${actionLine}`;
}

function errorText({ type, reason }: ErrorText): string {
  return type === '' ? reason : reason === '' ? type : `${type}: ${reason}`;
}

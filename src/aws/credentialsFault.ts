/** Why there are no AWS credentials, in words that say what was looked at. */
import { hasCode } from '../util/errors.ts';
import { codeOf, textOf } from './errorText.ts';

/** As the SDK names it when nobody gives credentials: what only a person can mend. */
const NONE = 'CredentialsProviderError';

/** `name` is the code of STS, of the failed connection, or the SDK's name. Nothing of the cause is left but its text. */
export class CredentialsFault extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** Without the stop at its end, to stand within a sentence. */
export function reasonText(error: unknown): string {
  return textOf(error).replace(/\.$/, '') || codeOf(error);
}

/** A place of the chain to ask once more on its own, for what it says. */
export type Place = readonly [name: string, ask: () => Promise<unknown>];

/** @param places of the default chain in its order; none for a profile */
export async function explain(
  error: unknown,
  subject: string,
  places: readonly Place[],
  advice: string,
): Promise<Error> {
  if (error instanceof CredentialsFault) return error;
  // Its text quotes the answer, and so perhaps a secret.
  if (error instanceof SyntaxError) return new CredentialsFault(NONE, `${subject}: the answer is no JSON`);
  const isNone = ['ENOENT', 'EACCES', 'ERR_INVALID_URL'].some((code) => hasCode(error, code)) || codeOf(error) === NONE;
  if (!isNone) return new CredentialsFault(codeOf(error), `${subject}: ${reasonText(error)}`);
  const reasons = await Promise.all(places.map(async ([name, ask]) => `${name} (${await reasonOf(ask)})`));
  const why = reasons.length > 0 ? `looked at, in this order: ${reasons.join(', ')}` : reasonText(error);
  return new CredentialsFault(NONE, `${subject}; ${why}. ${advice}`);
}

async function reasonOf(ask: () => Promise<unknown>): Promise<string> {
  try {
    await ask();
    return 'there, but switched off';
  } catch (error) {
    return error instanceof SyntaxError ? 'the answer is no JSON' : reasonText(error);
  }
}

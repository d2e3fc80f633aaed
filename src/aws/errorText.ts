/** What a failed call of AWS says, for one line of a log. */

const LENGTH_MAX = 800;
/** AWS quotes the whole request from here on when a signature is wrong, the session token included. */
const QUOTED_REQUEST = /The Canonical String for this request.*$/;

/** The service's code, or that of the failed connection. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** The message on one line, without what may hold a secret. May be empty: Node's is for a host of several addresses. */
export function textOf(error: unknown): string {
  const raw = error instanceof Error ? error.message : String(error);
  const text = raw.replace(/\s+/g, ' ').replace(QUOTED_REQUEST, '').trim();
  return text.length > LENGTH_MAX ? `${text.slice(0, LENGTH_MAX)}…` : text;
}

/** One line for a log: `<code>: <message>`. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [code, text] = [codeOf(error), textOf(error)];
  return text === '' || text === code ? code : `${code}: ${text}`;
}

/** Slips of the pen such as `pasword` included: their values are secrets all the same. */
const secretOption =
  /((?:pas+[a-z]*w[a-z]*|passphrase|pwd|se?cr?e?t|token|api_key|cloud_auth|private_key|access_key)[A-Za-z0-9_]*["']?\s*(?:=>|=|:)\s*)("(?:\\"|[^"\n])*"?|'(?:\\'|[^'\n])*'?|\[[^\]]*\]?|\{[^}]*\}?|[^\s"'{}[\],]+)/gi;
/** The scheme may be missing: `//user:password@host`, `user:password@host`. */
const secretInUrl = /((?:\/\/|["'\s])[^\s/:@"']+:)([^\s/@"']+)(?=@)/g;

/**
 * Source text fit for a screen or a log: the values of options that look like secrets become stars of the same length, so
 * that columns stay true. Which options are secrets is known only where plugins are; a name is enough here.
 */
export function maskSecrets(text: string): string {
  return text
    .replace(secretOption, (_, name: string, value: string) => name + starred(value))
    .replace(secretInUrl, (_, user: string, password: string) => user + '*'.repeat(password.length));
}

function starred(value: string): string {
  if (value[0] === '[' || value[0] === '{') return value.replace(/[^\s"',[\]{}]/g, '*');
  const quote = value[0] === '"' || value[0] === "'" ? value[0] : '';
  const closing = quote !== '' && value.length > 1 && value.endsWith(quote) ? quote : '';
  return quote + '*'.repeat(value.length - quote.length - closing.length) + closing;
}

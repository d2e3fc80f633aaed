const replacements: Readonly<Record<string, string>> = { '"': '"', "'": "'", '\\': '\\', n: '\n', r: '\r', t: '\t' };

/**
 * Escapes in a string's text under `config.support_escapes: true`: `\"`, `\'`, `\\`, `\n`, `\r` and `\t`. Any other pair
 * stays as written, as in Logstash. Regular expressions are not treated so.
 */
export function processEscapes(text: string): string {
  return text.replace(/\\(.)/g, (pair, escaped: string) => replacements[escaped] ?? pair);
}

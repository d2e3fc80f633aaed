import { readFileSync } from 'node:fs';

/** The Logstash whose behaviour is matched. */
export const LOGSTASH_VERSION = '7.9.2';

export function versionLine(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return `logstash-ts ${manifest.version} (compatible with Logstash ${LOGSTASH_VERSION})`;
}

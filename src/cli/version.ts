import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../util/packageRoot.ts';

/** The Logstash whose behaviour is matched. */
export const LOGSTASH_VERSION = '7.9.2';

export function versionLine(): string {
  const manifest = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
  return `logstash-ts ${manifest.version} (compatible with Logstash ${LOGSTASH_VERSION})`;
}

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The installed version of an npm package, read from its own manifest since some do not export it. */
export function packageVersion(name: string): string {
  const manifest = fileURLToPath(new URL(`../../../node_modules/${name}/package.json`, import.meta.url));
  const parsed: unknown = JSON.parse(readFileSync(manifest, 'utf8'));
  const version = typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : undefined;
  return typeof version === 'string' ? version : 'unknown';
}

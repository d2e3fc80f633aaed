/** Which file stands for an unset `database`. Logstash ships GeoLite2; its licence today forbids us to. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PluginConfigError } from '../../../plugin-api/index.ts';

export interface ChosenDatabase {
  readonly path: string;
  /** Whether it is the synthetic one that only shows that things work. */
  readonly synthetic: boolean;
}

/**
 * `GeoLite2-<kind>.mmdb` of the folder, else the synthetic one beside it.
 * @throws PluginConfigError when there is neither
 */
export function defaultDatabase(kind: 'City' | 'ASN', folder = join(packageRoot(), 'geoip')): ChosenDatabase {
  const path = join(folder, `GeoLite2-${kind}.mmdb`);
  if (existsSync(path)) return { path, synthetic: false };
  const synthetic = join(folder, `GeoLite2-${kind}-Test.mmdb`);
  if (existsSync(synthetic)) return { path: synthetic, synthetic: true };
  throw new PluginConfigError(
    `no "database" is set and there is no ${path}; set "database" to a GeoLite2-${kind} file (free, from maxmind.com) or put one there`,
    'database',
  );
}

/** The folder with `package.json`, from the sources and from the built package alike. */
function packageRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** Writes the synthetic databases of `geoip/`; with `--networks` larger ones, for measurements. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LANGUAGES, type Size, SMALL, writeAsnDatabase, writeCityDatabase } from './testDatabases.ts';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: join(import.meta.dirname, '../../geoip') },
    networks: { type: 'string' },
  },
});

const networks = Number(values.networks ?? SMALL.networks);
const size: Size =
  values.networks === undefined
    ? SMALL
    : { networks, cities: networks / 10, organisations: networks / 10, languages: LANGUAGES };

mkdirSync(values.folder, { recursive: true });
for (const [name, write] of [
  ['City', writeCityDatabase],
  ['ASN', writeAsnDatabase],
] as const) {
  const path = join(values.folder, `GeoLite2-${name}-Test.mmdb`);
  const bytes = write(size);
  writeFileSync(path, bytes);
  process.stdout.write(`${path}: ${bytes.length} bytes\n`);
}

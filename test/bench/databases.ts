/** GeoIP databases of the size and layout of real ones, with invented places. */
import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LANGUAGES, type Size, writeAsnDatabase, writeCityDatabase } from '../../scripts/geoip/testDatabases.ts';
import { generated } from './generated.ts';

const NETWORKS = 200_000;
const SIZE: Size = {
  networks: NETWORKS,
  cities: NETWORKS / 10,
  organisations: NETWORKS / 10,
  languages: LANGUAGES,
};

export interface Databases {
  readonly city: string;
  readonly asn: string;
}

export function databases(): Databases {
  const sources = [...globSync('scripts/geoip/*.ts').toSorted(), 'test/bench/databases.ts'];
  const folder = generated('databases', [...sources, 'src/plugins/filters/geoip/address.ts'], (directory) => {
    writeFileSync(join(directory, 'GeoLite2-City.mmdb'), writeCityDatabase(SIZE));
    writeFileSync(join(directory, 'GeoLite2-ASN.mmdb'), writeAsnDatabase(SIZE));
  });
  return { city: join(folder, 'GeoLite2-City.mmdb'), asn: join(folder, 'GeoLite2-ASN.mmdb') };
}

/** Places for test databases: the countries exist, their regions and cities do not. */
import { double, type MmdbMap, uint16, uint32 } from './mmdbValue.ts';
import { pick, type Random } from './random.ts';

/** Records of networks in one place: the same objects again and again, as the writer shares them. */
export interface Place {
  readonly country: string;
  readonly records: readonly MmdbMap[];
}

const CONTINENTS: Readonly<Record<string, string>> = {
  AF: 'Africa',
  AS: 'Asia',
  EU: 'Europe',
  NA: 'North America',
  OC: 'Oceania',
  SA: 'South America',
};

/** Code, name, continent, time zone, and about where its middle is. */
const COUNTRIES: readonly (readonly [string, string, string, string, number, number])[] = [
  ['AR', 'Argentina', 'SA', 'America/Argentina/Buenos_Aires', -34, -64],
  ['AU', 'Australia', 'OC', 'Australia/Sydney', -27, 133],
  ['BR', 'Brazil', 'SA', 'America/Sao_Paulo', -10, -55],
  ['CA', 'Canada', 'NA', 'America/Toronto', 60, -95],
  ['CN', 'China', 'AS', 'Asia/Shanghai', 35, 105],
  ['DE', 'Germany', 'EU', 'Europe/Berlin', 51, 9],
  ['EG', 'Egypt', 'AF', 'Africa/Cairo', 27, 30],
  ['ES', 'Spain', 'EU', 'Europe/Madrid', 40, -4],
  ['FR', 'France', 'EU', 'Europe/Paris', 46, 2],
  ['GB', 'United Kingdom', 'EU', 'Europe/London', 54, -2],
  ['ID', 'Indonesia', 'AS', 'Asia/Jakarta', -5, 120],
  ['IN', 'India', 'AS', 'Asia/Kolkata', 20, 77],
  ['IT', 'Italy', 'EU', 'Europe/Rome', 42.833, 12.833],
  ['JP', 'Japan', 'AS', 'Asia/Tokyo', 36, 138],
  ['KR', 'South Korea', 'AS', 'Asia/Seoul', 37, 127.5],
  ['MX', 'Mexico', 'NA', 'America/Mexico_City', 23, -102],
  ['NG', 'Nigeria', 'AF', 'Africa/Lagos', 10, 8],
  ['NL', 'Netherlands', 'EU', 'Europe/Amsterdam', 52.5, 5.75],
  ['PL', 'Poland', 'EU', 'Europe/Warsaw', 52, 20],
  ['SE', 'Sweden', 'EU', 'Europe/Stockholm', 62, 15],
  ['SG', 'Singapore', 'AS', 'Asia/Singapore', 1.367, 103.8],
  ['TR', 'Turkey', 'AS', 'Europe/Istanbul', 39, 35],
  ['US', 'United States', 'NA', 'America/Chicago', 38, -97],
  ['VN', 'Vietnam', 'AS', 'Asia/Ho_Chi_Minh', 16, 106],
  ['ZA', 'South Africa', 'AF', 'Africa/Johannesburg', -29, 24],
];

interface Country {
  readonly code: string;
  readonly base: MmdbMap;
  readonly regions: readonly (readonly MmdbMap[])[];
  readonly timeZone: string;
  readonly latitude: number;
  readonly longitude: number;
}

/**
 * Cities, and a few places that are a country only, or one without coordinates.
 * @param languages the first one is `en`; the others get the same name with the language behind it
 */
export function inventPlaces(random: Random, cities: number, languages: readonly string[]) {
  let lastId = 0;
  const named: Named = (name, more = {}) => ({
    geoname_id: uint32(++lastId),
    names: Object.fromEntries(languages.map((language, i) => [language, i === 0 ? name : `${name} (${language})`])),
    ...more,
  });
  const continents = new Map(Object.entries(CONTINENTS).map(([code, name]) => [code, named(name, { code })]));
  const countries = COUNTRIES.map(([code, name, continent, timeZone, latitude, longitude]): Country => {
    const record = named(name, { iso_code: code });
    const regions = Array.from({ length: 8 }, (_, i) => [
      named(`${inventName(random)} Province`, { iso_code: `${i + 1}` }),
    ]);
    const base = { continent: continents.get(continent) as MmdbMap, country: record, registered_country: record };
    return { code, base, regions, timeZone, latitude, longitude };
  });
  return {
    cities: Array.from({ length: cities }, () => inventCity(random, pick(random, countries), named)),
    countries: countries.map(({ code, base, latitude, longitude }): Place => {
      return { country: code, records: [{ ...base, location: location(latitude, longitude, 1000) }, base] };
    }),
  };
}

type Named = (name: string, more?: MmdbMap) => MmdbMap;

function inventCity(random: Random, country: Country, named: Named): Place {
  const metro: MmdbMap = country.code === 'US' ? { metro_code: uint16(500 + Math.floor(random() * 300)) } : {};
  const at = location(near(random, country.latitude), near(random, country.longitude), pick(random, [5, 10, 20, 50]));
  const record = {
    city: named(inventName(random)),
    ...country.base,
    location: { ...at, ...metro, time_zone: country.timeZone },
    subdivisions: pick(random, country.regions),
  };
  const postal = () => ({ code: String(10_000 + Math.floor(random() * 90_000)) });
  return { country: country.code, records: [record, { ...record, postal: postal() }, { ...record, postal: postal() }] };
}

function location(latitude: number, longitude: number, radius: number): MmdbMap {
  return { accuracy_radius: uint16(radius), latitude: double(latitude), longitude: double(longitude) };
}

const ORGANISATIONS = ['Telecom', 'Broadband', 'Hosting', 'Cloud', 'Mobile', 'University Network', 'Exchange', 'Cable'];

/** Numbers 64496 to 64511 and 65536 to 65551 are reserved for documentation, those from 4200000000 on for private use. */
export function asnRecords(random: Random, count: number): MmdbMap[] {
  return Array.from({ length: count }, (_, i) => ({
    autonomous_system_number: uint32(i < 16 ? 64_496 + i : i < 32 ? 65_520 + i : 4_200_000_000 + i),
    autonomous_system_organization: `${inventName(random)} ${pick(random, ORGANISATIONS)} (example)`,
  }));
}

const STARTS = [
  'Al',
  'Bran',
  'Cor',
  'Dun',
  'El',
  'Far',
  'Gal',
  'Hol',
  'Is',
  'Jor',
  'Kal',
  'Lor',
  'Mar',
  'Nor',
  'Os',
  'Pel',
];
const MIDDLES = ['a', 'en', 'i', 'o', 'ar', 'el', 'um', 'ir'];
const ENDS = ['bridge', 'burg', 'dale', 'ford', 'haven', 'mouth', 'port', 'stad', 'ton', 'vik', 'ville', 'wick'];

function inventName(random: Random): string {
  return pick(random, STARTS) + pick(random, MIDDLES) + pick(random, ENDS);
}

function near(random: Random, degrees: number): number {
  return Number((degrees + (random() - 0.5) * 3).toFixed(4));
}

/** Which kinds of MaxMind databases are known, and which of Logstash's fields each kind can give. */
import { PluginConfigError } from '../../../plugin-api/index.ts';

export type DatabaseKind = 'City' | 'Country' | 'ASN' | 'ISP';

/** Names as the option `fields` takes them, in the order of Logstash's enumeration, and the keys they give. */
const KEYS = {
  AUTONOMOUS_SYSTEM_NUMBER: 'asn',
  AUTONOMOUS_SYSTEM_ORGANIZATION: 'as_org',
  CITY_NAME: 'city_name',
  COUNTRY_NAME: 'country_name',
  CONTINENT_CODE: 'continent_code',
  CONTINENT_NAME: 'continent_name',
  COUNTRY_CODE2: 'country_code2',
  COUNTRY_CODE3: 'country_code3',
  IP: 'ip',
  ISP: 'isp',
  POSTAL_CODE: 'postal_code',
  DMA_CODE: 'dma_code',
  REGION_NAME: 'region_name',
  REGION_CODE: 'region_code',
  TIMEZONE: 'timezone',
  LOCATION: 'location',
  LATITUDE: 'latitude',
  LONGITUDE: 'longitude',
  ORGANIZATION: 'organization',
} as const;

export type GeoKey = (typeof KEYS)[keyof typeof KEYS];

const DEFAULT_KEYS: Readonly<Record<DatabaseKind, readonly GeoKey[]>> = {
  City: [
    'ip',
    'city_name',
    'continent_code',
    'country_name',
    'country_code2',
    'country_code3',
    'postal_code',
    'dma_code',
    'region_name',
    'region_code',
    'timezone',
    'location',
    'latitude',
    'longitude',
  ],
  Country: ['ip', 'country_code2', 'country_name', 'continent_name'],
  ASN: ['ip', 'asn', 'as_org'],
  ISP: ['ip', 'asn', 'as_org', 'isp', 'organization'],
};

/** What a kind can give beyond its defaults. */
const MORE_KEYS: Readonly<Partial<Record<DatabaseKind, readonly GeoKey[]>>> = { City: ['continent_name'] };

/** DB-IP's free databases have the layout of GeoLite2; Logstash refuses them, we need not. */
const TYPES: readonly (readonly [RegExp, DatabaseKind])[] = [
  [/^GeoLite2-City$|^GeoIP2-City(-(Africa|Asia-Pacific|Europe|North-America|South-America))?$|^DBIP-City\b/, 'City'],
  [/^(GeoLite2|GeoIP2)-Country$|^DBIP-Country\b/, 'Country'],
  [/^GeoLite2-ASN$|^DBIP-ASN\b/, 'ASN'],
  [/^GeoIP2-ISP$/, 'ISP'],
];

export const SUPPORTED_TYPES = 'GeoLite2-City, GeoLite2-Country, GeoLite2-ASN, GeoIP2-City, GeoIP2-Country, GeoIP2-ISP';

/** The kind of a database by the type that its metadata names. */
export function databaseKind(type: string): DatabaseKind | undefined {
  return TYPES.find(([pattern]) => pattern.test(type))?.[1];
}

/**
 * The keys that the option `fields` names; none means the kind's defaults.
 * @throws PluginConfigError for an unknown name, in Logstash's words
 */
export function parseFields(names: readonly string[]): GeoKey[] {
  return names.map((name) => {
    const known = name.toUpperCase();
    if (Object.hasOwn(KEYS, known)) return KEYS[known as keyof typeof KEYS];
    throw new PluginConfigError(
      `illegal field value ${name}. valid values are [${Object.keys(KEYS).join(', ')}]`,
      'fields',
    );
  });
}

/** Keys to fill in from a database: those wanted of those it has. */
export function keysToFill(kind: DatabaseKind, wanted: readonly GeoKey[]): GeoKey[] {
  const defaults = DEFAULT_KEYS[kind];
  if (wanted.length === 0) return [...defaults];
  return [...defaults, ...(MORE_KEYS[kind] ?? [])].filter((key) => wanted.includes(key));
}

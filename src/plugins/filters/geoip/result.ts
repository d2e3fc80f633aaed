/** Makes Logstash's fields of a database record. */
import { floatValue, type Value, type ValueMap } from '../../../event/value.ts';
import type { DatabaseKind, GeoKey } from './databaseKinds.ts';

/** Where in a record each field stands. Of the subdivisions the last one is the most specific. */
const PATHS: Readonly<Record<Exclude<GeoKey, 'ip' | 'location'>, string>> = {
  asn: 'autonomous_system_number',
  as_org: 'autonomous_system_organization',
  isp: 'isp',
  organization: 'organization',
  city_name: 'city.names.en',
  continent_code: 'continent.code',
  continent_name: 'continent.names.en',
  country_name: 'country.names.en',
  country_code2: 'country.iso_code',
  // Logstash puts the two-letter code here too.
  country_code3: 'country.iso_code',
  postal_code: 'postal.code',
  dma_code: 'location.metro_code',
  region_name: 'subdivisions.names.en',
  region_code: 'subdivisions.iso_code',
  timezone: 'location.time_zone',
  latitude: 'location.latitude',
  longitude: 'location.longitude',
};

const INTEGERS: ReadonlySet<GeoKey> = new Set(['asn', 'dma_code']);
const DOUBLES: ReadonlySet<GeoKey> = new Set(['latitude', 'longitude']);

/** The parts of a record that the fields are made of. */
export function wantedPaths(kind: DatabaseKind, keys: readonly GeoKey[]): string[] {
  const paths = keys.flatMap((key) => (key === 'ip' || key === 'location' ? [] : [PATHS[key]]));
  return kind === 'City' ? [...paths, PATHS.latitude, PATHS.longitude] : paths;
}

/**
 * The result for a record, with an empty `ip` to fill in; `undefined` when it would have no field. A City record without
 * coordinates counts as none, as in Logstash.
 */
export type Shape = (record: unknown) => ValueMap | undefined;

export function compileShape(kind: DatabaseKind, keys: readonly GeoKey[]): Shape {
  const latitude = field('latitude');
  const longitude = field('longitude');
  const plain = keys.flatMap((key) => (key === 'ip' || key === 'location' ? [] : [{ key, read: field(key) }]));
  const wantsIp = keys.includes('ip');
  const wantsLocation = keys.includes('location');
  return (record) => {
    const lat = latitude(record);
    const lon = longitude(record);
    if (kind === 'City' && lat === undefined && lon === undefined) return undefined;
    const result: ValueMap = wantsIp ? { ip: '' } : {};
    for (const { key, read } of plain) {
      const value = read(record);
      if (value !== undefined) result[key] = value;
    }
    if (wantsLocation && lat !== undefined && lon !== undefined) result['location'] = { lat, lon };
    return Object.keys(result).length === 0 ? undefined : result;
  };
}

type Read = (record: unknown) => Value | undefined;

function field(key: keyof typeof PATHS): Read {
  const path = PATHS[key].split('.');
  const convert = INTEGERS.has(key) ? integer : DOUBLES.has(key) ? double : text;
  return (record) => convert(at(record, path));
}

function at(record: unknown, path: readonly string[]): unknown {
  let current = record;
  for (const key of path) {
    if (Array.isArray(current)) current = current.at(-1);
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return current;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function integer(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}

/** Coordinates print with a fraction even where they are whole. */
function double(value: unknown): Value | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? floatValue(value) : undefined;
}

/** Makes Logstash's fields of a database record. */
import { jsonText } from '../../../event/jsonWriter.ts';
import { floatValue, type Value } from '../../../event/value.ts';
import type { DatabaseKind, GeoKey } from './databaseKinds.ts';

/** A decoded record. A damaged file may hold anything anywhere, so that each value's type is looked at. */
interface GeoRecord {
  readonly autonomous_system_number?: unknown;
  readonly autonomous_system_organization?: unknown;
  readonly isp?: unknown;
  readonly organization?: unknown;
  readonly city?: Named;
  readonly continent?: Named & { readonly code?: unknown };
  readonly country?: Named;
  readonly location?: {
    readonly latitude?: unknown;
    readonly longitude?: unknown;
    readonly metro_code?: unknown;
    readonly time_zone?: unknown;
  };
  readonly postal?: { readonly code?: unknown };
  readonly subdivisions?: readonly Named[];
}

interface Named {
  readonly names?: { readonly en?: unknown };
  readonly iso_code?: unknown;
}

type Read = (record: GeoRecord) => Value | undefined;

/** Where in a record each field stands, as a path to decode and as a function to read what was decoded. */
const FIELDS: Readonly<Record<Exclude<GeoKey, 'ip' | 'location'>, readonly [path: string, read: Read]>> = {
  asn: ['autonomous_system_number', (record) => integer(record.autonomous_system_number)],
  as_org: ['autonomous_system_organization', (record) => text(record.autonomous_system_organization)],
  isp: ['isp', (record) => text(record.isp)],
  organization: ['organization', (record) => text(record.organization)],
  city_name: ['city.names.en', (record) => text(record.city?.names?.en)],
  continent_code: ['continent.code', (record) => text(record.continent?.code)],
  continent_name: ['continent.names.en', (record) => text(record.continent?.names?.en)],
  country_name: ['country.names.en', (record) => text(record.country?.names?.en)],
  country_code2: ['country.iso_code', (record) => text(record.country?.iso_code)],
  // Logstash puts the two-letter code here too.
  country_code3: ['country.iso_code', (record) => text(record.country?.iso_code)],
  postal_code: ['postal.code', (record) => text(record.postal?.code)],
  dma_code: ['location.metro_code', (record) => integer(record.location?.metro_code)],
  region_name: ['subdivisions.names.en', (record) => text(mostSpecific(record)?.names?.en)],
  region_code: ['subdivisions.iso_code', (record) => text(mostSpecific(record)?.iso_code)],
  timezone: ['location.time_zone', (record) => text(record.location?.time_zone)],
  latitude: ['location.latitude', (record) => double(record.location?.latitude)],
  longitude: ['location.longitude', (record) => double(record.location?.longitude)],
};

/** The parts of a record that the fields are made of. */
export function wantedPaths(kind: DatabaseKind, keys: readonly GeoKey[]): string[] {
  const paths = keys.flatMap((key) => (key === 'ip' || key === 'location' ? [] : FIELDS[key][0]));
  return kind === 'City' ? [...paths, FIELDS.latitude[0], FIELDS.longitude[0]] : paths;
}

/** The JSON text of a network's result without its braces, such as `"asn":5,"as_org":"x"`; `undefined` when there is none. */
export type Describe = (record: unknown) => string | undefined;

/**
 * What a record gives to each of its addresses, but for `ip`. A City record without coordinates counts as none, as in
 * Logstash.
 */
export function compileDescription(kind: DatabaseKind, keys: readonly GeoKey[]): Describe {
  const fields = keys.flatMap((key) => {
    return key === 'ip' || key === 'location' ? [] : [{ start: `,"${key}":`, read: FIELDS[key][1] }];
  });
  const wantsLocation = keys.includes('location');
  return (decoded) => {
    const record = decoded as GeoRecord;
    const lat = double(record.location?.latitude);
    const lon = double(record.location?.longitude);
    if (kind === 'City' && lat === undefined && lon === undefined) return undefined;
    let json = '';
    for (const { start, read } of fields) {
      const value = read(record);
      if (value !== undefined) json += start + jsonText(value);
    }
    if (wantsLocation && lat !== undefined && lon !== undefined) {
      json += `,"location":{"lat":${jsonText(lat)},"lon":${jsonText(lon)}}`;
    }
    return json.slice(1);
  };
}

function mostSpecific({ subdivisions }: GeoRecord): Named | undefined {
  return Array.isArray(subdivisions) ? (subdivisions.at(-1) as Named | undefined) : undefined;
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

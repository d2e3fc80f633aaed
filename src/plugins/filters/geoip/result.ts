/** Makes Logstash's fields of a database record. */
import { floatValue, type Value, type ValueMap } from '../../../event/value.ts';
import type { DatabaseKind, GeoKey } from './databaseKinds.ts';

type Extract = (record: unknown) => Value | undefined;

const EXTRACT: Readonly<Record<Exclude<GeoKey, 'ip' | 'location'>, Extract>> = {
  asn: integerAt('autonomous_system_number'),
  as_org: textAt('autonomous_system_organization'),
  isp: textAt('isp'),
  organization: textAt('organization'),
  city_name: textAt('city', 'names', 'en'),
  continent_code: textAt('continent', 'code'),
  continent_name: textAt('continent', 'names', 'en'),
  country_name: textAt('country', 'names', 'en'),
  country_code2: textAt('country', 'iso_code'),
  // Logstash puts the two-letter code here too.
  country_code3: textAt('country', 'iso_code'),
  postal_code: textAt('postal', 'code'),
  dma_code: integerAt('location', 'metro_code'),
  region_name: (record) => textAt('names', 'en')(mostSpecificSubdivision(record)),
  region_code: (record) => textAt('iso_code')(mostSpecificSubdivision(record)),
  timezone: textAt('location', 'time_zone'),
  latitude: doubleAt('location', 'latitude'),
  longitude: doubleAt('location', 'longitude'),
};

/**
 * The result for a record, with an empty `ip` for the caller to fill in; `undefined` when it would have no field. A City
 * record without coordinates counts as none, as in Logstash.
 */
export function shapeResult(kind: DatabaseKind, keys: readonly GeoKey[], record: unknown): ValueMap | undefined {
  const latitude = EXTRACT.latitude(record);
  const longitude = EXTRACT.longitude(record);
  if (kind === 'City' && latitude === undefined && longitude === undefined) return undefined;
  const result: ValueMap = {};
  for (const key of keys) {
    if (key === 'ip') result['ip'] = '';
    else if (key === 'location') {
      if (latitude !== undefined && longitude !== undefined) result['location'] = { lat: latitude, lon: longitude };
    } else {
      const value = EXTRACT[key](record);
      if (value !== undefined) result[key] = value;
    }
  }
  return Object.keys(result).length === 0 ? undefined : result;
}

function at(record: unknown, path: readonly string[]): unknown {
  let current = record;
  for (const key of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return current;
}

function mostSpecificSubdivision(record: unknown): unknown {
  const subdivisions = at(record, ['subdivisions']);
  return Array.isArray(subdivisions) ? subdivisions.at(-1) : undefined;
}

function textAt(...path: string[]): Extract {
  return (record) => {
    const value = at(record, path);
    return typeof value === 'string' ? value : undefined;
  };
}

function integerAt(...path: string[]): Extract {
  return (record) => {
    const value = at(record, path);
    return Number.isSafeInteger(value) ? (value as number) : undefined;
  };
}

function doubleAt(...path: string[]): Extract {
  return (record) => {
    const value = at(record, path);
    return typeof value === 'number' && Number.isFinite(value) ? floatValue(value) : undefined;
  };
}

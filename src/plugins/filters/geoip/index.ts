import { basename } from 'node:path';
import type { Event } from '../../../event/event.ts';
import { type FieldReference, parseFieldReference } from '../../../event/fieldReference.ts';
import type { PlainText } from '../../../event/jsonFields.ts';
import { isMap, type Value } from '../../../event/value.ts';
import {
  defineFilter,
  type FilterContext,
  number,
  oneOf,
  PluginConfigError,
  path,
  string,
  stringArray,
} from '../../../plugin-api/index.ts';
import { isSpecialIpv4, isSpecialPurpose, parseAddress, parseDottedQuad } from './address.ts';
import { type Database, openDatabase } from './database.ts';
import { keysToFill, parseFields } from './databaseKinds.ts';
import { defaultDatabase } from './defaultDatabase.ts';
import type { GeoResult } from './geoResult.ts';
import { Lookup } from './lookup.ts';

export const geoip = defineFilter({
  name: 'geoip',
  summary: 'Adds where an IP address is, or whose network it is in, from a MaxMind database.',
  options: {
    source: string({
      doc: 'Field with the IP address; of a list the first element. Host names are not resolved.',
      required: true,
    }),
    database: path({
      doc: 'MaxMind DB file of a City, Country, ASN or ISP database.',
      defaultDoc: '`GeoLite2-City.mmdb` or `GeoLite2-ASN.mmdb` in the folder `geoip`',
    }),
    default_database_type: oneOf(['City', 'ASN'])({
      doc: 'Which file to use when `database` is not set.',
      default: 'City',
    }),
    fields: stringArray({
      doc: 'Which fields to set, by name in any case.',
      default: [],
      defaultDoc: 'all usual ones of the database',
    }),
    target: string({ doc: 'Field that takes the result.', default: 'geoip' }),
    cache_size: number({ doc: 'How many results to keep ready.', default: 65_536 }),
    tag_on_failure: stringArray({ doc: 'Tags to add when nothing was found.', default: ['_geoip_lookup_failure'] }),
  },
  examples: [
    {
      title: 'Country of an address',
      config: 'geoip { source => "remote" target => "remote_geoip" fields => ["ip", "country_code2"] }',
      in: { remote: '8.8.8.8' },
      out: { remote: '8.8.8.8', remote_geoip: { ip: '8.8.8.8', country_code2: 'US' } },
    },
    {
      title: 'An address that no database has',
      config: 'geoip { source => "remote" }',
      in: { remote: '10.0.0.1' },
      out: { remote: '10.0.0.1', geoip: {}, tags: ['_geoip_lookup_failure'] },
    },
  ],
  check({ fields }) {
    parseFields(fields);
  },
  fieldTypes({ target, fields, database, default_database_type: type }) {
    const wanted = parseFields(fields);
    // What a file holds is known only when it is open; its name mostly tells.
    const isCity = database === undefined ? type === 'City' : !/asn|isp|country/i.test(basename(database));
    return FIELD_TYPES.filter(({ key }) => (wanted.length === 0 ? isCity || key === 'ip' : wanted.includes(key))).map(
      ({ key, type: fieldType }) => ({ field: `${bracketed(target)}[${key}]`, type: fieldType }),
    );
  },
  async create(options, context) {
    const source = reference('source', options.source);
    const target = reference('target', options.target);
    const wanted = parseFields(options.fields);
    const database = await open(options.database, options.default_database_type, context);
    const lookup = new Lookup(database, keysToFill(database.kind, wanted), options.cache_size);
    const failures = counters(context);

    function fail(event: Event, reason: keyof typeof failures): false {
      failures[reason].value++;
      for (const tag of options.tag_on_failure) event.tag(tag);
      return false;
    }

    function miss(event: Event, reason: keyof typeof failures): false {
      try {
        if ((event.get(target) ?? null) === null) event.set(target, {});
      } catch {
        return fail(event, 'bad_target');
      }
      return fail(event, reason);
    }

    const hits = context.counter('hits');

    function hit(event: Event, result: GeoResult): boolean {
      if (!merge(event, target, result)) return fail(event, 'bad_target');
      hits.value++;
      return true;
    }

    function applyToText(event: Event): boolean {
      const text = firstText(event.get(source));
      if (typeof text !== 'string') return fail(event, text === undefined ? 'missing' : 'invalid');
      if (isBlank(text)) return fail(event, 'blank');
      const address = parseAddress(text);
      if (address === undefined) return miss(event, 'invalid');
      const result = lookup.find(address);
      if (typeof result !== 'string') return hit(event, result);
      return miss(event, result === 'not_found' && isSpecialPurpose(address) ? 'private' : result);
    }

    const found: PlainText = { bytes: Buffer.alloc(0), start: 0, end: 0 };
    return {
      apply(event) {
        if (!event.findText(source, found)) return applyToText(event);
        const { bytes, start, end } = found;
        const ipv4 = parseDottedQuad(bytes, start, end);
        if (ipv4 === undefined) return applyToText(event);
        const result = lookup.findIpv4(ipv4, bytes, start - 1, end + 1);
        if (typeof result !== 'string') return hit(event, result);
        return miss(event, result === 'not_found' && isSpecialIpv4(ipv4) ? 'private' : result);
      },
    };
  },
});

const FIELD_TYPES = [
  { key: 'ip', type: 'ip' },
  { key: 'location', type: 'geo_point' },
  { key: 'latitude', type: 'half_float' },
  { key: 'longitude', type: 'half_float' },
] as const;

function bracketed(target: string): string {
  return target.startsWith('[') ? target : `[${target}]`;
}

function counters(context: FilterContext) {
  return {
    missing: context.counter('missing'),
    blank: context.counter('blank'),
    invalid: context.counter('invalid'),
    private: context.counter('private'),
    not_found: context.counter('not_found'),
    damaged: context.counter('damaged'),
    bad_target: context.counter('bad_target'),
  };
}

async function open(given: string | undefined, kind: 'City' | 'ASN', context: FilterContext): Promise<Database> {
  const chosen = given === undefined ? defaultDatabase(kind) : { path: given, synthetic: false };
  const database = await context.shared(`geoip ${chosen.path}`, () => openDatabase(chosen.path));
  const { path: file, description, builtAt } = database;
  context.logger.info('Using geoip database', { path: file, description, built: builtAt.toISOString() });
  if (chosen.synthetic) {
    context.logger.warn(
      `geoip has no "database": using ${chosen.path}, which is invented data (${database.description}); see geoip/README.md on getting the real one`,
    );
  }
  return database;
}

/** The text to look up, `undefined` for none, `null` for a value that Logstash's worker dies of. */
function firstText(value: Value | undefined): string | null | undefined {
  if (value === undefined || value === null) return undefined;
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : null;
}

/** By Java's `trim`, which knows no blanks beyond ASCII. */
function isBlank(text: string): boolean {
  return text.charCodeAt(0) <= 32 ? /^[\0- ]*$/.test(text) : text === '';
}

/** False when the target holds a scalar, of which Logstash's worker dies. A list is left as it is, and that is a success. */
function merge(event: Event, target: FieldReference, result: GeoResult): boolean {
  if (event.addEncoded(target, result)) return true;
  const existing = event.get(target) ?? null;
  if (existing === null) {
    try {
      event.setEncoded(target, result);
    } catch {
      return false;
    }
    return true;
  }
  if (isMap(existing)) {
    Object.assign(existing, result.toMap());
    return true;
  }
  return Array.isArray(existing);
}

function reference(option: string, text: string): FieldReference {
  try {
    return parseFieldReference(text);
  } catch (error) {
    throw new PluginConfigError((error as Error).message, option, error);
  }
}

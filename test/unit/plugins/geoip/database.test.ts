import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { type CityResponse, Reader } from 'maxmind';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../scripts/geoip/random.ts';
import { writeAsnDatabase, writeCityDatabase } from '../../../../scripts/geoip/testDatabases.ts';
import { type Address, parseAddress } from '../../../../src/plugins/filters/geoip/address.ts';
import { openDatabase } from '../../../../src/plugins/filters/geoip/database.ts';
import type { RecordReader } from '../../../../src/plugins/filters/geoip/recordReader.ts';
import { Wanted } from '../../../../src/plugins/filters/geoip/wanted.ts';
import { testContext } from '../../../support/pluginContext.ts';
import { counts, createGeoip, run, temporaryFile, testDatabase } from './support.ts';

const PATHS = [
  ...['autonomous_system_number', 'autonomous_system_organization', 'isp', 'organization', 'postal.code'],
  ...['city.names.en', 'continent.code', 'continent.names.en', 'country.iso_code', 'country.names.en'],
  ...['subdivisions.[].iso_code', 'subdivisions.[].names.en', 'location.latitude', 'location.longitude'],
  ...['location.metro_code', 'location.time_zone'],
];

const DATABASES: readonly (readonly [name: string, path: string])[] = [
  ...['GeoLite2-City-Test', 'GeoIP2-City-Test', 'GeoLite2-Country-Test', 'GeoLite2-ASN-Test', 'GeoIP2-ISP-Test'].map(
    (name) => [name, testDatabase(name)] as const,
  ),
  [
    'a synthetic City',
    temporaryFile(writeCityDatabase({ networks: 500, cities: 50, organisations: 0, languages: ['en', 'ja'] })),
  ],
  [
    'a synthetic ASN',
    temporaryFile(writeAsnDatabase({ networks: 500, cities: 0, organisations: 50, languages: ['en'] })),
  ],
];

describe('what we read is what maxmind reads', () => {
  it.each(DATABASES)('%s', async (_name, path) => {
    const oracle = new Reader<CityResponse>(readFileSync(path));
    const { tree, reader } = await openDatabase(path);
    const different: string[] = [];
    let records = 0;
    for (const { text, record: whole } of [...networks(oracle, 32), ...networks(oracle, 128)]) {
      const offset = tree.find(parse(text));
      const values = offset < 0 ? null : valuesAt(reader, offset);
      const expected = whole === null ? null : PATHS.map((path) => valueIn(whole, path.split('.')));
      if (!isDeepStrictEqual(values, expected)) different.push(text);
      if (values !== null) records++;
    }
    expect(different).toEqual([]);
    expect(records).toBeGreaterThan(100);
  });
});

describe('files that are no database for geoip', () => {
  const city = readFileSync(testDatabase('GeoLite2-City-Test'));

  it.each([
    [
      'GeoIP2-Anonymous-IP-Test',
      'is of type GeoIP2-Anonymous-IP, which geoip does not support; use one of GeoLite2-City',
    ],
    ['GeoIP2-Enterprise-Test', 'is of type GeoIP2-Enterprise, which geoip does not support'],
    ['MaxMind-DB-test-decoder', 'is of type MaxMind DB Decoder Test, which geoip does not support'],
    ['MaxMind-DB-test-broken-pointers-24', 'is of type Test, which geoip does not support'],
    ['MaxMind-DB-test-broken-search-tree-24', 'is of type Test, which geoip does not support'],
    ['MaxMind-DB-no-ipv4-search-tree', 'is of type MaxMind DB No IPv4 Search Tree, which geoip does not support'],
    [
      'GeoIP2-City-Test-Invalid-Node-Count',
      'is damaged: it should hold 100000 nodes but ends before that; get it anew',
    ],
    ['missing', 'cannot be read: ENOENT'],
  ])('%s', async (name, reason) => {
    await expectRefused(testDatabase(name), reason);
  });

  it.each([
    ['an empty one', Buffer.alloc(0), 'is empty'],
    ['a text', Buffer.from('hello'), 'is no MaxMind DB file, or was cut off'],
    ['a compressed one', Buffer.from([0x1f, 0x8b, 8, 0]), 'is compressed: unpack it with gunzip'],
    ['one cut off in the middle', city.subarray(0, city.length / 2), 'is no MaxMind DB file, or was cut off'],
    ['one cut off in its metadata', city.subarray(0, city.length - 40), 'is damaged'],
    ['one without its front', city.subarray(12_000), 'is damaged: it should hold'],
  ])('%s', async (_name, bytes, reason) => {
    await expectRefused(temporaryFile(bytes), reason);
  });
});

describe('damaged databases', () => {
  it('tags and counts a record that makes no sense', async () => {
    const { filter, context } = await createGeoip({ database: testDatabase('GeoIP2-City-Test-Broken-Double-Format') });
    const texts = ['2.125.160.216', '81.2.69.142', '2001:218::1'];
    for (const ip of texts) {
      const { out, success } = run(filter, JSON.stringify({ ip }));
      expect(out).toEqual({ ip, geoip: {}, tags: ['_geoip_lookup_failure'] });
      expect(success).toBe(false);
    }
    expect(counts(context)).toEqual({ damaged: texts.length });
  });

  it('neither throws nor hangs on bytes changed at random', async () => {
    const random = seededRandom(7);
    const whole = readFileSync(testDatabase('GeoLite2-City-Test'));
    const texts = [...networks(new Reader(whole), 32)].filter((_, i) => i % 5 === 0).map(({ text }) => text);
    let damaged = 0;
    for (let round = 0; round < 60; round++) {
      const bytes = Buffer.from(whole);
      const treeAndData = whole.lastIndexOf(Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'));
      for (let i = 0; i < 300; i++) bytes[Math.floor(random() * treeAndData)] = Math.floor(random() * 256);
      const context = testContext();
      const { filter } = await createGeoip({ database: temporaryFile(bytes) }, context);
      for (const ip of texts) run(filter, JSON.stringify({ ip }));
      damaged += counts(context)['damaged'] ?? 0;
    }
    expect(damaged).toBeGreaterThan(0);
  });
});

describe('an open database', () => {
  it('is opened once for all filters of a process', async () => {
    const opened: string[] = [];
    const context = testContext();
    const shared: typeof context.shared = (key, open) => {
      return context.shared(key, () => {
        opened.push(key);
        return open();
      });
    };
    const both = testContext({ shared });
    await Promise.all([1, 2].map(() => createGeoip({ database: testDatabase('GeoLite2-ASN-Test') }, both)));
    expect(opened).toEqual([`geoip ${testDatabase('GeoLite2-ASN-Test')}`]);
  });
});

async function expectRefused(path: string, reason: string): Promise<void> {
  const refusal = expect.objectContaining({
    name: 'PluginConfigError',
    option: 'database',
    message: expect.stringContaining(`the database ${path} ${reason}`),
  });
  await expect(createGeoip({ database: path })).rejects.toEqual(refusal);
}

function parse(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
}

/** Every network and every gap, as the oracle cuts them: the first address, and the record or null. */
function* networks(oracle: Reader<CityResponse>, bits: 32 | 128): Generator<{ text: string; record: unknown }> {
  const end = 1n << BigInt(bits);
  // IPv4 networks come again in an IPv6 tree at ::/96, where the oracle has no texts for them.
  for (let first = bits === 32 ? 0n : 1n << 96n; first < end; ) {
    const text = bits === 32 ? ipv4Text(Number(first)) : ipv6Text(first);
    const [record, length] = oracle.getWithPrefixLength(text);
    yield { text, record };
    first += 1n << BigInt(bits - length);
  }
}

function ipv4Text(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

function ipv6Text(address: bigint): string {
  return Array.from({ length: 8 }, (_, i) => ((address >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(':');
}

const WANTED = Wanted.of(PATHS);

/** What the reader finds at each of the paths. */
function valuesAt(reader: RecordReader, offset: number): (string | number | undefined)[] {
  const places = new Int32Array(PATHS.length);
  reader.locate(offset, WANTED, places);
  return PATHS.map((path) => {
    const place = places[WANTED.numberOf(path)] as number;
    return reader.readText(place)
      ? reader.bytes.toString('utf8', reader.textStart, reader.textEnd)
      : reader.readNumber(place);
  });
}

function valueIn(record: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined) return record;
  if (key === '[]') return valueIn((record as unknown[] | undefined)?.at(-1), rest);
  return valueIn((record as Record<string, unknown> | undefined)?.[key], rest);
}

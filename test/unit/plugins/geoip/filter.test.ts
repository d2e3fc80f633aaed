import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { double } from '../../../../scripts/geoip/mmdbValue.ts';
import { MmdbWriter } from '../../../../scripts/geoip/mmdbWriter.ts';
import { Event } from '../../../../src/event/event.ts';
import { encodeJson, parseJson } from '../../../../src/event/json.ts';
import type { Value, ValueMap } from '../../../../src/event/value.ts';
import type { Filter } from '../../../../src/plugin-api/index.ts';
import { defaultDatabase } from '../../../../src/plugins/filters/geoip/defaultDatabase.ts';
import { geoip } from '../../../../src/plugins/filters/geoip/index.ts';
import { silentLogger } from '../../../../src/util/logger.ts';
import { reportFault, testContext } from '../../../support/pluginContext.ts';
import { counts, createGeoip, metadata, run, temporaryFile, testDatabase } from './support.ts';

const LONDON =
  '{"ip":"81.2.69.142","city_name":"London","continent_code":"EU","country_name":"United Kingdom","country_code2":"GB",' +
  '"country_code3":"GB","region_name":"England","region_code":"ENG","timezone":"Europe/London","latitude":51.5142,' +
  '"longitude":-0.0931,"location":{"lat":51.5142,"lon":-0.0931}}';
const TAGS = '"tags":["_geoip_lookup_failure"]';

/** Each as Logstash gave it, unless the name says that its worker died. */
const CITY_CASES: readonly (readonly [name: string, given: string, expected: string, counter: string])[] = [
  ['a hit', '{"ip":"81.2.69.142"}', `{"ip":"81.2.69.142","geoip":${LONDON}}`, 'hits'],
  ['an unusual text', '{"ip":"081.002.069.142"}', `{"ip":"081.002.069.142","geoip":${LONDON}}`, 'hits'],
  ['a private address', '{"ip":"10.0.0.1"}', `{"ip":"10.0.0.1","geoip":{},${TAGS}}`, 'private'],
  ['an unknown address', '{"ip":"9.9.9.9"}', `{"ip":"9.9.9.9","geoip":{},${TAGS}}`, 'not_found'],
  ['a host name', '{"ip":"localhost"}', `{"ip":"localhost","geoip":{},${TAGS}}`, 'invalid'],
  ['a text with a blank', '{"ip":"81.2.69.142 "}', `{"ip":"81.2.69.142 ","geoip":{},${TAGS}}`, 'invalid'],
  ['a blank beyond ASCII', '{"ip":"\u00a0"}', `{"ip":"\u00a0","geoip":{},${TAGS}}`, 'invalid'],
  ['no source', '{"a":1}', `{"a":1,${TAGS}}`, 'missing'],
  ['a null source', '{"ip":null}', `{"ip":null,${TAGS}}`, 'missing'],
  ['an empty source', '{"ip":""}', `{"ip":"",${TAGS}}`, 'blank'],
  ['a blank source', '{"ip":" \\t\\n"}', `{"ip":" \\t\\n",${TAGS}}`, 'blank'],
  ['a list', '{"ip":["81.2.69.142","x"]}', `{"ip":["81.2.69.142","x"],"geoip":${LONDON}}`, 'hits'],
  [
    'a list that starts with a miss',
    '{"ip":["10.0.0.1","81.2.69.142"]}',
    `{"ip":["10.0.0.1","81.2.69.142"],"geoip":{},${TAGS}}`,
    'private',
  ],
  ['a list that starts blank', '{"ip":[""]}', `{"ip":[""],${TAGS}}`, 'blank'],
  ['an empty list (worker died)', '{"ip":[]}', `{"ip":[],${TAGS}}`, 'invalid'],
  ['a list of null (worker died)', '{"ip":[null]}', `{"ip":[null],${TAGS}}`, 'invalid'],
  ['a list in a list (worker died)', '{"ip":[["81.2.69.142"]]}', `{"ip":[["81.2.69.142"]],${TAGS}}`, 'invalid'],
  ['a number (worker died)', '{"ip":5}', `{"ip":5,${TAGS}}`, 'invalid'],
  ['a boolean (worker died)', '{"ip":false}', `{"ip":false,${TAGS}}`, 'invalid'],
  ['a map (worker died)', '{"ip":{"a":1}}', `{"ip":{"a":1},${TAGS}}`, 'invalid'],
  [
    'a hit over a map',
    '{"ip":"81.2.69.142","geoip":{"own":1,"city_name":"x"}}',
    `{"ip":"81.2.69.142","geoip":{"own":1,${LONDON.slice(1)}}`,
    'hits',
  ],
  ['a hit over null', '{"ip":"81.2.69.142","geoip":null}', `{"ip":"81.2.69.142","geoip":${LONDON}}`, 'hits'],
  ['a hit over a list', '{"ip":"81.2.69.142","geoip":["a"]}', '{"ip":"81.2.69.142","geoip":["a"]}', 'hits'],
  [
    'a hit over a text (worker died)',
    '{"ip":"81.2.69.142","geoip":"old"}',
    `{"ip":"81.2.69.142","geoip":"old",${TAGS}}`,
    'bad_target',
  ],
  ['a miss over null', '{"ip":"10.0.0.1","geoip":null}', `{"ip":"10.0.0.1","geoip":{},${TAGS}}`, 'private'],
  [
    'a miss over a map',
    '{"ip":"10.0.0.1","geoip":{"own":1}}',
    `{"ip":"10.0.0.1","geoip":{"own":1},${TAGS}}`,
    'private',
  ],
  ['a miss over a text', '{"ip":"10.0.0.1","geoip":"old"}', `{"ip":"10.0.0.1","geoip":"old",${TAGS}}`, 'private'],
  [
    'an earlier tag',
    '{"ip":"10.0.0.1","tags":["_geoip_lookup_failure"]}',
    `{"ip":"10.0.0.1","geoip":{},${TAGS}}`,
    'private',
  ],
];

describe('geoip with a City database', () => {
  it.each(CITY_CASES)('%s', async (_name, given, expected, counter) => {
    const { filter, context } = await createGeoip({ database: testDatabase('GeoLite2-City-Test') });
    const { out, success } = run(filter, given);
    expect(out).toStrictEqual(parse(expected));
    expect(success).toBe(counter === 'hits');
    expect(counts(context)).toEqual({ [counter]: 1 });
  });

  it('keeps whole coordinates doubles, and prints IPv6 as Java does', async () => {
    const { filter } = await createGeoip({
      database: testDatabase('GeoLite2-City-Test'),
      fields: ['ip', 'latitude', 'location'],
    });
    const { out } = run(filter, '{"ip":"2001:220::1"}');
    expect(encodeJson(out['geoip'] as Value)).toBe(
      '{"ip":"2001:220:0:0:0:0:0:1","latitude":37.0,"location":{"lat":37.0,"lon":127.5}}',
    );
  });

  it('takes the most specific subdivision, and the metro code as an integer', async () => {
    const { filter } = await createGeoip({
      database: testDatabase('GeoLite2-City-Test'),
      fields: ['REGION_NAME', 'Region_Code', 'dma_code', 'postal_code'],
    });
    expect(run(filter, '{"ip":"2.125.160.216"}').out['geoip']).toStrictEqual({
      region_name: 'West Berkshire',
      region_code: 'WBK',
      postal_code: 'OX1',
    });
    expect(run(filter, '{"ip":"216.160.83.56"}').out['geoip']).toMatchObject({ dma_code: 819, postal_code: '98354' });
  });

  it('counts a record without coordinates as a miss, even for other fields', async () => {
    const writer = new MmdbWriter(metadata('GeoLite2-City'));
    writer.insert('9.0.0.0/8', { country: { iso_code: 'US' } });
    writer.insert('11.0.0.0/8', { country: { iso_code: 'US' }, location: { latitude: double(5) } });
    const { filter } = await createGeoip({ database: temporaryFile(writer.toBuffer()) });
    for (const ip of ['9.1.2.3', '9.1.2.4', '9.1.2.3']) {
      expect(run(filter, `{"ip":"${ip}"}`).out).toStrictEqual(parse(`{"ip":"${ip}","geoip":{},${TAGS}}`));
    }
    expect(run(filter, '{"ip":"11.1.2.3"}').out['geoip']).toStrictEqual(
      parse('{"ip":"11.1.2.3","country_code2":"US","country_code3":"US","latitude":5.0}'),
    );
  });
});

describe('options of geoip', () => {
  const database = testDatabase('GeoLite2-City-Test');

  it.each([
    ['no fields', [], '81.2.69.142', LONDON],
    ['one field', ['city_name'], '81.2.69.142', '{"city_name":"London"}'],
    ['the ip alone', ['ip'], '2001:218::1', '{"ip":"2001:218:0:0:0:0:0:1"}'],
    ['a field that is not usual', ['continent_name'], '81.2.69.142', '{"continent_name":"Europe"}'],
    ['fields that the record lacks', ['postal_code'], '2001:218::1', '{}'],
    ['fields that the database lacks', ['AUTONOMOUS_SYSTEM_NUMBER'], '81.2.69.142', '{}'],
  ])('fields: %s', async (_name, fields, ip, expected) => {
    const { filter } = await createGeoip({ database, fields });
    const { out, success } = run(filter, JSON.stringify({ ip }));
    expect(out['geoip']).toStrictEqual(parse(expected));
    expect(success).toBe(expected !== '{}');
    expect(out['tags']).toEqual(expected === '{}' ? ['_geoip_lookup_failure'] : undefined);
  });

  it.each(['nope', 'asn', 'as_org'])('fields: refuses %s', async (name) => {
    await expect(createGeoip({ database, fields: [name] })).rejects.toMatchObject({
      name: 'PluginConfigError',
      option: 'fields',
      message: `illegal field value ${name}. valid values are [AUTONOMOUS_SYSTEM_NUMBER, AUTONOMOUS_SYSTEM_ORGANIZATION, CITY_NAME, COUNTRY_NAME, CONTINENT_CODE, CONTINENT_NAME, COUNTRY_CODE2, COUNTRY_CODE3, IP, ISP, POSTAL_CODE, DMA_CODE, REGION_NAME, REGION_CODE, TIMEZONE, LOCATION, LATITUDE, LONGITUDE, ORGANIZATION]`,
    });
    expect(() => geoip.check?.({ fields: [name] }, reportFault)).toThrow('illegal field value');
  });

  it.each([
    [
      'a nested target',
      { target: '[src][geo]' },
      '{"ip":"81.2.69.142","src":{"k":1}}',
      `{"ip":"81.2.69.142","src":{"k":1,"geo":${LONDON}}}`,
    ],
    [
      'a nested target on a miss',
      { target: '[src][geo]' },
      '{"ip":"10.0.0.1"}',
      `{"ip":"10.0.0.1","src":{"geo":{}},${TAGS}}`,
    ],
    [
      'a target in a text',
      { target: '[src][geo]' },
      '{"ip":"81.2.69.142","src":"x"}',
      `{"ip":"81.2.69.142","src":"x",${TAGS}}`,
    ],
    [
      'a target in a text on a miss',
      { target: '[src][geo]' },
      '{"ip":"10.0.0.1","src":"x"}',
      `{"ip":"10.0.0.1","src":"x",${TAGS}}`,
    ],
    [
      'a nested source',
      { source: '[c][ip]' },
      '{"c":{"ip":"81.2.69.142"}}',
      `{"c":{"ip":"81.2.69.142"},"geoip":${LONDON}}`,
    ],
    ['an element as source', { source: '[a][0]' }, '{"a":["81.2.69.142"]}', `{"a":["81.2.69.142"],"geoip":${LONDON}}`],
    ['an element of a text', { source: '[a][0]' }, '{"a":"81.2.69.142"}', `{"a":"81.2.69.142",${TAGS}}`],
    [
      'other tags',
      { tag_on_failure: ['a', 'b'] },
      '{"ip":"10.0.0.1"}',
      '{"ip":"10.0.0.1","geoip":{},"tags":["a","b"]}',
    ],
    ['no tags', { tag_on_failure: [] }, '{"ip":""}', '{"ip":""}'],
    ['no cache', { cache_size: 0 }, '{"ip":"81.2.69.142"}', `{"ip":"81.2.69.142","geoip":${LONDON}}`],
  ])('%s', async (_name, options, given, expected) => {
    const { filter } = await createGeoip({ database, ...options });
    expect(run(filter, given).out).toStrictEqual(parse(expected));
  });

  it.each(['source', 'target'])('refuses a %s that is no field reference', async (option) => {
    await expect(createGeoip({ database, [option]: 'a[b' })).rejects.toMatchObject({
      name: 'PluginConfigError',
      option,
    });
  });
});

describe('results of geoip', () => {
  const database = testDatabase('GeoLite2-City-Test');

  it("are the event's own: what is done to one shows in no other", async () => {
    const { filter } = await createGeoip({ database });
    spoil(filter);
    expect(run(filter, '{"ip":"81.2.69.142"}').out['geoip']).toStrictEqual(parse(LONDON));
  });

  it('are right for many addresses with caches of any size', async () => {
    const addresses = Array.from({ length: 300 }, (_, i) => `2.125.160.${i % 256}`).concat(
      '81.2.69.142',
      '67.43.156.1',
    );
    const { filter: reference } = await createGeoip({ database, cache_size: 0 });
    const expected = addresses.map((ip) => run(reference, JSON.stringify({ ip })).out);
    for (const cache_size of [-1, 1, 2, 1000]) {
      const { filter } = await createGeoip({ database, cache_size });
      for (let round = 0; round < 2; round++) {
        expect(addresses.map((ip) => run(filter, JSON.stringify({ ip })).out)).toStrictEqual(expected);
      }
    }
  });

  it('of two filters with one target merge', async () => {
    const { filter: city } = await createGeoip({ database, fields: ['city_name'] });
    const { filter: country } = await createGeoip({ database: testDatabase('GeoLite2-Country-Test') });
    const event = new Event(parse('{"ip":"81.2.69.142"}') as ValueMap, {});
    expect([city.apply(event), country.apply(event)]).toEqual([true, true]);
    expect(event.data['geoip']).toEqual({
      ip: '81.2.69.142',
      city_name: 'London',
      country_code2: 'GB',
      country_name: 'United Kingdom',
      continent_name: 'Europe',
    });
  });
});

describe('geoip without a database', () => {
  it('uses the synthetic one and warns', async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => warnings.push(message) };
    const { filter } = await createGeoip({ default_database_type: 'ASN' }, testContext({ logger }));
    expect(run(filter, '{"ip":"8.8.8.8"}').out['geoip']).toMatchObject({ ip: '8.8.8.8', asn: expect.any(Number) });
    expect(warnings).toEqual([
      expect.stringMatching(/GeoLite2-ASN-Test\.mmdb.*synthetic.*about \d+ networks.*geoip\/README\.md/),
    ]);
  });

  it('prefers a real one in the same folder, and says what to do when there is none', () => {
    const folder = mkdtempSync(join(tmpdir(), 'geoip-'));
    expect(() => defaultDatabase('City', folder)).toThrow(/no "database" is set.*GeoLite2-City\.mmdb/);
    writeFileSync(join(folder, 'GeoLite2-City-Test.mmdb'), '');
    expect(defaultDatabase('City', folder)).toEqual({ path: join(folder, 'GeoLite2-City-Test.mmdb'), synthetic: true });
    writeFileSync(join(folder, 'GeoLite2-City.mmdb'), '');
    expect(defaultDatabase('City', folder)).toEqual({ path: join(folder, 'GeoLite2-City.mmdb'), synthetic: false });
  });
});

function parse(json: string): Value {
  return parseJson(json, 'double');
}

function spoil(filter: Filter): void {
  const { out } = run(filter, '{"ip":"81.2.69.142"}');
  const result = out['geoip'] as ValueMap;
  (result['location'] as ValueMap)['lat'] = 'spoilt';
  result['city_name'] = 'spoilt';
  delete result['latitude'];
}

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fieldTypesByOutput } from '../../../src/compiler/index.ts';
import { build } from './support.ts';

/** For each output the fields whose types are known, as `field: type`. */
async function typesIn(text: string): Promise<string[][]> {
  const { pipeline } = await build(text);
  return [...fieldTypesByOutput(pipeline).values()].map((types) => types.map(({ field, type }) => `${field}: ${type}`));
}

const CITY = [
  '[geo][ip]: ip',
  '[geo][location]: geo_point',
  '[geo][latitude]: half_float',
  '[geo][longitude]: half_float',
];
const GEO = 'geoip { source => "a" target => "geo" }';
const N = 'mutate { convert => { "n" => "integer" } }';

describe('types of fields by filter', () => {
  it.each<[string, string, string[]]>([
    [
      'conversions',
      'mutate { convert => { "[a][b]" => "integer" "c" => "float_eu" "d" => "boolean" "e" => "string" } }',
      ['[a][b]: integer', 'c: float', 'd: boolean', 'e: keyword'],
    ],
    ['a city', GEO, CITY],
    [
      'a nested target',
      'geoip { source => "a" target => "[x][y]" fields => ["location"] }',
      ['[x][y][location]: geo_point'],
    ],
    ['other fields', 'geoip { source => "a" fields => ["CITY_NAME", "ip"] }', ['[geoip][ip]: ip']],
    ['networks', 'geoip { source => "a" default_database_type => "ASN" }', ['[geoip][ip]: ip']],
    ['networks by file', 'geoip { source => "a" database => "/x/GeoLite2-ASN.mmdb" }', ['[geoip][ip]: ip']],
    ['another file', 'geoip { source => "a" target => "geo" database => "/x/mine.mmdb" }', CITY],
    ['filters that say nothing', 'json { source => "a" }', []],
  ])('%s', async (_name, filter, types) => {
    expect(await typesIn(`filter { ${filter} } output { stdout { } }`)).toEqual([types]);
  });
});

describe('types of fields by output', () => {
  const two = (first: string, second: string) => `output { if ${first} { null { } } else if ${second} { stdout { } } }`;

  it.each<[string, string, string[][]]>([
    ['without conditions', `filter { ${N} } output { stdout { } null { } }`, [['n: integer'], ['n: integer']]],
    [
      'in the same branch',
      `filter { if [t] == "a" { ${N} } } ${two('[t] == "a"', '[t] == "b"')}`,
      [['n: integer'], []],
    ],
    [
      'in an else',
      `filter { if [t] == "a" { } else { ${N} } } ${two('[t] == "a"', '[t] == "b"')}`,
      [[], ['n: integer']],
    ],
    [
      'in another else if',
      `filter { if [x] { ${GEO} } else if [t] == "a" { ${N} } } ${two('[t]  ==  "a"', '[x]')}`,
      [[...CITY, 'n: integer'], CITY],
    ],
    [
      'negated',
      `filter { if ![x] { ${N} } } output { if [x] { null { } } if !([x]) { stdout { } } }`,
      [[], ['n: integer']],
    ],
    ['not in', `filter { if [t] not in ["a"] { ${N} } } ${two('[t] in ["a"]', '[y]')}`, [[], ['n: integer']]],
    [
      'of several conditions',
      `filter { if [x] and [y] { ${N} } } output { if ![y] { null { } } if [x] { stdout { } } }`,
      [[], ['n: integer']],
    ],
    [
      'that no condition excludes',
      `filter { if [x] or [y] { ${N} } } output { if ![y] { null { } } }`,
      [['n: integer']],
    ],
    [
      'nested',
      `filter { if [x] { if [y] { ${N} } } } output { if [x] { null { } } else { stdout { } } }`,
      [['n: integer'], []],
    ],
  ])('%s', async (_name, text, expected) => {
    expect(await typesIn(text)).toEqual(expected);
  });

  it("are in the user's pipeline where the addresses are", async () => {
    const text = readFileSync(new URL('../../data/seed.conf', import.meta.url), 'utf8');
    const types = await typesIn(text);
    expect(types.map((each) => each.filter((type) => type.includes('geo_point')))).toEqual([
      ['[remote_geoip][location]: geo_point'],
      ['[remote_geoip][location]: geo_point'],
      [],
      [],
    ]);
    expect(types[0]).toContain('code: integer');
  });
});

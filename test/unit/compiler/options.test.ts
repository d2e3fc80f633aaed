/** How texts of a configuration become values of options, by Logstash's rules. */
import { describe, expect, it } from 'vitest';
import * as schema from '../../../src/plugin-api/index.ts';
import { type ConfigValue, configText, OptionError, Secret } from '../../../src/plugin-api/index.ts';
import { build, filterOptions } from './support.ts';

const context: schema.OptionContext = {
  fileExists: (path) => path === '/there',
  codec: () => {
    throw new OptionError('no codec here');
  },
};

const doc = { doc: 'Of a test.' };
const hash = (...pairs: [string, ConfigValue][]): ConfigValue => new Map(pairs);

function table(
  title: string,
  spec: schema.OptionSpec<unknown>,
  rows: readonly (readonly [ConfigValue, unknown])[],
): void {
  describe(title, () => {
    it.each(rows.map(([value, result]) => [configText(value), value, result] as const))(
      '%s',
      (_text, value, result) => {
        if (result instanceof OptionError) expect(() => spec.parse(value, context)).toThrow(result.message);
        else expect(spec.parse(value, context)).toEqual(result);
      },
    );
  });
}

const refused = (message: string) => new OptionError(message);

table('string', schema.string(doc), [
  ['x', 'x'],
  ['', ''],
  [5, '5'],
  [['x'], 'x'],
  [[], ''],
  [hash(['a', 'b']), '{"a"=>"b"}'],
  [['a', 'b'], refused('Expected string, got ["a", "b"]')],
]);

table('number', schema.number(doc), [
  [5, 5],
  ['5', 5],
  ['-1.50', -1.5],
  ['1.', 1],
  [['7'], 7],
  ['x', refused('Expected number, got x (type String)')],
  ['', refused('Expected number')],
  ['1e3', refused('Expected number')],
  ['0x10', refused('Expected number')],
  [' 5', refused('Expected number')],
  [['1', '2'], refused('Expected number, got ["1", "2"]')],
  [hash(), refused('Expected number')],
]);

table('boolean', schema.boolean(doc), [
  ['true', true],
  ['false', false],
  [['true'], true],
  ['TRUE', refused("Expected boolean 'true' or 'false', got \"TRUE\"")],
  [1, refused('Expected boolean')],
  ['', refused('Expected boolean')],
]);

table('array', schema.array(doc), [
  [
    ['a', 1],
    ['a', 1],
  ],
  ['a', ['a']],
  [[], []],
  [
    hash(['a', 1], ['b', 2]),
    [
      ['a', 1],
      ['b', 2],
    ],
  ],
]);

table('array of strings', schema.stringArray(doc), [
  [
    ['a', 1, ['b']],
    ['a', '1', '["b"]'],
  ],
  ['a', ['a']],
]);

table('hash', schema.hash(doc), [
  [hash(['a', 1]), new Map([['a', 1]])],
  [
    ['a', 'b', 'c', 'd'],
    new Map([
      ['a', 'b'],
      ['c', 'd'],
    ]),
  ],
  [['a', 'b', 'a', 'c'], new Map([['a', ['b', 'c']]])],
  [['a', 'b', 'c'], refused('This field must contain an even number of items, got 3')],
  ['a', refused('even number of items, got 1')],
]);

table('one of', schema.oneOf(['a', 'b'])(doc), [
  ['a', 'a'],
  [['b'], 'b'],
  ['c', refused('Expected one of ["a","b"], got "c"')],
  ['A', refused('Expected one of')],
]);

table('bytes', schema.bytes(doc), [
  [1024, 1024],
  ['10 MiB', 10 * 1024 ** 2],
  ['10mb', 10_000_000],
  ['1.5 KiB', 1536],
  ['2g', 2_000_000_000],
  ['1 TiB', 1024 ** 4],
  ['7b', 7],
  ['10 XB', refused('Unparseable filesize: 10 XB')],
  ['-1', refused('Unparseable filesize')],
  ['', refused('Unparseable filesize')],
]);

table('path', schema.path(doc), [
  ['/there', '/there'],
  ['/missing', refused('File does not exist or cannot be opened /missing')],
]);

describe('uri', () => {
  const parse = (value: ConfigValue) => schema.uri(doc).parse(value, context) as URL;
  it.each([
    ['http://h:1/p', 'http://h:1/p'],
    ['localhost:9200', 'unset://localhost:9200'],
    ['//127.0.0.1', 'unset://127.0.0.1'],
  ])('%s', (text, href) => {
    expect(parse(text).href).toBe(href);
  });

  it('shows no credentials in JSON nor in its refusal', () => {
    const url = parse('http://me:pass@h/');
    expect([url.password, JSON.stringify(url)]).toEqual(['pass', '"http://<credentials>@h/"']);
    expect(() => parse('http://me:pass@[::')).toThrow('Expected a URI, got "http://<credentials>@[::"');
  });

  it('several stand in one text or in a list', () => {
    const list = schema.uriList(doc).parse(['http://a http://b', 'c:1'], context) as URL[];
    expect(list.map(({ href }) => href)).toEqual(['http://a/', 'http://b/', 'unset://c:1']);
  });
});

it('a password shows itself only when asked', () => {
  const value = schema.password(doc).parse('pass', context);
  expect(value).toBeInstanceOf(Secret);
  expect([`${value}`, JSON.stringify({ value })]).toEqual(['<password>', '{"value":"<password>"}']);
  expect((value as Secret).reveal()).toBe('pass');
});

describe('an option that is written twice', () => {
  it.each<[string, string, unknown]>([
    [
      'hashes merge',
      'rename => { "a" => "b" } rename => { "c" => "d" }',
      new Map([
        ['a', 'b'],
        ['c', 'd'],
      ]),
    ],
    ['a key of both has both', 'rename => { "a" => "b" } rename => { "a" => "c" }', new Map([['a', ['b', 'c']]])],
  ])('%s', async (_name, block, value) => {
    expect((await filterOptions(`mutate { ${block} }`)).options['rename']).toEqual(value);
  });

  it.each<[string, string, unknown]>([
    ['lists are joined', 'strip => ["a"] strip => ["b", "c"]', ['a', 'b', 'c']],
    ['a list and a text', 'strip => ["a"] strip => "b"', ['a', 'b']],
    ['equal texts collapse', 'strip => "a" strip => "a"', ['a']],
    ['different texts become a list', 'strip => "a" strip => "b"', ['a', 'b']],
  ])('%s', async (_name, block, value) => {
    expect((await filterOptions(`mutate { ${block} }`)).options['strip']).toEqual(value);
  });

  it('different texts are too many for one string', async () => {
    const { faults } = await filterOptions('json { source => "a" source => "b" }');
    expect(faults).toEqual(['LST304 1:41 invalid `source` of filter `json`: Expected string, got ["a", "b"]']);
  });

  it('equal ones are one string', async () => {
    const { options, faults } = await filterOptions('json { source => "a" source => "a" }');
    expect([options['source'], faults]).toEqual(['a', []]);
  });
});

describe('${VAR}', () => {
  const variables = { HOST: 'h1', EMPTY: '', 'a.b_1': 'dots', QUOTE: '" } drop { }', NESTED: '${HOST}' };
  it.each([
    ['${HOST}', 'h1'],
    ['<${HOST}-${HOST}>', '<h1-h1>'],
    ['${NONE:default}', 'default'],
    ['${NONE:}', ''],
    ['${NONE:a:b}', 'a:b'],
    ['${HOST:default}', 'h1'],
    ['${EMPTY:default}', ''],
    ['${a.b_1}', 'dots'],
    ['${QUOTE}', '" } drop { }'],
    ['${NESTED}', '${HOST}'],
    ['${1X}', '${1X}'],
    ['$HOST', '$HOST'],
    ['${HOST', '${HOST'],
    ['%{HOST}', '%{HOST}'],
  ])('%s', async (text, value) => {
    const { options, faults } = await filterOptions(`json { source => '${text}' }`, { variables });
    expect([options['source'], faults]).toEqual([value, []]);
  });

  it('goes into lists and values of hashes, not into keys', async () => {
    const { options } = await filterOptions('mutate { strip => ["${HOST}"] rename => { "${HOST}" => "${HOST}" } }', {
      variables,
    });
    expect([options['strip'], options['rename']]).toEqual([['h1'], new Map([['${HOST}', 'h1']])]);
  });

  it('becomes a number or boolean where one is wanted', async () => {
    const { options } = await filterOptions('drop { percentage => "${P}" periodic_flush => "${B}" }', {
      variables: { P: '5', B: 'true' },
    });
    expect([options['percentage'], options['periodic_flush']]).toEqual([5, true]);
  });

  it('is left alone in conditions', async () => {
    const { run } = await build('filter { if [a] == "${HOST}" { drop { } } } output { null { } }', { variables });
    expect(run('{"a":"h1"}').reached).toEqual([0]);
    expect(run('{"a":"${HOST}"}').reached).toEqual([]);
  });

  it('without a value is a fault with its place', async () => {
    const { faults } = await filterOptions('json { source => "${NONE}" }');
    expect(faults).toEqual([expect.stringMatching(/^LST308 1:27 Cannot evaluate `\$\{NONE\}`\. Replacement variable/)]);
  });
});

describe('escapes', () => {
  it.each([
    [false, String.raw`a\nb`, String.raw`a\nb`],
    [true, String.raw`a\nb\t\r\\\'`, "a\nb\t\r\\'"],
    [true, String.raw`\x\q`, String.raw`\x\q`],
  ])('support %s: %s', async (supportEscapes, text, value) => {
    const { options } = await filterOptions(`json { source => "${text}" }`, { supportEscapes });
    expect(options['source']).toBe(value);
  });
});

describe('ids', () => {
  const idsOf = async (text: string) => {
    const { pipeline, faults } = await build(text);
    const ids = pipeline.filters.flatMap((statement) => (statement.type === 'plugin' ? [statement.plugin.id] : []));
    return { ids, faults: faults() };
  };

  it('are made of the place: the same each time, and different for each plugin', async () => {
    const text = 'filter { drop { } drop { } }';
    const [first, again] = [await idsOf(text), await idsOf(text)];
    expect(first.ids).toEqual(again.ids);
    expect(new Set(first.ids).size).toBe(2);
    expect(first.ids[0]).toMatch(/^[0-9a-f]{32}$/);
  });

  it('that are given must be unique', async () => {
    const { faults } = await idsOf('filter { drop { id => "a" }\n drop { id => "a" } }');
    expect(faults).toEqual(["LST309 2:15 Two plugins have the id 'a'"]);
  });
});

import { describe, expect, test } from 'vitest';
import type { PluginNode } from '../../../src/config/ast.ts';
import { createParser } from '../../../src/config/grammar.ts';
import { createLexer } from '../../../src/config/tokens.ts';
import { bare, conditionOf, parse, places, statementsOf } from './support.ts';

function optionsOf(text: string): unknown {
  const plugin = statementsOf(`filter { x { ${text} } }`)[0] as PluginNode;
  return plugin.attributes.map(({ name, value }) => [name, bare(value)]);
}

const string = (value: string, quote: string | null = '"'): unknown => ({ type: 'string', value, quote });
const field = (text: string): unknown => ({ type: 'field', text });
const truthy = (text: string): unknown => ({ type: 'truthy', operand: field(text) });

test('the definitions pass Chevrotain’s own checks', () => {
  expect(createLexer(false).lexerDefinitionErrors).toEqual([]);
  expect(createParser(false).errors).toEqual([]);
});

describe('values', () => {
  test.each<[string, unknown]>([
    ['a => "x"', [['a', string('x')]]],
    ['a => \'it "is"\'', [['a', string('it "is"', "'")]]],
    ['a => "say \\"hi\\""', [['a', string('say \\"hi\\"')]]],
    ['a => "two\nlines"', [['a', string('two\nlines')]]],
    ['a => bare_1', [['a', string('bare_1', null)]]],
    ['a => true', [['a', string('true', null)]]],
    ['a => 007', [['a', { type: 'number', text: '007' }]]],
    ['a => -1.50', [['a', { type: 'number', text: '-1.50' }]]],
    ['a => []', [['a', { type: 'array', elements: [] }]]],
    ['a => {}', [['a', { type: 'hash', entries: [] }]]],
    ['"a b" => xx', [['a b', string('xx', null)]]],
    ['1a-_ => xx', [['1a-_', string('xx', null)]]],
    [
      'if => xx in => yy',
      [
        ['if', string('xx', null)],
        ['in', string('yy', null)],
      ],
    ],
    [
      'a => [ "x", # one\n yy, 5, ["z"] ]',
      [
        [
          'a',
          {
            type: 'array',
            elements: [
              string('x'),
              string('yy', null),
              { type: 'number', text: '5' },
              { type: 'array', elements: [string('z')] },
            ],
          },
        ],
      ],
    ],
    [
      'a=>"x" # note\n b=>"y"',
      [
        ['a', string('x')],
        ['b', string('y')],
      ],
    ],
    [
      'a => "x" a => "y"',
      [
        ['a', string('x')],
        ['a', string('y')],
      ],
    ],
  ])('%s', (text, expected) => {
    expect(optionsOf(text)).toEqual(expected);
  });

  test('hashes take strings, barewords and numbers as keys', () => {
    expect(optionsOf(`h => { "a" => 1 'b' => [] cc => { 5 => "x" } }`)).toEqual([
      [
        'h',
        {
          type: 'hash',
          entries: [
            { key: string('a'), value: { type: 'number', text: '1' } },
            { key: string('b', "'"), value: { type: 'array', elements: [] } },
            {
              key: string('cc', null),
              value: { type: 'hash', entries: [{ key: { type: 'number', text: '5' }, value: string('x') }] },
            },
          ],
        },
      ],
    ]);
  });

  test.each(['json { }', 'json{charset=>"UTF-8"}', '"json" { }', '5 { }', 'a-b { }'])(
    'a plugin as value: %s',
    (text) => {
      const [[, value]] = optionsOf(`codec => ${text}`) as [[string, { type: string; name: string }]];
      expect(value.type).toBe('plugin');
      expect(value.name).toBe(text.replace(/[ {].*|"/g, ''));
    },
  );
});

describe('statements', () => {
  test.each([
    ['1abc { }', '1abc'],
    ['-x { }', '-x'],
    ['if { }', 'if'],
    ['iffy { }', 'iffy'],
    ['if5x { }', 'if5x'],
    ['else { }', 'else'],
    ['filter { }', 'filter'],
  ])('%s is a plugin', (text, name) => {
    expect(statementsOf(`filter { ${text} }`).map((node) => node.type === 'plugin' && node.name)).toEqual([name]);
  });

  test('a quoted name keeps a mark', () => {
    expect(bare(statementsOf('filter { "mutate" { } }'))).toEqual([
      { type: 'plugin', name: 'mutate', nameQuoted: true, attributes: [] },
    ]);
  });

  test.each([
    ['if [a] { } else if [b] { } else { }', 2, true],
    ['if [a] { } elseif [b] { }', 2, false],
    ['if[a]{}else#c\nif[b]{}', 2, false],
    ['if"a"==[b]{}', 1, false],
    ['if5 { }', 1, false],
    ['if 5and6 { }', 1, false],
  ])('%s', (text, arms, otherwise) => {
    const [branch] = statementsOf(`filter { ${text} }`);
    expect(branch?.type === 'branch' && [branch.arms.length, branch.otherwise !== null]).toEqual([arms, otherwise]);
  });

  test.each([
    ['if [a] { } else { } else { }', ['branch', 'plugin']],
    ['if [a] { } mutate { } else { }', ['branch', 'plugin', 'plugin']],
    ['if [a] { } elsewhere { }', ['branch', 'plugin']],
    ['if [a] { } elseif { }', ['branch', 'plugin']],
    ['if [a] { } else { add_tag => "x" }', ['branch', 'plugin']],
    ['mutate{}mutate{}', ['plugin', 'plugin']],
  ])('%s', (text, types) => {
    expect(statementsOf(`filter { ${text} }`).map(({ type }) => type)).toEqual(types);
  });

  test('sections repeat in any order, and the last comment needs no newline', () => {
    const { config, diagnostics } = parse('output{}# a\ninput{} filter{} input{} # end');
    expect(diagnostics).toEqual([]);
    expect(config.sections.map(({ kind }) => kind)).toEqual(['output', 'input', 'filter', 'input']);
  });
});

describe('conditions', () => {
  test.each<[string, unknown]>([
    ['[a b]', truthy('[a b]')],
    ['["a"]', truthy('["a"]')],
    ['[a][ b ]', truthy('[a][ b ]')],
    ['[]', { type: 'truthy', operand: { type: 'array', elements: [] } }],
    ['"false"', { type: 'truthy', operand: string('false') }],
    ['! [a]', { type: 'not', operand: truthy('[a]') }],
    ['!( [a] )', { type: 'not', operand: truthy('[a]') }],
    ['((([a])))', truthy('[a]')],
    ['[a]=="x"', { type: 'compare', operator: '==', left: field('[a]'), right: string('x') }],
    ['5 <= [a]', { type: 'compare', operator: '<=', left: { type: 'number', text: '5' }, right: field('[a]') }],
    ['[a] =~ /x\\/y/', { type: 'match', negated: false, left: field('[a]'), right: { type: 'regex', source: 'x/y' } }],
    ['[a] !~ //', { type: 'match', negated: true, left: field('[a]'), right: { type: 'regex', source: '' } }],
    ['[a] =~ "x"', { type: 'match', negated: false, left: field('[a]'), right: string('x') }],
    ['[a]in[b]', { type: 'in', negated: false, left: field('[a]'), right: field('[b]') }],
    ['[a]not in["x"]', { type: 'in', negated: true, left: field('[a]'), right: field('["x"]') }],
    ['[a] not \n in 5', { type: 'in', negated: true, left: field('[a]'), right: { type: 'number', text: '5' } }],
    [
      '[a] in ["x", { "k" => 1 }]',
      {
        type: 'in',
        negated: false,
        left: field('[a]'),
        right: {
          type: 'array',
          elements: [
            string('x'),
            { type: 'hash', entries: [{ key: string('k'), value: { type: 'number', text: '1' } }] },
          ],
        },
      },
    ],
    ['[a] # note\n and\t[b]', { type: 'logical', operator: 'and', left: truthy('[a]'), right: truthy('[b]') }],
    [
      '[a] == 5and[b]',
      {
        type: 'logical',
        operator: 'and',
        left: { type: 'compare', operator: '==', left: field('[a]'), right: { type: 'number', text: '5' } },
        right: truthy('[b]'),
      },
    ],
    ['[a] xor [b]', { type: 'logical', operator: 'xor', left: truthy('[a]'), right: truthy('[b]') }],
  ])('%s', (text, expected) => {
    expect(bare(conditionOf(text))).toEqual(expected);
  });

  test('`and` binds tighter than `or`', () => {
    expect(shape(conditionOf('[a] or [b] and [c] or [d]'))).toBe('(([a] or ([b] and [c])) or [d])');
    expect(shape(conditionOf('[a] and [b] or [c]'))).toBe('(([a] and [b]) or [c])');
    expect(shape(conditionOf('([a] or [b]) and [c]'))).toBe('(([a] or [b]) and [c])');
    expect(shape(conditionOf('([a] xor [b]) and [c]'))).toBe('(([a] xor [b]) and [c])');
  });

  test('an `or` takes only the last `and` before it, as in Logstash', () => {
    expect(shape(conditionOf('[a] and [b] and [c] or [d]'))).toBe('([a] and (([b] and [c]) or [d]))');
  });

  test('long chains give shallow trees', () => {
    const text = Array.from({ length: 5000 }, () => '[a]').join(' or ');
    let depth = 0;
    for (let node = conditionOf(text); node.type === 'logical'; node = node.left) depth++;
    expect(depth).toBeLessThan(15);
  });

  test.each([
    ['[a] xor [b] xor [c]', 'LST105 1:17'],
    ['[a] and [b] nand [c]', 'LST105 1:25'],
    ['not ([a])', 'LST104 1:13'],
    ['len([a], "x") > 5', 'LST104 1:13'],
    ['[a] == /x/', 'LST106 1:20'],
    ['/x/ != [a]', 'LST106 1:13'],
    ['["x","y"] == [a]', 'LST106 1:13'],
    ['[a] == []', 'LST106 1:20'],
    ['["x","y"] in [tags]', 'LST106 1:13'],
    ['[a] in /x/', 'LST106 1:13'],
    ['5 =~ /5/', 'LST106 1:13'],
    ['[a] > 9223372036854775808', 'LST103 1:19'],
  ])('%s: %s', (condition, place) => {
    expect(places(`filter { if ${condition} { } }`)).toEqual([place]);
  });

  test.each(['! [a] == "x"', '!![a]', '[a] == true', '[a] in [b] in [c]', '[a] =~ [b]', '[a] not\nin [b]'])(
    '%s does not parse',
    (condition) => {
      expect(parse(`filter { if ${condition} { } }`).diagnostics.map(({ code }) => code)).toEqual(['LST101']);
    },
  );
});

describe('values that Logstash refuses', () => {
  test.each([
    ['9223372036854775807', []],
    ['-9223372036854775808', []],
    ['9223372036854775808', ['LST103 1:19']],
    ['-9223372036854775809', ['LST103 1:19']],
    ['0777777777777777777777', []],
    ['1.', ['LST103 1:19']],
    ['08', ['LST103 1:19']],
    ['[5, [99999999999999999999]]', ['LST103 1:24']],
    ['{ "a" => 1 "a" => 2 }', ['LST102 1:19']],
    [`{ "a" => 1 'a' => 2 }`, []],
    ['{ "a" => { "b" => 1 "b" => 2 } "c" => 99999999999999999999 }', ['LST102 1:28', 'LST103 1:57']],
    ['{ "a" => 1 # no\n "b" => 2 }', ['LST101 2:2']],
    ['"x"# note\n b => "y"', ['LST101 2:2']],
  ])('%s', (value, expected) => {
    expect(places(`filter { x { a => ${value} } }`)).toEqual(expected);
  });

  test('duplicate keys are told in Logstash’s words', () => {
    const [diagnostic] = parse(
      'input { stdin { } }\nfilter {\n  mutate { add_field => { "a" => "1" "a" => "3" } }\n}\n',
    ).diagnostics;
    expect(diagnostic?.message).toBe(
      'Duplicate keys found in your configuration: ["a"]\nAt line: 3, column 25 (byte 54)\nafter input { stdin { } }\nfilter {\n  mutate { add_field => {',
    );
  });
});

test('spans cover the text they came from', () => {
  const text = 'filter { if [a] in ["x", "y"] { mutate { id => "ü😀" } } else { } }';
  const { config } = parse(text);
  const covered: string[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, span } = node as { type?: string; span?: { start: number; end: number } };
    if (type && span) covered.push(`${type}: ${text.slice(span.start, span.end)}`);
    for (const child of Object.values(node)) visit(child);
  };
  visit(config.sections);
  expect(covered).toEqual([
    'branch: if [a] in ["x", "y"] { mutate { id => "ü😀" } } else { }',
    'in: [a] in ["x", "y"]',
    'field: [a]',
    'array: ["x", "y"]',
    'string: "x"',
    'string: "y"',
    'plugin: mutate { id => "ü😀" }',
    'string: "ü😀"',
  ]);
});

function shape(node: ReturnType<typeof conditionOf>): string {
  if (node.type === 'logical') return `(${shape(node.left)} ${node.operator} ${shape(node.right)})`;
  return node.type === 'truthy' && node.operand.type === 'field' ? node.operand.text : node.type;
}

import { describe, expect, test } from 'vitest';
import { processEscapes } from '../../../src/config/escapes.ts';
import { positionAt } from '../../../src/config/position.ts';
import { maskSecrets } from '../../../src/config/secrets.ts';
import { expandVariables, missingVariableMessage } from '../../../src/config/variables.ts';
import { closest } from '../../../src/util/closest.ts';

describe('expandVariables', () => {
  const values: Readonly<Record<string, string>> = { A: 'x', 'my.var_2': 'y', EMPTY: '', NESTED: '${A}' };
  const lookup = (name: string): string | undefined => values[name];

  test.each<[string, { text: string } | { missing: string }]>([
    ['plain', { text: 'plain' }],
    ['${A}', { text: 'x' }],
    ['a${A}b${my.var_2}c', { text: 'axbyc' }],
    ['${A:unused}', { text: 'x' }],
    ['${EMPTY:unused}', { text: '' }],
    ['${NOPE:a:b/c}', { text: 'a:b/c' }],
    ['${NOPE:}', { text: '' }],
    ['${NESTED}', { text: '${A}' }],
    ['${NOPE} ${A}', { missing: 'NOPE' }],
    ['${NOPE:x}${ALSO_NOT}${THIRD}', { missing: 'ALSO_NOT' }],
    ['${1A} ${} ${A', { text: '${1A} ${} ${A' }],
    ['$A %{A} $${A}', { text: '$A %{A} $x' }],
    ['${A B}', { text: '${A B}' }],
  ])('%s', (text, expected) => {
    expect(expandVariables(text, lookup)).toEqual(expected);
  });

  test('the message for a missing one is as recorded', () => {
    expect(missingVariableMessage('NOPE_X')).toBe(
      'Cannot evaluate `${NOPE_X}`. Replacement variable `NOPE_X` is not defined in a Logstash secret store or an environment entry and there is no default value given.',
    );
  });
});

test.each([
  ['a\\nb', 'a\nb'],
  ['\\r\\t\\"\\\'', '\r\t"\''],
  ['\\\\n', '\\n'],
  ['\\\\\\n', '\\\n'],
  ['\\d\\0\\u00e9', '\\d\\0\\u00e9'],
  ['end\\', 'end\\'],
  ['line\\\nend', 'line\\\nend'],
])('escapes of %j', (text, expected) => {
  expect(processEscapes(text)).toBe(expected);
});

test.each([
  ['', 0, [1, 1, 1]],
  ['abc', 2, [1, 3, 3]],
  ['a\nb', 1, [1, 2, 2]],
  ['a\nb', 2, [2, 1, 3]],
  ['a\r\nb', 3, [2, 1, 4]],
  ['한글 x', 3, [1, 4, 4]],
  ['😀\n😀x', 5, [2, 2, 4]],
] as const)('position in %j at %i', (text, offset, [line, column, byte]) => {
  expect(positionAt({ path: '', text }, offset)).toEqual({ line, column, byte });
});

describe('closest', () => {
  const options = ['source', 'target', 'database', 'add_field', 'add_tag', 'fields', 'id', 'stdin', 'stdout'];
  test.each([
    ['sorce', 'source'],
    ['soruce', 'source'],
    ['SOURCE', 'source'],
    ['databse', 'database'],
    ['add_feild', 'add_field'],
    ['field', 'fields'],
    ['stdot', 'stdout'],
    ['source', 'source'],
    ['xy', undefined],
    ['a', undefined],
    ['hosts', undefined],
    ['', undefined],
  ])('%s: %s', (word, expected) => {
    expect(closest(word, options)).toBe(expected);
  });
});

test.each([
  ['secret_access_key => "abc"', 'secret_access_key => "***"'],
  ["password=>'a b'", "password=>'***'"],
  ['"api_key" => "a\\"b" region => "x"', '"api_key" => "****" region => "x"'],
  ['password => "never closed', 'password => "************'],
  ['aws_secret: plain', 'aws_secret: *****'],
  ['hosts => ["https://me:pass@es:9200"]', 'hosts => ["https://me:****@es:9200"]'],
  ['access_key_id => "AKIA"', 'access_key_id => "****"'],
  ['region => "us-east-1"', 'region => "us-east-1"'],
])('secrets of %s', (text, expected) => {
  expect(maskSecrets(text)).toBe(expected);
});

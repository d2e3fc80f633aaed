/** Texts made to crash or to stall a reader of JSON: each ends soon, as an event that can be written again. */
import { describe, expect, it } from 'vitest';
import { encodeJson, mayHaveBracketKeys, parseJson } from '../../../src/event/json.ts';
import { json } from '../../../src/plugins/codecs/json.ts';
import { FAILURE_TAG } from '../../../src/plugins/codecs/jsonEvents.ts';
import { runCase } from '../../support/golden.ts';
import { testContext } from '../../support/pluginContext.ts';

const DEEP = 100_000;
const nested = (open: string, inner: string, close: string, depth = DEEP) =>
  `${open.repeat(depth)}${inner}${close.repeat(depth)}`;

function decode(text: string) {
  if (json.kind !== 'codec') throw new Error('json is a codec');
  return json.create({ charset: 'UTF-8' }, testContext())().decode(Buffer.from(text), 0);
}

describe('nested without end', () => {
  it.each([
    ['lists', nested('[', '', ']')],
    ['maps', nested('{"a":', '1', '}')],
    ['lists in a field', `{"a":${nested('[', '', ']')}}`],
    ['lists with a number to care for', `{"a":${nested('[', '1e5', ']')}}`],
    ['lists with a lone surrogate', `{"a":${nested('[', '"\\ud800"', ']')}}`],
    ['maps whose keys have brackets', nested('{"[a]":', '1', '}')],
    ['lists that never close', `{"a":${'['.repeat(DEEP)}`],
    ['maps and lists by turns', nested('[{"a":', '1', '}]')],
  ])(
    '%s',
    (_name, text) => {
      const [event, ...more] = decode(text);
      expect(more).toEqual([]);
      expect(event?.data['tags']).toEqual([FAILURE_TAG]);
      expect(event?.data['message']).toBe(text);
      expect(encodeJson(event?.data ?? {}).length).toBeGreaterThan(text.length);
    },
    5_000,
  );

  it('to a depth that can be written again is taken', () => {
    const text = `{"a":${nested('[', '', ']', 999)}}`;
    expect(encodeJson(decode(text)[0]?.data['a'] ?? null)).toBe(nested('[', '', ']', 999));
    expect(() => parseJson(`{"a":${nested('[', '', ']', 1000)}}`, 'double')).toThrow(RangeError);
  });

  it('is a failure of the json filter too', async () => {
    const record = Buffer.from(JSON.stringify({ source: nested('[', '', ']') }));
    const { outputs } = await runCase({
      config: 'filter { json { source => "source" target => "t" } }',
      records: [record],
    });
    const event = JSON.parse(outputs[0] ?? '');
    expect(event.tags).toEqual(['_jsonparsefailure']);
    expect(event).not.toHaveProperty('t');
  });

  it('many brackets side by side are no nesting', () => {
    const text = `{"a":[${'[],{},'.repeat(5_000)}"[[[["]}`;
    expect(encodeJson(parseJson(text, 'double'))).toBe(text);
  });
});

describe('long without end', () => {
  it.each([
    ['a text with garbage behind', `"${'x'.repeat(5_000_000)}" garbage`],
    ['a text of escapes', `"${'\\n'.repeat(1_000_000)}" garbage`],
    ['blanks', `{"a":1}${' '.repeat(1_000_000)}x`],
    ['colons', ':'.repeat(1_000_000)],
    ['digits', `{"a":${'1'.repeat(100_000)}`],
    ['brackets in a text', `{"a":"${'[\\"'.repeat(100_000)}`],
  ])(
    '%s',
    (_name, text) => {
      expect(decode(text)).toHaveLength(1);
    },
    5_000,
  );
});

it.each([
  ['{"a[b]":1}', true],
  ['{"[a][b]":1}', true],
  ['{"a]" : 1}', true],
  [String.raw`{"a[\"b":1}`, true],
  [String.raw`{"\u005ba":1}`, true],
  ['{"[[[[[a":1}', true],
  ['{"a":[1,2],"b":2}', false],
  ['{"a":"[b]"}', false],
])('whether %s may have a key with a bracket: %s', (text, answer) => {
  expect(mayHaveBracketKeys(text)).toBe(answer);
});

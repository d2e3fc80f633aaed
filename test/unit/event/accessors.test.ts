import { describe, expect, it } from 'vitest';
import { parseFieldReference } from '../../../src/event/fieldReference.ts';
import { encodeJson, parseJson } from '../../../src/event/json.ts';
import { eventOf, get, jsonOf, set } from './support.ts';

const DEEP = '{"a":{"b":[10,{"c":null},[1,2]]},"s":"text","n":5,"0":"key","null":null}';

describe('reading', () => {
  it.each<[string, unknown]>([
    ['s', 'text'],
    ['[s]', 'text'],
    ['[a][b][0]', 10],
    ['[a][b][1][c]', null],
    ['[a][b][2][1]', 2],
    ['[a][b][-1][0]', 1],
    ['[a][b][-3]', 10],
    ['[a][b][+1][c]', null],
    ['[a][b][00]', 10],
    ['[a][b][-0]', 10],
    ['[0]', 'key'],
    ['[null]', null],
    ['[missing]', undefined],
    ['[a][missing][c]', undefined],
    ['[a][b][3]', undefined],
    ['[a][b][-4]', undefined],
    ['[a][b][c]', undefined],
    ['[a][b][1.0]', undefined],
    ['[a][b][99999999999999999999]', undefined],
    ['[s][0]', undefined],
    ['[s][length]', undefined],
    ['[n][x]', undefined],
    ['[null][x]', undefined],
    ['[a][b][length]', undefined],
    ['[a][constructor]', undefined],
    ['constructor', undefined],
    ['__proto__', undefined],
    ['[a][__proto__]', undefined],
    ['toString', undefined],
  ])('%s', (reference, value) => {
    const event = eventOf(DEEP);
    expect(get(event, reference)).toEqual(value);
    expect(event.has(parseFieldReference(reference))).toBe(value !== undefined);
  });
});

describe('writing', () => {
  it.each<[string, string, string]>([
    ['a plain field', '{}', '{"f":1}'],
    ['over what is there', '{"f":{"x":2}}', '{"f":1}'],
  ])('%s', (_name, before, after) => {
    const event = eventOf(before);
    set(event, 'f', 1);
    expect(jsonOf(event)).toBe(after);
  });

  it.each<[string, string, string]>([
    ['{}', '[a][b][c]', '{"a":{"b":{"c":1}}}'],
    ['{}', '[a][0]', '{"a":{"0":1}}'],
    ['{"a":[]}', '[a][0]', '{"a":[1]}'],
    ['{"a":[9]}', '[a][3]', '{"a":[9,null,null,1]}'],
    ['{"a":[8,9]}', '[a][-1]', '{"a":[8,1]}'],
    ['{"a":[8,9]}', '[a][name]', '{"a":[8,9]}'],
    ['{"a":[8,9]}', '[a][name][x]', '{"a":[8,9]}'],
    ['{"a":[{}]}', '[a][0][b]', '{"a":[{"b":1}]}'],
    ['{}', '__proto__', '{"__proto__":1}'],
    ['{}', '[__proto__][polluted]', '{"__proto__":{"polluted":1}}'],
    ['{}', '[constructor][prototype][polluted]', '{"constructor":{"prototype":{"polluted":1}}}'],
  ])('%s: %s', (before, reference, after) => {
    const event = eventOf(before);
    set(event, reference, 1);
    expect(jsonOf(event)).toBe(after);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each([
    ['{"a":"scalar"}', '[a][b]'],
    ['{"a":5}', '[a][b]'],
    ['{"a":null}', '[a][b]'],
    ['{"a":true}', '[a][b][c]'],
    ['{"a":[8]}', '[a][-2]'],
    ['{"a":[8]}', '[a][0][b]'],
    ['{"a":[]}', '[a][999999999]'],
  ])('%s: %s is refused, and nothing is changed', (before, reference) => {
    const event = eventOf(before);
    expect(() => set(event, reference, 1)).toThrow('Could not set field');
    expect(jsonOf(event)).toBe(before);
  });

  it('refuses a @timestamp that is none, and @metadata that is no map', () => {
    const event = eventOf('{}');
    expect(() => set(event, '@timestamp', '2020-01-01T00:00:00Z')).toThrow('wrong argument type for @timestamp');
    expect(() => set(event, '@metadata', 'x')).toThrow('@metadata');
    set(event, '[a][@timestamp]', 'free there');
    set(event, '[@metadata][x]', 1);
    expect(jsonOf(event)).toBe('{"a":{"@timestamp":"free there"}}');
    expect(event.metadata).toEqual({ x: 1 });
  });
});

describe('removing', () => {
  it.each<[string, string, unknown]>([
    ['s', '{"a":{"b":[10,{"c":null},[1,2]]},"n":5,"0":"key","null":null}', 'text'],
    ['[a][b][0]', '{"0":"key","a":{"b":[{"c":null},[1,2]]},"s":"text","n":5,"null":null}', 10],
    ['[a][b][1][c]', '{"0":"key","a":{"b":[10,{},[1,2]]},"s":"text","n":5,"null":null}', null],
    ['[a][b][7]', DEEP, undefined],
    ['[s][x]', DEEP, undefined],
    ['[missing][x]', DEEP, undefined],
    ['toString', DEEP, undefined],
  ])('%s', (reference, after, removed) => {
    const event = eventOf(DEEP);
    expect(event.remove(parseFieldReference(reference))).toEqual(removed);
    expect(event.data).toEqual(parseJson(after, 'double'));
  });

  it('empties @metadata', () => {
    const event = eventOf('{}');
    set(event, '[@metadata][x]', 1);
    expect(event.remove(parseFieldReference('[@metadata]'))).toEqual({ x: 1 });
    expect(encodeJson(event.metadata)).toBe('{}');
    expect(event.has(parseFieldReference('[@metadata]'))).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import { fieldName, InvalidFieldReference, parseFieldReference } from '../../../src/event/fieldReference.ts';

describe('references', () => {
  it.each<[string, readonly string[], boolean]>([
    ['name', ['name'], false],
    ['with space', ['with space'], false],
    ['a.b-c', ['a.b-c'], false],
    ['[a]', ['a'], false],
    ['[a][b][c]', ['a', 'b', 'c'], false],
    ['[[a][b]][c]', ['a', 'b', 'c'], false],
    ['[[a]]', ['a'], false],
    ['["a"]', ['"a"'], false],
    ['[ a ]', [' a '], false],
    ['[0]', ['0'], false],
    ['[list][-1]', ['list', '-1'], false],
    ['@timestamp', ['@timestamp'], false],
    ['@metadata', [], true],
    ['[@metadata]', [], true],
    ['[@metadata][x][y]', ['x', 'y'], true],
    ['[a][@metadata]', ['a', '@metadata'], false],
    ['__proto__', ['__proto__'], false],
    ['', [''], false],
  ])('%j', (text, path, inMetadata) => {
    expect(parseFieldReference(text)).toEqual({ text, first: fieldName(path[0] ?? ''), path, inMetadata });
  });

  it.each([
    'a[b]',
    '[a]b',
    '[a',
    'a]',
    '[]',
    '[[a]',
    '[a]]',
    '[a][',
    '[a][]',
    'a[',
    ']a[',
    '[a]b[c]',
    '[[]]',
    '[a] [b]',
  ])('%j is illegal', (text) => {
    expect(() => parseFieldReference(text)).toThrow(InvalidFieldReference);
    expect(() => parseFieldReference(text)).toThrow(`Invalid FieldReference: \`${text}\``);
  });

  it('longer than what can be written out are illegal', () => {
    expect(parseFieldReference('[a]'.repeat(1000)).path).toHaveLength(1000);
    expect(() => parseFieldReference('[a]'.repeat(1001))).toThrow('Invalid FieldReference: `[a][a]');
  });

  it('keeps giving the right answer when there are more of them than are remembered', () => {
    for (let n = 0; n < 25_000; n++) expect(parseFieldReference(`[f][${n}]`).path[1]).toBe(String(n));
    expect(parseFieldReference('[f][3]').path).toEqual(['f', '3']);
  });
});

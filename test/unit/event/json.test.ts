import { describe, expect, it } from 'vitest';
import { encodeJson, type NumberForm, parseJson, resolveKeys, splitDocuments } from '../../../src/event/json.ts';

const through = (text: string, form: NumberForm = 'double') => encodeJson(parseJson(text, form));

describe('numbers through the codec', () => {
  it.each([
    ['0', '0'],
    ['-0', '0'],
    ['1', '1'],
    ['-1', '-1'],
    ['1.0', '1.0'],
    ['-1.0', '-1.0'],
    ['0.0', '0.0'],
    ['-0.0', '-0.0'],
    ['1.10', '1.1'],
    ['1e3', '1000.0'],
    ['1E3', '1000.0'],
    ['100.0', '100.0'],
    ['9007199254740991', '9007199254740991'],
    ['9007199254740992', '9007199254740992'],
    ['9007199254740993', '9007199254740993'],
    ['-9007199254740993', '-9007199254740993'],
    ['9223372036854775807', '9223372036854775807'],
    ['18446744073709551616', '18446744073709551616'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['0.1', '0.1'],
    ['1.7976931348623157e308', '1.7976931348623157E308'],
    ['5e-324', '4.9E-324'],
    ['1e400', '"Infinity"'],
    ['-1e400', '"-Infinity"'],
    ['1e-400', '0.0'],
  ])('%s becomes %s', (text, after) => {
    const [value, expected] = [JSON.parse(through(`[${text}]`))[0], JSON.parse(after)];
    expect(value).toEqual(expected);
    const isDouble = /[.eE]/.test(after) && !after.startsWith('"');
    // Java and JavaScript print some doubles in other forms; both have a fraction or an exponent.
    if (isDouble) expect(through(text)).toMatch(/[.eE]/);
    else expect(through(text)).toBe(after);
    expect(JSON.parse(through(`{"a":{"b":[${text},"x"]}}`))).toEqual({ a: { b: [expected, 'x'] } });
  });
});

describe('numbers through the json filter keep all digits', () => {
  it.each([
    ['1.10', '1.10'],
    ['1.0', '1.0'],
    ['-0.0', '0.0'],
    ['1e3', '1E+3'],
    ['1e0', '1'],
    ['5.0E-5', '0.000050'],
    ['1E400', '1E+400'],
    ['0.1234567890123456789', '0.1234567890123456789'],
    ['9007199254740993', '9007199254740993'],
    ['7', '7'],
  ])('%s becomes %s', (text, after) => {
    expect(through(text, 'decimal')).toBe(after);
  });
});

describe('keys that objects inherit', () => {
  it.each([
    '{"__proto__":{"polluted":1}}',
    '{"constructor":{"prototype":{"polluted":1}}}',
    '{"a":{"__proto__":1,"toString":2,"hasOwnProperty":3}}',
    '{"__proto__":null,"valueOf":1.0}',
  ])('%s', (text) => {
    const value = parseJson(text, 'double');
    expect(encodeJson(value)).toBe(text);
    expect(encodeJson(resolveKeys(value))).toBe(text);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('texts', () => {
  it.each([
    [String.raw`{"a":"x\ud800y"}`, '{"a":"x"}'],
    [String.raw`{"a":"\udc00"}`, '{"a":""}'],
    [String.raw`{"a":"\ud83d\ude00 \ud800"}`, '{"a":"😀 "}'],
    [String.raw`{"k\ud800":"v"}`, '{"k":"v"}'],
    [String.raw`["\uD83D\uDE00"]`, '["😀"]'],
    [String.raw`{"a":"\u0000\u2028\u001f"}`, '{"a":"\\u0000\u2028\\u001f"}'],
    ['{"a":"한글"}', '{"a":"한글"}'],
  ])('%s', (text, after) => {
    expect(through(text)).toBe(after);
  });
});

describe('keys with brackets', () => {
  it.each([
    ['{"[x][y]":1}', '{"y":1}'],
    ['{"a":{"[b][c]":[{"[d]":2}]}}', '{"a":{"c":[{"d":2}]}}'],
    ['{"plain":1}', '{"plain":1}'],
  ])('%s', (text, after) => {
    expect(encodeJson(resolveKeys(parseJson(text, 'double')))).toBe(after);
  });

  it('that are no reference are refused', () => {
    expect(() => resolveKeys(parseJson('{"a[b]":1}', 'double'))).toThrow('Invalid FieldReference');
  });
});

describe('several values in one text', () => {
  it.each<[string, string[], string]>([
    ['', [], ''],
    ['{"a":1}{"b":2}', ['{"a":1}', '{"b":2}'], ''],
    ['{"a":1}\r\n\t [1] "x" 5 null true', ['{"a":1}', '[1]', '"x"', '5', 'null', 'true'], ''],
    ['{"a":"}{"}{"b":"\\"}"}', ['{"a":"}{"}', '{"b":"\\"}"}'], ''],
    ['{"a":1}{"b":', ['{"a":1}'], '{"b":'],
    ['{"a":1} garbage', ['{"a":1}'], 'garbage'],
    ['garbage{"a":1}', [], 'garbage{"a":1}'],
  ])('%j', (text, documents, rest) => {
    expect(splitDocuments(text)).toEqual({ documents, rest });
  });
});

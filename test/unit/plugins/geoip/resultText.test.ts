import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../scripts/geoip/random.ts';
import { encodeJson } from '../../../../src/event/json.ts';
import { floatValue } from '../../../../src/event/value.ts';
import { ResultText } from '../../../../src/plugins/filters/geoip/resultText.ts';

function written(append: (out: ResultText) => void): string {
  const out = new ResultText();
  append(out);
  return out.bytes.toString('utf8', 0, out.length);
}

describe('what a geoip result is written as', () => {
  const random = seededRandom(3);
  const degrees = Array.from({ length: 20_000 }, () => (random() - 0.5) * 360);
  const rounded = degrees.flatMap((value) => [0, 1, 2, 3, 4, 5].map((decimals) => Number(value.toFixed(decimals))));
  const rare = [
    0,
    -0,
    0.0001,
    -0.0001,
    0.00005,
    1e-7,
    0.1 + 0.2,
    5e-324,
    99.99995,
    999.9999,
    1000,
    1234.5,
    2 ** 60,
    1e21,
  ];
  const singles = degrees.map((value) => Math.fround(value));

  it.each([
    ['coordinates with all digits', degrees],
    ['coordinates with a few decimals', rounded],
    ['coordinates that were singles', singles],
    ['rare numbers', rare],
  ])('%s: as the engine prints them', (_name, values) => {
    const text = written((out) => {
      for (const value of values) {
        out.appendDouble(value);
        out.append(Buffer.from(' '));
      }
    });
    expect(text.trimEnd().split(' ')).toEqual(values.map((value) => encodeJson(floatValue(value))));
  });

  it.each([
    '',
    'Seoul',
    'a "quote" and a \\',
    'tab\tnewline\n',
    '\u007f',
    'São Paulo',
    '서울',
    '\u2028',
    'x'.repeat(5000),
  ])('the text %j: as the engine prints it', (text) => {
    const source = Buffer.from(`-${text}-`);
    expect(written((out) => out.appendText(source, 1, source.length - 1))).toBe(JSON.stringify(text));
  });

  it('bytes that are no UTF-8: with the mark for them', () => {
    const source = Buffer.from([0x61, 0xff, 0x62]);
    expect(written((out) => out.appendText(source, 0, 3))).toBe('"a\ufffdb"');
  });
});

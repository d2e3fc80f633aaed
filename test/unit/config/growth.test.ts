import { describe, expect, test } from 'vitest';
import { parse } from './support.ts';

const shapes: Readonly<Record<string, (depth: number) => string>> = {
  parentheses: (depth) => `filter { if ${'('.repeat(depth)}[a]${')'.repeat(depth)} { } }`,
  negations: (depth) => `filter { if ${'!('.repeat(depth)}[a]${')'.repeat(depth)} { } }`,
  branches: (depth) => `filter { ${'if [a] { '.repeat(depth)}${'} '.repeat(depth)} }`,
  elses: (depth) => `filter { ${'if [a] { } else { '.repeat(depth)}${'} '.repeat(depth)} }`,
  arrays: (depth) => `filter { m { a => ${'['.repeat(depth)}${']'.repeat(depth)} } }`,
  hashes: (depth) => `filter { m { a => ${'{ "a" => '.repeat(depth)}1${'}'.repeat(depth)} } }`,
  plugins: (depth) => `filter { m { a => ${'aa { bb => '.repeat(depth)}1${'}'.repeat(depth)} } }`,
  calls: (depth) => `filter { if ${'ab('.repeat(depth)}1${')'.repeat(depth)} { } }`,
};

describe.each(Object.entries(shapes))('nested %s', (_, nested) => {
  test('200 deep parse in linear time, also when the innermost is at fault', { timeout: 60_000 }, () => {
    const elapsed = (text: string): number => {
      const start = performance.now();
      parse(text);
      return performance.now() - start;
    };
    const broken = nested(200).replace(/\[a\](?=\))|\[\]|1|\{ (?=\})/, '=');
    expect(broken).not.toBe(nested(200));
    expect(elapsed(nested(200))).toBeLessThan(5000);
    expect(elapsed(broken)).toBeLessThan(10_000);
  });

  test('10,000 deep is told, not a crash', { timeout: 60_000 }, () => {
    const { config, diagnostics } = parse(nested(10_000));
    expect(config.sections).toEqual([]);
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]?.message).toMatch(/^Nested more than 300 levels deep at line 1, column \d+ \(byte \d+\)$/);
  });

  test('10,000 deep and never closed, too', { timeout: 60_000 }, () => {
    expect(parse(nested(10_000).replace(/[)\]} ]+$/, '')).diagnostics).toHaveLength(1);
  });
});

test('long texts take time in proportion', { timeout: 60_000 }, () => {
  const plugin = 'mutate { add_field => { "a" => "%{[b][c]} text" } }\n';
  const text = `filter {\n${plugin.repeat(20_000)}}\n`;
  const start = performance.now();
  expect(parse(text).config.sections[0]?.body).toHaveLength(20_000);
  expect(performance.now() - start).toBeLessThan(20_000);
});

test.each([' or ', ' xor ', ' or [b] and [c] and '])(
  'a condition of 50,000 operands joined by%sis told',
  (operator) => {
    const condition = (count: number): string => Array.from({ length: count }, () => '[a]').join(operator);
    expect(parse(`filter { if ${condition(50_000)} { } }`).diagnostics.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^More than 10000 operators in one condition at line 1, column \d+ \(byte \d+\)$/),
    ]);
    const known = operator === ' xor ' ? ['LST105'] : [];
    expect(parse(`filter { if ${condition(3000)} { } }`).diagnostics.map(({ code }) => code)).toEqual(known);
  },
);

test('at most fifty faults are reported', { timeout: 60_000 }, () => {
  const text = `filter {\n${'mutate { a = 1 }\n'.repeat(200)}}\n`;
  expect(parse(text).diagnostics).toHaveLength(50);
});

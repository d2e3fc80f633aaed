import { expect, test } from 'vitest';
import { positionAt } from '../../../src/config/position.ts';
import { brokenSeeds } from './brokenSeed.table.ts';
import { parse, seed } from './support.ts';

test('the pipeline as it stands has no fault', () => {
  const { config, diagnostics } = parse(seed);
  expect(diagnostics).toEqual([]);
  expect(config.sections.map(({ kind }) => kind)).toEqual(['input', 'filter', 'output']);
});

test.each(brokenSeeds)('$name: one fault at $line:$column', (slip) => {
  expect(seed).toContain(slip.find);
  const { diagnostics } = parse(seed.replace(slip.find, () => slip.replace));
  expect(diagnostics).toHaveLength(1);
  const [diagnostic] = diagnostics;
  if (!diagnostic) return;
  const { line, column, byte } = positionAt(diagnostic.file, diagnostic.span.start);
  expect([line, column]).toEqual([slip.line, slip.column]);
  expect(diagnostic.message).toMatch(/^Expected /);
  expect(diagnostic.message).toContain(`at line ${line}, column ${column} (byte ${byte})`);
  expect(diagnostic.hint).toBe(slip.hint);
  const opened = diagnostic.related && positionAt(diagnostic.file, diagnostic.related.span.start);
  expect(opened && [opened.line, opened.column]).toEqual(slip.opened);
});

test('slips in different plugins are all reported, and once each', { timeout: 60_000 }, () => {
  const independent = brokenSeeds.filter(({ opened }) => !opened);
  let pairs = 0;
  let complete = 0;
  for (const first of independent) {
    for (const second of independent) {
      const at = seed.indexOf(second.find);
      if (lineOf(at) - lineOf(seed.indexOf(first.find) + first.find.length) < 6) continue;
      const text = seed.slice(0, at) + second.replace + seed.slice(at + second.find.length);
      const { diagnostics } = parse(text.replace(first.find, () => first.replace));
      pairs++;
      expect(diagnostics.length, `${first.name} + ${second.name}`).toBeLessThanOrEqual(2);
      if (diagnostics.length === 2) complete++;
    }
  }
  expect(pairs).toBeGreaterThan(300);
  expect(complete / pairs).toBeGreaterThan(0.98);
});

const lineOf = (offset: number): number => seed.slice(0, offset).split('\n').length;

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/parse.ts';
import { renderDiagnostics, summarize } from '../../../src/config/render.ts';

/** `name.conf` and beside it `name.txt`: exactly what a user sees. */
const folder = new URL('../../cases/config/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.conf'));

test('cases are there', () => {
  expect(names.length).toBeGreaterThan(2);
});

test.each(names)('%s', (name) => {
  const text = readFileSync(new URL(name, folder), 'utf8');
  const { diagnostics } = parseConfig({ path: name, text });
  const shown = `${renderDiagnostics(diagnostics, { color: false })}\n${summarize(diagnostics, 1)}\n`;
  expect(shown).toBe(readFileSync(new URL(name.replace('.conf', '.txt'), folder), 'utf8'));
});

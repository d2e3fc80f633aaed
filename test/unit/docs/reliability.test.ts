import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { table } from '../../faults/table.ts';

const ROOT = new URL('../../../', import.meta.url);
const page = readFileSync(new URL('docs/reliability.md', ROOT), 'utf8');
const played = table.map(({ name }) => name).toSorted();

it('tells of each fault that the suite plays, once, and of no other', () => {
  const headings = [...page.matchAll(/^### (.+)$/gm)].map(([, name]) => name);
  expect(headings.toSorted()).toEqual(played);
});

it('names the file of each row', () => {
  const rows = [...page.matchAll(/^\| (.+) \| \[.*\]\(\.\.\/(test\/faults\/.*\.ts)\) \|$/gm)];
  expect(rows.map(([, name]) => name).toSorted()).toEqual(played);
  for (const [, name, path = ''] of rows) {
    expect(readFileSync(new URL(path, ROOT), 'utf8')).toContain(`name: '${name}'`);
  }
});

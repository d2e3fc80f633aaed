import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { code, table } from '../../../scripts/docs/markdown.ts';
import { referencePages } from '../../../scripts/docs/pages.ts';

const pages = await referencePages();

it.each([...pages])('docs/%s is what the sources say; write it anew by `npm run docs`', (name, text) => {
  expect(readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')).toBe(text);
});

it.each([...pages])(
  '%s has tables whose rows are as wide as their heads, and no blank ends of lines',
  (_name, text) => {
    const width = (row: string) => row.replaceAll('\\|', '').split('|').length;
    let head: string | undefined;
    for (const line of text.split('\n')) {
      expect(line).toBe(line.trimEnd());
      head = line.startsWith('|') ? (head ?? line) : undefined;
      if (head !== undefined) expect(width(line), line).toBe(width(head));
    }
  },
);

it('links in the contents lead to headings', () => {
  const text = pages.get('plugins.md') ?? '';
  const anchors = new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading.toLowerCase().replaceAll(' ', '-')),
  );
  const links = [...text.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor = '']) => anchor);
  expect(links.length).toBeGreaterThan(15);
  expect(links.filter((link) => !anchors.has(link))).toEqual([]);
});

it('keeps texts of options from becoming Markdown of their own', () => {
  expect(table(['a', 'b'], [['x|y', '<dir> and `<code>` *not bold*']])).toBe(
    '| a | b |\n|---|---|\n| x\\|y | &lt;dir> and `<code>` \\*not bold\\* |',
  );
  expect(code('a`b')).toBe('`` a`b ``');
});

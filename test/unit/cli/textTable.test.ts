import { expect, it } from 'vitest';
import { textTable } from '../../../src/cli/textTable.ts';

it('lines up columns, and leaves out those in which nothing stands', () => {
  const columns = [{ head: 'name' }, { head: 'none' }, { head: 'count', align: 'right' }] as const;
  const rows = [
    [{ text: 'a' }, { text: '' }, { text: '1' }],
    [{ text: 'longer' }, { text: '' }, { text: '22' }],
  ];
  expect(textTable(columns, rows, false)).toEqual(['name     count', 'a            1', 'longer      22']);
});

it('takes more rows than a call takes as arguments', () => {
  const rows = Array.from({ length: 200_000 }, (_, n) => [{ text: String(n) }]);
  expect(textTable([{ head: 'n' }], rows, false)).toHaveLength(200_001);
});

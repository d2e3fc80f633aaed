/** The page of fault codes, from the catalogue. */
import { page, table } from './markdown.ts';

const GROUPS = [
  ['LST1', 'The text of a configuration'],
  ['LST3', 'Plugins and their options'],
  ['LST4', 'The start of a run'],
] as const;

const INTRODUCTION = `Every fault of a configuration has one code, a place and, where there is one, a hint. All faults of all files are shown at once;
with an error among them nothing is started, and the exit code is 1. A code is never used again for something else.`;

export function errorsPage(catalogue: Readonly<Record<string, string>>): string {
  const unnamed = Object.keys(catalogue).filter((code) => !GROUPS.some(([prefix]) => code.startsWith(prefix)));
  if (unnamed.length > 0) throw new Error(`no heading for ${unnamed.join(', ')}`);
  const parts = GROUPS.flatMap(([prefix, title]) => {
    const rows = Object.entries(catalogue).filter(([code]) => code.startsWith(prefix));
    return [`## ${title}`, table(['Code', 'Fault'], rows)];
  });
  return page('# Faults', INTRODUCTION, ...parts);
}

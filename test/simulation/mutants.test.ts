import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { MUTANTS, type Mutant, mutated } from './mutants.ts';

/** A change of the code may lead the named seeds elsewhere: then so many others are tried. */
const OTHER_SEEDS = 400;

test.each(MUTANTS)('the snippet of $name is in its file once', (mutant) => {
  const source = readFileSync(mutant.file, 'utf8');
  expect(mutated(source, mutant)).not.toBe(source);
});

describe('a fault put into the code is found', () => {
  test.concurrent.each(MUTANTS)('$name', async (mutant) => {
    const named = await kindsFound(
      mutant,
      mutant.seeds.flatMap((seed) => ['--seed', String(seed)]),
    );
    const kinds = named.length > 0 ? named : await kindsFound(mutant, ['--seeds', String(OTHER_SEEDS)]);
    expect(mutant.found).toEqual(expect.arrayContaining(kinds.slice(0, 1)));
    expect(kinds.length).toBeGreaterThan(0);
  });
});

async function kindsFound({ name }: Mutant, seeds: readonly string[]): Promise<string[]> {
  const args = ['scripts/simulate.ts', '--mutant', name, ...seeds];
  const { stdout } = await promisify(execFile)(process.execPath, args).catch((error) => {
    // With violations it exits with 1; whatever else it fails with is no finding.
    if (error.code === 1 && / violations \(/.test(error.stdout)) return error;
    throw error;
  });
  return Array.from(stdout.matchAll(/^seed \d+: (.*?): /gm), ([, kind]) => kind);
}

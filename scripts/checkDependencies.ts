/** Runs dependency-cruiser, and makes sure that it saw the sources: a wrong set-up cruises nothing and says all is well. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

const result = spawnSync(
  'node_modules/.bin/depcruise',
  ['src', '--config', '.dependency-cruiser.cjs', '--output-type', 'json'],
  {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  },
);
const { modules, summary } = JSON.parse(result.stdout) as {
  modules: { source: string; dependencies: unknown[] }[];
  summary: { violations: { from: string; to: string; rule: { name: string } }[]; error: number };
};
const cruised = modules.filter(({ source }) => source.startsWith('src/')).length;
const sources = globSync('src/**/*.ts').filter((path) => !path.endsWith('.d.ts')).length;
const imports = modules.reduce((sum, { dependencies }) => sum + dependencies.length, 0);
for (const { from, to, rule } of summary.violations) process.stdout.write(`${rule.name}: ${from} → ${to}\n`);
process.stdout.write(`${cruised} of ${sources} modules, ${imports} imports, ${summary.error} violations\n`);
process.exitCode = summary.error > 0 || cruised < sources || imports < sources ? 1 : 0;

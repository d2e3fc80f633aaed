/**
 * Everything that a change must pass: lint, types, dependency rules, unused code, then the tests. With `--real` the
 * integration tests on real Elasticsearch, DynamoDB Local and versitygw instead, with `--faults` the fault suite, on the real
 * ones where they can be had. Ends with the line `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { realServers } from '../test/support/servers/realServers.ts';

const faults = process.argv.includes('--faults');
const missing = faults ? Object.entries(realServers()).filter(([, server]) => !server.possible) : [];
const real = process.argv.includes('--real') || (faults && missing.length === 0);
const bin = resolve('node_modules/.bin');
const reportPath = resolve(`.cache/test-report${process.argv.slice(2).join('').replace('--', '-')}.json`);

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): boolean {
  process.stdout.write(`\n> ${command} ${args.join(' ')}\n`);
  return spawnSync(command, args, { stdio: 'inherit', env }).status === 0;
}

type Check = readonly [string, readonly string[]];

function checksOf(): readonly Check[] {
  if (real) return [[process.execPath, ['scripts/setup/install.ts']]];
  if (faults) return [];
  return [
    [`${bin}/biome`, ['check', '--error-on-warnings', '.']],
    [`${bin}/tsc`, ['--noEmit']],
    [process.execPath, ['scripts/checkDependencies.ts']],
    [`${bin}/knip`, []],
  ];
}

for (const [name, server] of missing) {
  if (!server.possible) process.stdout.write(`stand-ins, since ${name} cannot be had: ${server.reason}\n`);
}
mkdirSync('.cache', { recursive: true });
const checks = checksOf();
const failedChecks = checks.filter(([command, args]) => !run(command, args)).length;
const passedChecks = checks.length - failedChecks;

const vitestRan = run(
  `${bin}/vitest`,
  ['run', '--reporter=dot', '--reporter=json', `--outputFile.json=${reportPath}`],
  { ...process.env, ...(real && { LOGSTASH_TS_REAL: '1' }), ...(faults && { LOGSTASH_TS_FAULTS: '1' }) },
);

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTotalTests: number;
  readonly numFailedTestSuites: number;
}

const report = JSON.parse(readFileSync(reportPath, 'utf8')) as Report;
// A file that cannot be loaded fails no test of its own, and a test that did not run has not passed.
const unrun = report.numTotalTests - report.numPassedTests - report.numFailedTests;
const loadFailures = !vitestRan && report.numFailedTests === 0 ? Math.max(1, report.numFailedTestSuites) : 0;
const passed = passedChecks + report.numPassedTests;
const failed = failedChecks + report.numFailedTests + loadFailures + unrun;
if (unrun > 0) process.stdout.write(`\n${unrun} tests did not run: they count as failed\n`);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || report.numPassedTests === 0 ? 1 : 0;

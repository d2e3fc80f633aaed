import { defineConfig } from 'vitest/config';

const real = process.env['LOGSTASH_TS_REAL'] === '1';
/** `npm run test:faults`: a suite of its own, since it takes minutes. */
const faults = process.env['LOGSTASH_TS_FAULTS'] === '1';

function include(): string[] {
  if (faults) return ['test/faults/**/*.test.ts'];
  // With real servers only the integration suite differs; the rest has run before.
  return real ? ['test/integration/**/*.test.ts'] : ['test/**/*.test.ts'];
}

function exclude(): string[] {
  if (faults) return [];
  return real ? [] : ['test/**/*.real.test.ts', 'test/faults/**'];
}

export default defineConfig({
  test: {
    include: include(),
    exclude: exclude(),
    pool: 'forks',
    maxWorkers: 2,
    // Each test of the faults waits more than it works.
    maxConcurrency: 4,
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
});

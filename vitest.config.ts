import { defineConfig } from 'vitest/config';

const real = process.env['LOGSTASH_TS_REAL'] === '1';

export default defineConfig({
  test: {
    // With real servers only the integration suite differs; the rest has run before.
    include: real ? ['test/integration/**/*.test.ts'] : ['test/**/*.test.ts'],
    exclude: real ? [] : ['test/**/*.real.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
});

import { describe } from 'vitest';
import { searchServers } from '../../../scripts/setup/searchServers.ts';
import { describeRealServer } from './realSuite.ts';

/** `npm run test:search` runs all of them; the two that take Java 17 and differ most are enough for each change. */
const EVERY_CHANGE = ['7.9.2', '8.19.21'];
const chosen =
  process.env['LOGSTASH_TS_SEARCH'] === 'all'
    ? searchServers
    : searchServers.filter(({ version }) => EVERY_CHANGE.includes(version));

describe.runIf(process.env['LOGSTASH_TS_REAL'] === '1')('real', () => {
  for (const kind of chosen) describeRealServer(kind);
});

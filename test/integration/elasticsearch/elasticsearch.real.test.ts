import { describe } from 'vitest';
import { startElasticsearch } from '../../support/servers/index.ts';
import { describeElasticsearch } from './suite.ts';

describe.runIf(process.env['LOGSTASH_TS_REAL'] === '1')('real', () => {
  describeElasticsearch('Elasticsearch 7.9.2', () => startElasticsearch());
});

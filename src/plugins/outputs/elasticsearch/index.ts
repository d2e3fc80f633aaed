import { defineOutput } from '../../../plugin-api/index.ts';
import { resolveEndpoint } from './endpoint.ts';
import { options } from './options.ts';
import { ElasticsearchOutput } from './output.ts';
import { checkOptions } from './rules.ts';
import { warnOfSurprises } from './startUp.ts';
import { openWire } from './wire.ts';

/** Loads its client library only when an output is made. */
export const elasticsearch = defineOutput({
  name: 'elasticsearch',
  summary:
    'Writes events to Elasticsearch 6 to 9 or OpenSearch, each acknowledged by the server before it counts as delivered.',
  options,
  check: checkOptions,
  async create(given, context) {
    const endpoint = resolveEndpoint(given);
    warnOfSurprises(given, endpoint, context);
    let output: ElasticsearchOutput | undefined;
    const onRevived = () => output?.nodeRevived();
    const { clock, logger } = context;
    const wire = await openWire({ endpoint, options: given, clock, logger, onRevived });
    output = new ElasticsearchOutput({ options: given, endpoint, wire }, context);
    return output;
  },
});

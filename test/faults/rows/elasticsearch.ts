import type { FaultRow } from '../row.ts';
import { away, CUT, fed, isBulk, LOSE_REPLY, on, RESET, refusedByElasticsearch, refuseEachThirdItem } from '../wire.ts';

const BACK = /bulk to \S+ works again after/;
const LARGE_BYTES = 20_000;

/** Every tenth event has an object where the others have a number, which Elasticsearch cannot map. */
export const misshapen: Pick<FaultRow, 'event' | 'deadLetters'> = {
  event: (n) => ({ code: isMisshapen(n) ? { text: 'OK' } : 200 }),
  deadLetters: isMisshapen,
};

/** None of the first, by which the server learns the mapping. */
function isMisshapen(n: number): boolean {
  return n >= 100 && n % 10 === 0;
}

function isLarge(n: number): boolean {
  return n % 50 === 7;
}

export const elasticsearchRows: readonly FaultRow[] = [
  {
    name: 'Elasticsearch: reply lost',
    disturb: on('elasticsearch', isBulk, LOSE_REPLY),
    says: [/bulk to \S+ fails and is tried again: read ECONNRESET/, BACK],
  },
  {
    name: 'Elasticsearch: connection reset',
    disturb: on('elasticsearch', isBulk, RESET),
    says: [/bulk to \S+ fails and is tried again: read ECONNRESET/, BACK],
  },
  {
    name: 'Elasticsearch: answer cut',
    disturb: on('elasticsearch', isBulk, CUT),
    says: [/bulk to \S+ fails and is tried again: (other side closed|aborted|terminated)/, BACK],
  },
  {
    name: 'Elasticsearch: no answer',
    disturb: on('elasticsearch', isBulk, 'hang', { ms: 5_000 }),
    says: [/bulk to \S+ fails and is tried again: Request timed out/, BACK],
  },
  {
    name: 'Elasticsearch: 429 to the whole bulk',
    disturb: on('elasticsearch', isBulk, refusedByElasticsearch(429, 'es_rejected_execution_exception')),
    says: [/fails and is tried again: answer 429, it has more to do than it can take/, BACK],
  },
  {
    name: 'Elasticsearch: 429 to single documents',
    disturb: on('elasticsearch', isBulk, refuseEachThirdItem),
    says: [/\d+ of \d+ documents are refused for now with 429, es_rejected_execution_exception/, BACK],
  },
  {
    name: 'Elasticsearch: 503',
    disturb: on('elasticsearch', isBulk, refusedByElasticsearch(503, 'cluster_block_exception')),
    says: [/fails and is tried again: answer 503, cluster_block_exception/, BACK],
  },
  {
    name: 'Elasticsearch: mapping conflict',
    workers: 2,
    ...misshapen,
    disturb: fed(300),
    says: [
      /an event goes to the dead letter queue: 400 mapper_parsing_exception: .*\[code\]/,
      /\d+ more since the last line/,
    ],
  },
  {
    name: 'Elasticsearch: 413',
    always: {
      elasticsearch: (request) =>
        isBulk(request) && request.body.length > LARGE_BYTES ? { kind: 'answer', status: 413 } : undefined,
    },
    event: (n) => ({ code: 200, padding: 'x'.repeat(isLarge(n) ? LARGE_BYTES : 500) }),
    deadLetters: isLarge,
    disturb: fed(300),
    says: [/the server takes no request of \d+ bytes \(413\)/, /an event goes to the dead letter queue: 413 /],
  },
  {
    name: 'Elasticsearch: away',
    disturb: away(['elasticsearch']),
    says: [/bulk to \S+ fails and is tried again: (connect ECONNREFUSED|read ECONNRESET|other side closed)/, BACK],
  },
];

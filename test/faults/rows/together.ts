import { killed } from '../machine.ts';
import type { FaultRow } from '../row.ts';
import {
  any,
  atOnce,
  away,
  isBulk,
  isUpload,
  LOSE_REPLY,
  on,
  onTheWire,
  RESET,
  refusedByElasticsearch,
  refusedByS3,
} from '../wire.ts';

const ES_BACK = /bulk to \S+ works again after/;
const S3_BACK = /upload to s3:\S+ works again after/;
const TOO_MUCH = refusedByElasticsearch(429, 'es_rejected_execution_exception');

export const togetherRows: readonly FaultRow[] = [
  {
    name: 'Elasticsearch away while S3 refuses credentials',
    disturb: atOnce(away(['elasticsearch']), on('s3', isUpload, refusedByS3(403, 'AccessDenied'))),
    says: [/ECONN(REFUSED|RESET)|other side closed/, /AccessDenied: .*allow s3:PutObject/, ES_BACK, S3_BACK],
  },
  {
    name: 'Elasticsearch answers 429 while S3 loses replies',
    disturb: atOnce(on('elasticsearch', isBulk, TOO_MUCH), on('s3', isUpload, LOSE_REPLY)),
    says: [/answer 429/, /upload to s3:\S+ fails and is tried again: ECONNRESET/, ES_BACK, S3_BACK],
  },
  {
    name: 'Every second request to any server reset',
    workers: 2,
    disturb: onTheWire([
      { on: 'elasticsearch', requests: any, fault: RESET, each: 2 },
      { on: 's3', requests: any, fault: RESET, each: 2 },
      { on: 'dynamodb', requests: any, fault: RESET, each: 2 },
      { on: 'kinesis', requests: any, fault: RESET, each: 2 },
    ]),
    says: [/reading stream "\S+" fails/, /ECONNRESET/],
  },
  {
    name: 'All servers away',
    workers: 2,
    disturb: away(['kinesis', 'dynamodb', 'elasticsearch', 's3']),
    says: [/reading stream "\S+" works again after/],
  },
  {
    name: 'kill -9 while both outputs lose replies',
    failoverTimeMs: 2_000,
    mayRepeatInS3: true,
    disturb: onTheWire(
      [
        { on: 'elasticsearch', requests: isBulk, fault: LOSE_REPLY },
        { on: 's3', requests: isUpload, fault: LOSE_REPLY },
      ],
      { beside: killed(1) },
    ),
    says: [/bulk to \S+ fails/, /upload to s3:\S+ fails/],
  },
  {
    name: 'kill -9 while S3 resets connections',
    workers: 2,
    failoverTimeMs: 2_000,
    mayRepeatInS3: true,
    disturb: on('s3', isUpload, RESET, { beside: killed(2) }),
    says: [/upload to s3:\S+ fails/],
  },
];

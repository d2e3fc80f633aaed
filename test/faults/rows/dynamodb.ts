import { awsError, throttled } from '../../support/servers/index.ts';
import type { FaultRow } from '../row.ts';
import { any, away, CUT, isCall, LOSE_REPLY, on, RESET } from '../wire.ts';

/** All that a worker does to a lease on a condition. */
const isLeaseWrite = isCall('UpdateItem', 'PutItem');
const FAILS = /writing checkpoints to lease table "\S+" fails and is tried again/;
const BACK = /writing checkpoints to lease table "\S+" works again after/;

export const dynamodbRows: readonly FaultRow[] = [
  { name: 'DynamoDB: reply lost', disturb: on('dynamodb', isLeaseWrite, LOSE_REPLY), says: [FAILS, BACK] },
  { name: 'DynamoDB: connection reset', disturb: on('dynamodb', any, RESET), says: [FAILS, BACK] },
  { name: 'DynamoDB: answer cut', disturb: on('dynamodb', any, CUT), says: [FAILS, BACK] },
  {
    name: 'DynamoDB: no answer',
    // A call is given up after 4 s, and the first may come late on a busy machine.
    failoverTimeMs: 30_000,
    disturb: on('dynamodb', any, 'hang', { ms: 9_000, hits: 1 }),
    says: [/fails and is tried again: ETIMEDOUT/],
  },
  { name: 'DynamoDB: throttled', disturb: on('dynamodb', any, throttled()), says: [FAILS, /Rate exceeded/, BACK] },
  {
    name: 'DynamoDB: 500',
    disturb: on('dynamodb', any, awsError(500, 'InternalServerError', 'by a test')),
    says: [FAILS, /InternalServerError/, BACK],
  },
  { name: 'DynamoDB: away', disturb: away(['dynamodb']), says: [/fails and is tried again: ECONN(REFUSED|RESET)/] },
  {
    name: 'DynamoDB: away for longer than the failover time',
    workers: 2,
    failoverTimeMs: 2_000,
    disturb: away(['dynamodb'], 4_000),
    mayRepeatInS3: true,
    says: [/lost the lease of shard/, /looking for leases in lease table "\S+" works again after/],
  },
];

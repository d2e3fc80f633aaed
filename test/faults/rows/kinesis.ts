import { awsError, throttled } from '../../support/servers/index.ts';
import type { FaultRow } from '../row.ts';
import { any, away, CUT, isCall, LOSE_REPLY, on, onTheWire, RESET } from '../wire.ts';

const isGetRecords = isCall('GetRecords');
const FAILS = /reading stream "\S+" fails and is tried again/;
const BACK = /reading stream "\S+" works again after/;
const EXPIRED = awsError(400, 'ExpiredIteratorException', 'Iterator expired, by a test.');
/** Longer than what an answer of 10 MB may take. */
const PAST_TIMEOUT_MS = 31_000;

export const kinesisRows: readonly FaultRow[] = [
  { name: 'Kinesis: reply lost', disturb: on('kinesis', isGetRecords, LOSE_REPLY), says: [FAILS, BACK] },
  { name: 'Kinesis: connection reset', disturb: on('kinesis', any, RESET), says: [FAILS, BACK] },
  { name: 'Kinesis: answer cut', disturb: on('kinesis', isGetRecords, CUT), says: [FAILS, BACK] },
  {
    name: 'Kinesis: no answer',
    disturb: on('kinesis', isGetRecords, 'hang', { ms: PAST_TIMEOUT_MS, hits: 1 }),
    says: [/reading stream "\S+" fails and is tried again: ETIMEDOUT/, BACK],
  },
  {
    name: 'Kinesis: throttled',
    disturb: on('kinesis', isGetRecords, throttled()),
    says: [/fails and is tried again: ProvisionedThroughputExceededException/, BACK],
  },
  {
    name: 'Kinesis: expired iterator',
    // A new one works, so that nobody hears of it.
    disturb: onTheWire([{ on: 'kinesis', requests: isGetRecords, fault: EXPIRED, each: 2 }]),
    says: [],
  },
  {
    name: 'Kinesis: 500',
    disturb: on('kinesis', any, awsError(500, 'InternalFailure', 'by a test')),
    says: [/fails and is tried again: InternalFailure/, BACK],
  },
  { name: 'Kinesis: away', workers: 2, disturb: away(['kinesis']), says: [FAILS, BACK] },
];

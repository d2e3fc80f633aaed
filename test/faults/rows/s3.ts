import type { FaultRow } from '../row.ts';
import { away, isUpload, LOSE_REPLY, on, RESET, refusedByS3 } from '../wire.ts';

const BACK = /upload to s3:\/\/test-accesslog works again after/;

export const s3Rows: readonly FaultRow[] = [
  {
    name: 'S3: reply lost',
    disturb: on('s3', isUpload, LOSE_REPLY),
    says: [/upload to s3:\S+ fails and is tried again: ECONNRESET/, BACK],
  },
  {
    name: 'S3: connection reset',
    disturb: on('s3', isUpload, RESET),
    says: [/upload to s3:\S+ fails and is tried again: ECONNRESET/, BACK],
  },
  {
    name: 'S3: upload cut',
    disturb: on('s3', isUpload, { kind: 'cutRequest', afterBytes: 100 }),
    says: [/upload to s3:\S+ fails and is tried again: ECONNRESET/, BACK],
  },
  {
    name: 'S3: no answer',
    disturb: on('s3', isUpload, 'hang', { ms: 5_000 }),
    says: [/upload to s3:\S+ fails and is tried again: TimeoutError: .*does not answer in time/, BACK],
  },
  {
    name: 'S3: 503 SlowDown',
    disturb: on('s3', isUpload, refusedByS3(503, 'SlowDown')),
    says: [/upload to s3:\S+ fails and is tried again: SlowDown/, BACK],
  },
  {
    name: 'S3: credentials refused',
    disturb: on('s3', isUpload, refusedByS3(403, 'SignatureDoesNotMatch'), { ms: 3_000 }),
    says: [/SignatureDoesNotMatch: .*the secret key is wrong/, BACK],
  },
  {
    name: 'S3: away',
    disturb: away(['s3']),
    says: [/upload to s3:\S+ fails and is tried again: ECONN(REFUSED|RESET)/, BACK],
  },
];

import { clockJump, diskFull, killed, temporaryDirectoryRemoved } from '../machine.ts';
import type { FaultRow } from '../row.ts';
import { atOnce, isUpload, on, refusedByS3 } from '../wire.ts';
import { misshapen } from './elasticsearch.ts';

const NO_ROOM = /writing to \S+ fails and is tried again: ENOSPC/;
const NO_ROOM_TO_SPOOL = /writing to the spool \S+ fails and is tried again: ENOSPC/;
const NO_ROOM_TO_BURY = /writing to the dead letter queue fails and is tried again: ENOSPC/;
const REMOVED = /was removed while in use/;

export const machineRows: readonly FaultRow[] = [
  {
    name: 'Disk full: path.data',
    workers: 2,
    // The dead letter queue is needed, and so is the spool of an output that has no room.
    ...misshapen,
    smallDisk: 'data',
    s3: 'max_spool_bytes => "2kb" spool => { "max_bytes" => "1mb" }',
    disturb: atOnce(
      on('s3', isUpload, refusedByS3(503, 'SlowDown'), { ms: 5_000 }),
      diskFull('data', NO_ROOM_TO_SPOOL, NO_ROOM_TO_BURY),
    ),
    says: [NO_ROOM_TO_SPOOL, NO_ROOM_TO_BURY, /writing to the dead letter queue works again after/],
  },
  {
    name: 'Disk full: temporary_directory',
    smallDisk: 's3',
    disturb: diskFull('s3', NO_ROOM),
    says: [NO_ROOM],
  },
  {
    name: 'Temporary directory removed',
    disturb: temporaryDirectoryRemoved(REMOVED),
    says: [REMOVED],
  },
  { name: 'Clock set forwards', movableClock: true, disturb: clockJump(6), says: [] },
  { name: 'Clock set backwards', movableClock: true, disturb: clockJump(-6), says: [] },
  { name: 'kill -9', failoverTimeMs: 2_000, disturb: killed(3), mayRepeatInS3: true, says: [] },
];

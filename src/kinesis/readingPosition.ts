import type { StartingPosition } from '@aws-sdk/client-kinesis';
import { checkpointedPosition, type Lease } from './lease.ts';
import type { InitialPosition } from './types.ts';

/**
 * How wrong the clock of this machine may be, as AWS has it for signatures. A time that Kinesis takes for the future is
 * refused, and one too late leaves records out; one too early only brings some that came before.
 */
const CLOCK_ERROR_MS = 5 * 60_000;

/**
 * Where the reading of one shard goes on. The ways of reading share it, so that one takes over from the other without
 * loss or duplicate.
 */
export class ReadingPosition {
  #start: StartingPosition;

  constructor(lease: Lease, initialPosition: InitialPosition) {
    this.#start = startingPoint(lease, initialPosition);
  }

  /** What to open an iterator or a subscription at now. A second LATEST would skip what came since the first. */
  begin(nowMs: number): StartingPosition {
    const start = this.#start;
    if (start.Type === 'LATEST') this.#start = atTimestamp(nowMs - CLOCK_ERROR_MS);
    return start;
  }

  /** `sequenceNumber` is the last record's that was fetched. */
  passed(sequenceNumber: string | undefined): void {
    if (sequenceNumber !== undefined) this.#start = afterSequenceNumber(sequenceNumber);
  }
}

export function afterSequenceNumber(sequenceNumber: string): StartingPosition {
  return { Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: sequenceNumber };
}

/**
 * AT, not AFTER, the checkpoint, as KCL: it may lie in the middle of an aggregated record. The reader of the shard drops
 * what is settled already.
 */
function startingPoint(lease: Lease, initialPosition: InitialPosition): StartingPosition {
  const position = checkpointedPosition(lease);
  if (position !== null) return { Type: 'AT_SEQUENCE_NUMBER', SequenceNumber: position.sequenceNumber };
  if (lease.checkpoint === 'LATEST') return { Type: 'LATEST' };
  if (lease.checkpoint !== 'AT_TIMESTAMP') return { Type: 'TRIM_HORIZON' };
  // The row does not keep the time: without one given, nothing may be left out.
  return initialPosition.type === 'AT_TIMESTAMP' ? atTimestamp(initialPosition.timestampMs) : { Type: 'TRIM_HORIZON' };
}

function atTimestamp(timestampMs: number): StartingPosition {
  return { Type: 'AT_TIMESTAMP', Timestamp: new Date(timestampMs) };
}

import type { Position } from './types.ts';

/** Sequence numbers are decimal numbers of up to 56 digits without leading zeros: the longer is the larger. */
export function compareSequenceNumbers(left: string, right: string): number {
  if (left.length !== right.length) return left.length - right.length;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

export function comparePositions(left: Position, right: Position): number {
  return (
    compareSequenceNumbers(left.sequenceNumber, right.sequenceNumber) ||
    left.subSequenceNumber - right.subSequenceNumber
  );
}

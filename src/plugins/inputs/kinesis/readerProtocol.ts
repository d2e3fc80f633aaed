/** What a reader in a worker, and the consumer that holds the lease of its shard, tell each other. */
import type { Lease, Position, ReaderSnapshot, ShardEnd } from '../../../kinesis/types.ts';

/** Names a reader: the same number is never used again by a process. */
export type ReaderId = number;

/** `read` */
export interface ReadCall {
  readonly id: ReaderId;
  readonly streamName: string;
  readonly lease: Lease;
}

/** The answer to `read`. */
export interface ReadResult {
  /** Nothing after a stop. */
  readonly end: ShardEnd | undefined;
  readonly state: ReaderState;
}

/** Also the answer to `whenSettled`. */
export interface ReaderState extends ReaderSnapshot {
  readonly settled: Position | null;
  readonly isSettled: boolean;
}

/** `states`, which a worker sends from time to time and at its end. */
export type ReaderStates = readonly (readonly [ReaderId, ReaderState])[];

/** `isGone` and `isClosed`, which a worker asks. */
export interface ShardQuestion {
  readonly streamName: string;
  readonly shardId: string;
}

import type { Event } from '../../../event/event.ts';
import { ShardRanges } from './shardRanges.ts';

/** What must be known of a file's events to decide its fate after a crash. */
export interface RecordSummary {
  /** When the oldest of its records came to the source, or the file was begun. */
  readonly oldestMs: number;
  /** Whether each event ends with a line, so that a last line that is not whole was cut off. */
  readonly isLineWise: boolean;
}

/** How much older than described the oldest record may be: the rule it serves has hours to spare. */
const OLDEST_SLACK_MS = 10 * 60_000;

/** Gathers from the events of one file what its description and the manifest say of them. */
export class RecordNotes {
  readonly ranges: ShardRanges | undefined;
  #oldestMs: number;
  #isLineWise = true;

  constructor(createdMs: number, withRanges: boolean) {
    this.#oldestMs = createdMs;
    this.ranges = withRanges ? new ShardRanges() : undefined;
  }

  add({ metadataIfAny: metadata, origin }: Event, isLine: boolean): void {
    // Of the kinesis input. A consumer that lags behind writes records that their stream soon forgets.
    const arrivalMs = metadata?.['approximate_arrival_timestamp'];
    if (typeof arrivalMs === 'number' && arrivalMs < this.#oldestMs) this.#oldestMs = arrivalMs;
    if (!isLine) this.#isLineWise = false;
    if (origin !== undefined) this.ranges?.add(origin);
  }

  get summary(): RecordSummary {
    return { oldestMs: this.#oldestMs, isLineWise: this.#isLineWise };
  }

  /** Whether a summary that was written down still says enough. */
  agreeWith(written: RecordSummary): boolean {
    return written.isLineWise === this.#isLineWise && written.oldestMs - this.#oldestMs <= OLDEST_SLACK_MS;
  }
}

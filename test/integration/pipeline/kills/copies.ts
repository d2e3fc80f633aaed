/** Which lines are in S3 more than once, and whether the checkpoints at the kills account for each of them. */
import { isAtOrBelow, type Placed } from '../../kinesis/harness.ts';

/** One life of the program, as its end left it. */
export interface Run {
  readonly endedMs: number;
  /** By shard, when it was dead. The next run reads on from here. */
  readonly checkpoints: ReadonlyMap<string, string>;
  /** Shards whose lease it could not renew in time while it ran: it began on them anew. */
  readonly lostShards: ReadonlySet<string>;
}

/** A line of an object. */
export interface Copy {
  readonly key: string;
  /** Which run uploaded the object, and when. */
  readonly run: number;
  readonly uploadedMs: number;
}

export interface Duplicates {
  /** That hold lines of objects before them. */
  readonly objects: number;
  /** Of each line: how long the copy before had been in S3 when its run ended; ascending. */
  readonly agesMs: readonly number[];
  /** What is wrong with copies that do not come from a checkpoint that was not yet written. */
  readonly unexplained: readonly string[];
}

export function judgeCopies(
  copies: ReadonlyMap<number, readonly Copy[]>,
  runs: readonly Run[],
  placed: ReadonlyMap<number, Placed>,
): Duplicates {
  const objects = new Set<string>();
  const unexplained: string[] = [];
  const agesMs: number[] = [];
  for (const [id, unsorted] of copies) {
    const sorted = unsorted.toSorted((a, b) => a.uploadedMs - b.uploadedMs);
    for (const [n, next] of sorted.entries()) {
      const before = sorted[n - 1];
      if (before === undefined) continue;
      objects.add(next.key);
      agesMs.push((runs[before.run]?.endedMs ?? Number.NaN) - before.uploadedMs);
      const fault = faultOf(before, next, runs, placed.get(id));
      if (fault !== undefined) unexplained.push(`${id}: ${fault}`);
    }
  }
  return { objects: objects.size, agesMs: agesMs.sort((a, b) => a - b), unexplained };
}

/** A later run has to have begun below the record; then the run before had not written its checkpoint either. */
function faultOf(before: Copy, next: Copy, runs: readonly Run[], place: Placed | undefined): string | undefined {
  if (before.run === next.run) {
    const isReadAgain = runs[next.run]?.lostShards.has(place?.shardId ?? '');
    return isReadAgain ? undefined : `run ${next.run} uploaded it in ${before.key} and in ${next.key}`;
  }
  const isCheckpointed = (run: number) => isAtOrBelow(place, runs[run]?.checkpoints ?? new Map());
  if (isCheckpointed(before.run)) return `run ${before.run} had checkpointed it, run ${next.run} uploaded it again`;
  if (isCheckpointed(next.run - 1)) return `run ${next.run} began behind it and uploaded it again`;
  return undefined;
}

/** Which records of a stream are in an object. */

export interface ShardRange {
  readonly stream: string;
  readonly shard: string;
  /** Sequence numbers of the first and the last record, in the order of the shard. */
  readonly first: string;
  readonly last: string;
  readonly events: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Origins as the kinesis input gives them: `<stream>/<shard>/<sequence number>/<sub-sequence number>`, perhaps more. */
const ORIGIN = /^([\w.-]+)\/([\w.-]+)\/(\d+)\/\d+(?:\/|$)/;

/** Collects the ranges of sequence numbers, shard by shard, of one object. */
export class ShardRanges {
  readonly #shards = new Map<string, Mutable<ShardRange>>();

  /** Origins of another form are passed over. */
  add(origin: string): void {
    const [, stream, shard, sequence] = ORIGIN.exec(origin) ?? [];
    if (stream === undefined || shard === undefined || sequence === undefined) return;
    const name = `${stream}/${shard}`;
    const range = this.#shards.get(name);
    if (range === undefined) {
      this.#shards.set(name, { stream, shard, first: sequence, last: sequence, events: 1 });
      return;
    }
    range.events += 1;
    if (isBefore(sequence, range.first)) range.first = sequence;
    if (isBefore(range.last, sequence)) range.last = sequence;
  }

  get all(): readonly ShardRange[] {
    return [...this.#shards.values()];
  }
}

/** Whole numbers too large for a double, without leading zeros. */
function isBefore(left: string, right: string): boolean {
  return left.length === right.length ? left < right : left.length < right.length;
}

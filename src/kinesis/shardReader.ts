/** Reads one shard from a position on: fetches and hands over, in order. */
import { orAborted, whenAborted } from '../util/abort.ts';
import { backoffMs } from '../util/backoff.ts';
import type { TroubleReporter } from '../util/troubleReporter.ts';
import { describeError, isNotFound } from './awsErrors.ts';
import type { FetchBudget, FetchShare } from './fetchBudget.ts';
import { checkpointedPosition, type Lease } from './lease.ts';
import { BACKOFF_MAX_MS, storedBytes } from './pace.ts';
import { comparePositions } from './position.ts';
import { RecordForms } from './recordForms.ts';
import { type Fetched, NOTHING_MORE, type RecordSource } from './recordSource.ts';
import type { ResolvedOptions } from './resolveOptions.ts';
import type {
  ConsumerRecord,
  Position,
  ReaderSnapshot,
  ShardEnd,
  ShardKnowledge,
  ShardProcessor,
  ShardReader,
} from './types.ts';

export type ReaderOptions = Pick<
  ResolvedOptions,
  | 'kinesis'
  | 'streamName'
  | 'clock'
  | 'random'
  | 'logger'
  | 'counter'
  | 'initialPosition'
  | 'maxRecords'
  | 'idleTimeBetweenReadsMs'
  | 'taskBackoffTimeMs'
  | 'fetchedBytesMax'
  | 'compression'
  | 'expandedBytesMax'
  | 'kplRecordsOutsideShard'
>;

/** What the readers share. */
export interface ReaderSurroundings extends ReaderOptions, ShardKnowledge {
  readonly fetchBudget: FetchBudget;
  readonly fetchTrouble: TroubleReporter;
  readonly processTrouble: TroubleReporter;
}

/** A reader in this thread. */
export class LocalShardReader implements ShardReader {
  readonly #shardId: string;
  readonly #source: RecordSource;
  readonly #processor: ShardProcessor;
  readonly #around: ReaderSurroundings;
  readonly #forms: RecordForms;
  readonly #share: FetchShare;
  /** What was settled before this reader began. */
  readonly #settledBefore: Position | null;
  #given: Position | null = null;
  #state: ReaderSnapshot['state'] = 'reading';
  #failures = 0;
  #fetchedSequenceNumber: string | null = null;
  #millisBehindLatest: number | null = null;
  #fetchMs: number | null = null;
  #recordCount = 0;
  #byteCount = 0;

  constructor(lease: Lease, source: RecordSource, processor: ShardProcessor, around: ReaderSurroundings) {
    this.#shardId = lease.leaseKey;
    this.#source = source;
    this.#processor = processor;
    this.#around = around;
    this.#forms = new RecordForms(around, lease.hashKeyRange);
    this.#share = around.fetchBudget.share();
    this.#settledBefore = checkpointedPosition(lease);
  }

  async read(stop: AbortSignal): Promise<ShardEnd | undefined> {
    const { clock, fetchTrouble } = this.#around;
    while (!stop.aborted) {
      this.#state = 'reading';
      const startedMs = clock.monotonic();
      const fetched = await this.#insist(() => this.#fetchInBudget(stop), fetchTrouble, stop);
      if (fetched === undefined) return undefined;
      this.#note(fetched);
      const isTaken = await this.#give(fetched, stop);
      this.#share.release();
      if (!isTaken) return undefined;
      if (fetched.ended) return fetched;
      const pauseLeftMs = startedMs + fetched.pauseMs - clock.monotonic();
      await clock.sleep(Math.max(0, pauseLeftMs), stop);
    }
    return undefined;
  }

  settledPosition(): Position | null {
    return this.#processor.settledPosition();
  }

  isSettled(): boolean {
    const settled = this.settledPosition();
    return this.#given === null || (settled !== null && comparePositions(settled, this.#given) >= 0);
  }

  async whenSettled(signal: AbortSignal): Promise<void> {
    await orAborted(
      this.#processor.whenSettled(signal).catch(() => whenAborted(signal)),
      signal,
    );
  }

  lost(): void {
    this.#around.fetchTrouble.forget(this.#shardId);
    this.#around.processTrouble.forget(this.#shardId);
    this.#processor.lost();
  }

  snapshot(): ReaderSnapshot {
    return {
      state: this.#state,
      source: this.#source.kind,
      lastFetchedSequenceNumber: this.#fetchedSequenceNumber,
      millisBehindLatest: this.#millisBehindLatest,
      recordCount: this.#recordCount,
      byteCount: this.#byteCount,
      lastFetchMs: this.#fetchMs,
      consecutiveFailures: this.#failures,
      unsettledSinceMs: this.#processor.unsettledSinceMs?.() ?? null,
    };
  }

  /** Only what is asked for is reserved; what Kinesis pushes is there already, and counts when it is fetched. */
  async #fetchInBudget(stop: AbortSignal): Promise<Fetched> {
    if (this.#source.kind === 'polling') await this.#share.reserve(stop);
    try {
      const fetched = await this.#fetch(stop);
      this.#share.fetched(storedBytes(fetched));
      return fetched;
    } catch (error) {
      this.#share.release();
      throw error;
    }
  }

  async #fetch(stop: AbortSignal): Promise<Fetched> {
    try {
      return await this.#source.fetch(stop);
    } catch (error) {
      if (!isNotFound(error) || !(await this.#around.isGone(this.#shardId, stop))) throw error;
      this.#around.logger.warn(
        `shard ${this.#shardId} is gone from the stream: records after the checkpoint have outlived its retention`,
        { checkpoint: (this.settledPosition() ?? this.#settledBefore)?.sequenceNumber ?? null },
      );
      return NOTHING_MORE;
    }
  }

  #note(fetched: Fetched): void {
    this.#fetchMs = this.#around.clock.now();
    this.#millisBehindLatest = fetched.millisBehindLatest;
    this.#fetchedSequenceNumber = fetched.records.at(-1)?.SequenceNumber ?? this.#fetchedSequenceNumber;
    this.#byteCount += storedBytes(fetched);
  }

  /** Resolves to `false` on a stop before the processor has taken the records. */
  async #give(fetched: Fetched, stop: AbortSignal): Promise<boolean> {
    const settled = this.#given === null ? this.#settledBefore : null;
    for (const records of this.#forms.batches(fetched.records, settled)) {
      if (!(await this.#giveBatch(records, fetched, stop))) return false;
    }
    return true;
  }

  async #giveBatch(
    records: readonly ConsumerRecord[],
    { millisBehindLatest }: Fetched,
    stop: AbortSignal,
  ): Promise<boolean> {
    const last = records.at(-1);
    if (last === undefined) return true;
    this.#state = 'blocked';
    const taken = await this.#insist(
      async () => {
        await this.#processor.process(records, { millisBehindLatest });
        return true;
      },
      this.#around.processTrouble,
      stop,
    );
    if (!taken) return false;
    this.#given = { sequenceNumber: last.sequenceNumber, subSequenceNumber: last.subSequenceNumber };
    this.#recordCount += records.length;
    return true;
  }

  /** Tries until it works; resolves to nothing on `stop`. */
  async #insist<T>(task: () => Promise<T>, trouble: TroubleReporter, stop: AbortSignal): Promise<T | undefined> {
    const { clock, random, taskBackoffTimeMs } = this.#around;
    while (!stop.aborted) {
      try {
        const result = await task();
        this.#failures = 0;
        trouble.worked(this.#shardId);
        return result;
      } catch (error) {
        if (stop.aborted) return undefined;
        this.#failures += 1;
        trouble.failed(this.#shardId, describeError(error));
        await clock.sleep(backoffMs(taskBackoffTimeMs, BACKOFF_MAX_MS, this.#failures, random), stop);
      }
    }
    return undefined;
  }
}

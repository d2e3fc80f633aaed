/** Opens the readers of one stream in one thread, and holds what they share. */
import { TroubleReporter } from '../util/troubleReporter.ts';
import { createFanOutSource } from './fanOutSource.ts';
import { FetchBudget } from './fetchBudget.ts';
import type { Lease } from './lease.ts';
import { ANSWER_BYTES } from './pace.ts';
import { ReadingPosition } from './readingPosition.ts';
import { createPollingSource, type RecordSource } from './recordSource.ts';
import { LocalShardReader, type ReaderOptions, type ReaderSurroundings } from './shardReader.ts';
import type { StreamConsumer } from './streamConsumer.ts';
import type { CreateProcessor, ShardKnowledge, ShardReader } from './types.ts';

export class ShardReaders {
  readonly #around: ReaderSurroundings;
  readonly #createProcessor: CreateProcessor;
  readonly #streamConsumer: StreamConsumer | undefined;

  /** `streamConsumer` is absent when all is read by polling. */
  constructor(
    options: ReaderOptions,
    createProcessor: CreateProcessor,
    knowledge: ShardKnowledge,
    streamConsumer: StreamConsumer | undefined,
  ) {
    const { logger, clock, streamName, fetchedBytesMax } = options;
    this.#around = {
      ...options,
      isGone: (shardId, signal) => knowledge.isGone(shardId, signal),
      isClosed: (shardId) => knowledge.isClosed(shardId),
      fetchBudget: new FetchBudget(fetchedBytesMax),
      fetchTrouble: new TroubleReporter(`reading stream "${streamName}"`, logger, clock),
      processTrouble: new TroubleReporter('processing records', logger, clock),
    };
    this.#createProcessor = createProcessor;
    this.#streamConsumer = streamConsumer;
  }

  /** Begins behind the checkpoint of the lease. */
  open(lease: Lease): ShardReader {
    const processor = this.#createProcessor({ shardId: lease.leaseKey, streamName: this.#around.streamName });
    return new LocalShardReader(lease, this.#sourceOf(lease), processor, this.#around);
  }

  #sourceOf(lease: Lease): RecordSource {
    const { kinesis, clock, initialPosition } = this.#around;
    const shardId = lease.leaseKey;
    const position = new ReadingPosition(lease, initialPosition);
    const settings = { ...this.#around, answerBytes: ANSWER_BYTES };
    const polling = createPollingSource(kinesis, clock, shardId, position, settings);
    const consumer = this.#streamConsumer;
    if (consumer === undefined) return polling;
    const isClosed = () => this.#around.isClosed(shardId);
    return createFanOutSource({ ...this.#around, shardId, position, consumer, polling, isClosed });
  }
}

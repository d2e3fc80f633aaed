import type { ShardInfo, ShardProcessor } from '../../../kinesis/types.ts';
import type { CodecFactory, InputContext } from '../../../plugin-api/index.ts';
import { createRecordProcessor } from './recordProcessor.ts';
import { RefusedRecords } from './refusedRecords.ts';
import type { KinesisOptions } from './settings.ts';

/** The processors of one thread, and what they share. */
export class ShardProcessors {
  readonly #given: KinesisOptions & { codec: CodecFactory };
  readonly #context: InputContext;
  readonly #refused: RefusedRecords;
  readonly #stopping = new AbortController();

  constructor(given: KinesisOptions & { codec: CodecFactory }, context: InputContext) {
    this.#given = given;
    this.#context = context;
    this.#refused = new RefusedRecords(context);
  }

  create(shard: ShardInfo): ShardProcessor {
    const { codec, event_time: eventTime } = this.#given;
    const settings = { shard, codec: codec.open(), eventTime, stop: this.#stopping.signal, refused: this.#refused };
    return createRecordProcessor(settings, this.#context);
  }

  /** Nothing more is emitted. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Says what was counted and not said. */
  close(): void {
    this.#refused.close();
  }
}

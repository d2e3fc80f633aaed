/** Reads one shard by enhanced fan-out: Kinesis sends the records through a subscription, renewed when it ends. */
import type { SubscribeToShardEvent } from '@aws-sdk/client-kinesis';
import { backoffMs } from '../util/backoff.ts';
import type { Clock } from '../util/clock.ts';
import type { KinesisApi } from './awsApi.ts';
import { isInUse, isNotFound, isRefused, isThrottling } from './awsErrors.ts';
import { afterSequenceNumber, type ReadingPosition } from './readingPosition.ts';
import type { Fetched, RecordSource } from './recordSource.ts';
import type { StreamConsumer } from './streamConsumer.ts';
import { type Subscription, subscribe } from './subscription.ts';
import type { ShardSourceKind } from './types.ts';

export interface FanOutParts {
  readonly kinesis: KinesisApi;
  readonly clock: Clock;
  readonly random: () => number;
  readonly shardId: string;
  /** Shared with `polling`. */
  readonly position: ReadingPosition;
  readonly consumer: StreamConsumer;
  /** Goes on when enhanced fan-out is refused, and where it does not tell the end of the shard. */
  readonly polling: RecordSource;
  /** Whether the stream's list of shards has an end for this one. */
  readonly isClosed: () => boolean | Promise<boolean>;
}

/**
 * A subscription lives on for up to five seconds after its connection, and no other is allowed meanwhile: so often, from
 * the shortest pause up to the longest, it is tried again before it counts as trouble.
 */
const BUSY_TRIES = 5;
const BUSY_MS = 1_000;
const BUSY_MAX_MS = 5_000;
/** Between two subscriptions, should a server end each of them at once. */
const SUBSCRIBE_MS_MIN = 1_000;

export function createFanOutSource(parts: FanOutParts): RecordSource {
  return new FanOutSource(parts);
}

class FanOutSource implements RecordSource {
  readonly #parts: FanOutParts;
  #subscription: Subscription | undefined;
  /** Kinesis's own mark behind the last event, which moves on without records too. */
  #continuation: string | undefined;
  #subscribedMs = Number.NEGATIVE_INFINITY;
  /** The rest of the shard is read by polling. */
  #isFinishing = false;

  constructor(parts: FanOutParts) {
    this.#parts = parts;
  }

  get kind(): ShardSourceKind {
    return this.#isFinishing || this.#parts.consumer.refused.aborted ? 'polling' : 'fanout';
  }

  async fetch(signal: AbortSignal): Promise<Fetched> {
    const event = this.kind === 'fanout' ? await this.#nextEvent(signal) : undefined;
    return event === undefined ? this.#parts.polling.fetch(signal) : this.#take(event);
  }

  /** Resolves to nothing when enhanced fan-out is refused. */
  async #nextEvent(signal: AbortSignal): Promise<SubscribeToShardEvent | undefined> {
    for (let busy = 1; ; ) {
      const arn = await this.#parts.consumer.arn();
      if (arn === undefined) return undefined;
      try {
        this.#subscription ??= await this.#subscribe(arn, signal);
        const event = await this.#subscription.next();
        if (event !== undefined) return event;
        this.#subscription = undefined;
      } catch (error) {
        this.#subscription = undefined;
        if (signal.aborted) throw error;
        if (isBusy(error) && busy <= BUSY_TRIES) {
          await this.#parts.clock.sleep(backoffMs(BUSY_MS, BUSY_MAX_MS, busy, this.#parts.random), signal);
          busy += 1;
        } else if (!(await this.#isOver(arn, error))) {
          throw error;
        }
      }
    }
  }

  async #subscribe(ConsumerARN: string, signal: AbortSignal): Promise<Subscription> {
    const { kinesis, clock, shardId, position, consumer } = this.#parts;
    await clock.sleep(Math.max(0, this.#subscribedMs + SUBSCRIBE_MS_MIN - clock.monotonic()), signal);
    this.#subscribedMs = clock.monotonic();
    const StartingPosition =
      this.#continuation === undefined ? position.begin(clock.now()) : afterSequenceNumber(this.#continuation);
    const open = AbortSignal.any([signal, consumer.refused]);
    return subscribe(kinesis, clock, { ConsumerARN, ShardId: shardId, StartingPosition }, open);
  }

  /** Whether the consumer with this ARN is of no use any more, by what its subscription failed with. */
  async #isOver(arn: string, error: unknown): Promise<boolean> {
    const { consumer } = this.#parts;
    if (isRefused(error)) consumer.refuse('SubscribeToShard', error);
    return consumer.refused.aborted || (isNotFound(error) && (await consumer.isGone(arn)));
  }

  async #take(event: SubscribeToShardEvent): Promise<Fetched> {
    const { Records: records = [], MillisBehindLatest, ChildShards: children = [] } = event;
    this.#parts.position.passed(records.at(-1)?.SequenceNumber);
    this.#continuation = event.ContinuationSequenceNumber || undefined;
    const ended = children.length > 0;
    this.#isFinishing = !ended && (await this.#isAtSilentEnd(event));
    if (ended || this.#isFinishing) this.#subscription?.close();
    return { records, millisBehindLatest: MillisBehindLatest ?? 0, ended, children, pauseMs: 0 };
  }

  /** Local servers go on with empty events after the last record of a closed shard. GetRecords tells its end for certain. */
  async #isAtSilentEnd({ Records: records = [], MillisBehindLatest }: SubscribeToShardEvent): Promise<boolean> {
    if (this.#continuation === undefined) return true;
    return records.length === 0 && MillisBehindLatest === 0 && this.#parts.isClosed();
  }
}

function isBusy(error: unknown): boolean {
  return isInUse(error) || isThrottling(error);
}

import type {
  _Record,
  ChildShard,
  SubscribeToShardCommandInput,
  SubscribeToShardEvent,
  SubscribeToShardEventStream,
} from '@aws-sdk/client-kinesis';
import type { KinesisApi } from '../../../../src/kinesis/awsApi.ts';
import type { systemClock } from '../../../../src/util/clock.ts';
import { awsError } from './faults.ts';

const STREAM_ARN = 'arn:aws:kinesis:us-east-1:1:stream/logs';

/** What it asks of the stream that it belongs to. */
interface FannedStream {
  shard(shardId: string): { readonly records: readonly _Record[]; readonly closed: boolean };
  isFrom(record: _Record, input: Parameters<KinesisApi['getShardIterator']>[0]): boolean;
  children(shardId: string): ChildShard[];
  /** The highest sequence number given by now. */
  lastSequenceNumber(): string;
  now(): number;
  sleep: typeof systemClock.sleep;
}

interface FakeSubscription {
  readonly input: SubscribeToShardCommandInput;
  readonly sinceMs: number;
  readonly signal: AbortSignal;
  isOver: boolean;
  fault: Error | undefined;
}

/** The enhanced fan-out of a fake stream: registered consumers, and subscriptions that send when they are read. */
export class FakeFanOut {
  /** Their ARNs by name, and since when they are ACTIVE. */
  readonly consumers = new Map<string, { arn: string; activeMs: number }>();
  /** Where each subscription began, in the order of the calls. */
  readonly starts: unknown[] = [];
  readonly #stream: FannedStream;
  readonly #subscriptions: FakeSubscription[] = [];
  consumersMax = 20;
  creatingMs = 0;
  heartbeatMs = 5_000;
  subscriptionMs = 300_000;
  /** For so long after a subscription has begun no other of the same shard is allowed. */
  inUseMs = 5_000;
  recordsAnEvent = 10_000;
  /** Subscriptions stay open and send nothing. */
  isSilent = false;
  /** As kinesis-local: the end of a shard is not told, and empty events go on. */
  tellsEnds = true;
  sent = 0;
  #registered = 0;
  #bell = new AbortController();

  constructor(stream: FannedStream) {
    this.#stream = stream;
  }

  /** The shards of the subscriptions that are open. */
  get open(): string[] {
    return this.#subscriptions.filter(isOpen).map(({ input }) => input.ShardId ?? '');
  }

  /** The connections of the open subscriptions, of one shard or all, break, or an exception comes through them. */
  cut(error: Error = Object.assign(new Error('aborted'), { code: 'ECONNRESET' }), shardId?: string): void {
    for (const subscription of this.#subscriptions.filter(isOpen)) {
      if (shardId === undefined || subscription.input.ShardId === shardId) subscription.fault = error;
    }
    this.wake();
  }

  /** Something has changed. */
  wake(): void {
    const bell = this.#bell;
    this.#bell = new AbortController();
    bell.abort();
  }

  describeStream(): Awaited<ReturnType<KinesisApi['describeStreamSummary']>> {
    const StreamDescriptionSummary = { StreamARN: STREAM_ARN };
    return { StreamDescriptionSummary } as Awaited<ReturnType<KinesisApi['describeStreamSummary']>>;
  }

  describe(name: string): Awaited<ReturnType<KinesisApi['describeStreamConsumer']>> {
    const consumer = this.consumers.get(name);
    if (!consumer) throw awsError('ResourceNotFoundException', `Consumer ${name} not found`);
    return {
      ConsumerDescription: {
        ConsumerName: name,
        ConsumerARN: consumer.arn,
        ConsumerStatus: this.#stream.now() < consumer.activeMs ? 'CREATING' : 'ACTIVE',
        ConsumerCreationTimestamp: new Date(0),
        StreamARN: STREAM_ARN,
      },
    };
  }

  register(name: string): void {
    if (this.consumers.has(name)) throw awsError('ResourceInUseException', `Consumer ${name} exists`);
    if (this.consumers.size >= this.consumersMax) throw awsError('LimitExceededException', 'too many consumers');
    this.#registered += 1;
    const arn = `${STREAM_ARN}/consumer/${name}:${this.#registered}`;
    this.consumers.set(name, { arn, activeMs: this.#stream.now() + this.creatingMs });
  }

  deregister(name: string): void {
    this.consumers.delete(name);
    this.cut(awsError('ResourceNotFoundException', 'Consumer not found'));
  }

  subscribe(input: SubscribeToShardCommandInput, signal: AbortSignal): AsyncIterable<SubscribeToShardEventStream> {
    this.starts.push({ ShardId: input.ShardId, ...input.StartingPosition });
    if (![...this.consumers.values()].some(({ arn }) => arn === input.ConsumerARN)) {
      throw awsError('ResourceNotFoundException', 'Consumer not found');
    }
    const { records } = this.#stream.shard(input.ShardId ?? '');
    const { Type, SequenceNumber, Timestamp } = input.StartingPosition ?? {};
    const start = { ShardIteratorType: Type, StartingSequenceNumber: SequenceNumber, Timestamp };
    const given = { StreamName: 'logs', ShardId: input.ShardId, ...start };
    const at = records.findIndex((record) => this.#stream.isFrom(record, given));
    this.#takeOver(input);
    const sinceMs = this.#stream.now();
    const subscription: FakeSubscription = { input, sinceMs, signal, isOver: false, fault: undefined };
    this.#subscriptions.push(subscription);
    return this.#events(subscription, at < 0 ? records.length : at);
  }

  #takeOver({ ConsumerARN, ShardId }: SubscribeToShardCommandInput): void {
    for (const other of this.#subscriptions) {
      if (other.input.ConsumerARN !== ConsumerARN || other.input.ShardId !== ShardId) continue;
      if (this.#stream.now() - other.sinceMs < this.inUseMs) {
        throw awsError('ResourceInUseException', 'Another active subscription exists');
      }
      other.fault = awsError('ResourceInUseException', 'Another subscription has taken over');
    }
    this.wake();
  }

  async *#events(subscription: FakeSubscription, from: number): AsyncGenerator<SubscribeToShardEventStream> {
    const { input, sinceMs, signal } = subscription;
    const endMs = sinceMs + this.subscriptionMs;
    let at = from;
    let sentMs = Number.NEGATIVE_INFINITY;
    try {
      for (;;) {
        const bell = this.#bell.signal;
        if (signal.aborted) throw awsError('AbortError');
        if (subscription.fault) throw subscription.fault;
        const nowMs = this.#stream.now();
        if (nowMs >= endMs) return;
        const event = this.#event(input.ShardId ?? '', at);
        const isDue = event.Records?.length || !event.ContinuationSequenceNumber || nowMs - sentMs >= this.heartbeatMs;
        if (this.isSilent || !isDue) {
          const untilMs = this.isSilent ? endMs : Math.min(endMs, sentMs + this.heartbeatMs);
          await this.#stream.sleep(untilMs - nowMs, AbortSignal.any([bell, signal]));
          continue;
        }
        at += event.Records?.length ?? 0;
        sentMs = nowMs;
        this.sent += 1;
        yield { SubscribeToShardEvent: event };
        if (!event.ContinuationSequenceNumber) return;
      }
    } finally {
      subscription.isOver = true;
    }
  }

  #event(shardId: string, at: number): SubscribeToShardEvent {
    const { records, closed } = this.#stream.shard(shardId);
    const Records = records.slice(at, at + this.recordsAnEvent);
    const isAtTip = at + Records.length >= records.length;
    if (closed && isAtTip && this.tellsEnds) {
      const ChildShards = this.#stream.children(shardId);
      return { Records, ContinuationSequenceNumber: undefined, MillisBehindLatest: 0, ChildShards };
    }
    const ContinuationSequenceNumber = isAtTip ? this.#stream.lastSequenceNumber() : Records.at(-1)?.SequenceNumber;
    return { Records, ContinuationSequenceNumber, MillisBehindLatest: isAtTip ? 0 : 1_000 };
  }
}

function isOpen({ isOver, signal }: FakeSubscription): boolean {
  return !isOver && !signal.aborted;
}

import type {
  SubscribeToShardCommandInput,
  SubscribeToShardEvent,
  SubscribeToShardEventStream,
} from '@aws-sdk/client-kinesis';
import type { Clock } from '../util/clock.ts';
import type { KinesisApi } from './awsApi.ts';

/** One call of SubscribeToShard. What is not asked for waits in the connection, whose flow control holds Kinesis back. */
export interface Subscription {
  /**
   * The next event, be it without records; nothing once Kinesis has ended the subscription, which it does after five
   * minutes. Rejects with what came in place of an event, with a `TimeoutError` when nothing comes, and on the abort; the
   * subscription is closed then.
   */
  next(): Promise<SubscribeToShardEvent | undefined>;
  close(): void;
}

/** Kinesis sends an event about every five seconds. */
const SILENCE_MS = 35_000;
const SILENT = Symbol('silent');

/** Rejects as the service does. The subscription is closed when `signal` aborts. */
export async function subscribe(
  kinesis: KinesisApi,
  clock: Clock,
  input: SubscribeToShardCommandInput,
  signal: AbortSignal,
): Promise<Subscription> {
  const closing = new AbortController();
  const closed = AbortSignal.any([closing.signal, signal]);
  let over = new AbortController();
  closed.addEventListener('abort', () => over.abort(), { once: true });
  let isFresh = true;

  async function inTime<T>(task: Promise<T>): Promise<T> {
    over = new AbortController();
    if (closed.aborted) over.abort();
    const silence = clock.sleep(SILENCE_MS, over.signal).then((): typeof SILENT => SILENT);
    try {
      const first = await Promise.race([task, silence]);
      if (first !== SILENT) return first;
      throw closed.aborted ? closed.reason : silent();
    } catch (error) {
      closing.abort();
      throw error;
    } finally {
      over.abort();
    }
  }

  const { EventStream } = await inTime(kinesis.subscribeToShard(input, closed));
  const members = (EventStream ?? NO_EVENTS)[Symbol.asyncIterator]();

  async function nextEvent(): Promise<SubscribeToShardEvent | undefined> {
    for (;;) {
      const { done, value } = await members.next();
      if (done && isFresh) throw new Error('the subscription ended before its first event');
      if (done) return undefined;
      const event = eventOf(value);
      isFresh = false;
      if (event !== undefined) return event;
    }
  }

  return {
    async next() {
      const event = await inTime(nextEvent());
      if (event === undefined) closing.abort();
      return event;
    },
    close: () => closing.abort(),
  };
}

/** Nothing for a kind of event that is not known. An exception may come as an event: it is thrown. */
function eventOf(member: SubscribeToShardEventStream): SubscribeToShardEvent | undefined {
  for (const value of Object.values(member)) if (value instanceof Error) throw value;
  return member.SubscribeToShardEvent;
}

function silent(): Error {
  const error = new Error(`the subscription was silent for ${SILENCE_MS / 1_000} s`);
  error.name = 'TimeoutError';
  return error;
}

const NO_EVENTS: AsyncIterable<SubscribeToShardEventStream> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

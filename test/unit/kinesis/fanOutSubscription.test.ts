import type { SubscribeToShardEventStream } from '@aws-sdk/client-kinesis';
import { expect, test } from 'vitest';
import { type Subscription, subscribe } from '../../../src/kinesis/subscription.ts';
import { FakeClock } from './fakes/fakeClock.ts';
import { FakeKinesis } from './fakes/fakeKinesis.ts';
import { awsError } from './fakes/faults.ts';

const EVENT = { Records: [], ContinuationSequenceNumber: '1', MillisBehindLatest: 0 };

/** A subscription that brings these members; `aborted` tells whether its connection is closed. */
async function subscribed(
  members?: readonly object[],
): Promise<{ subscription: Subscription; aborted: () => boolean }> {
  let connection: AbortSignal | undefined;
  const kinesis = new FakeKinesis(() => 0);
  kinesis.subscribeToShard = async (_input, signal) => {
    connection = signal;
    return { EventStream: members && stream(members) };
  };
  const input = { ConsumerARN: 'arn', ShardId: 's0', StartingPosition: { Type: 'LATEST' as const } };
  const subscription = await subscribe(kinesis, new FakeClock(), input, new AbortController().signal);
  return { subscription, aborted: () => connection?.aborted ?? true };
}

async function* stream(members: readonly object[]): AsyncGenerator<SubscribeToShardEventStream> {
  for (const member of members) yield member as SubscribeToShardEventStream;
}

test('an exception that comes as an event is thrown, and the connection is closed', async () => {
  const exception = awsError('ResourceNotFoundException');
  const { subscription, aborted } = await subscribed([
    { SubscribeToShardEvent: EVENT },
    { ResourceNotFoundException: exception },
  ]);
  expect(await subscription.next()).toBe(EVENT);
  expect(aborted()).toBe(false);
  await expect(subscription.next()).rejects.toBe(exception);
  expect(aborted()).toBe(true);
});

test('a kind of event that is not known is passed over', async () => {
  const { subscription } = await subscribed([{ $unknown: ['New', {}] }, { SubscribeToShardEvent: EVENT }]);
  expect(await subscription.next()).toBe(EVENT);
});

test('the end closes the connection', async () => {
  const { subscription, aborted } = await subscribed([{ SubscribeToShardEvent: EVENT }]);
  await subscription.next();
  expect(await subscription.next()).toBeUndefined();
  expect(aborted()).toBe(true);
});

test('an answer without events is a failure', async () => {
  const { subscription } = await subscribed();
  await expect(subscription.next()).rejects.toThrow('ended before its first event');
});

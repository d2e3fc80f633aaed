/** Reads Kinesis streams as a KCL 1.x worker, in a fleet with Logstash or Java KCL workers if need be. */
import { randomUUID } from 'node:crypto';
import { type Clients, createClients } from '../../../kinesis/clients.ts';
import { createConsumer } from '../../../kinesis/consumer.ts';
import type { Consumer } from '../../../kinesis/types.ts';
import { type CodecFactory, defineInput, type Input, type InputContext } from '../../../plugin-api/index.ts';
import { whenAborted } from '../../../util/abort.ts';
import { createRecordProcessor } from './recordProcessor.ts';
import { RefusedRecords } from './refusedRecords.ts';
import {
  checkOptions,
  clientSettings,
  type KinesisOptions,
  leaseTableClaims,
  options,
  type StreamSettings,
  streamSettings,
} from './settings.ts';

export const kinesis = defineInput({
  name: 'kinesis',
  summary:
    'Reads Kinesis streams under leases in DynamoDB, which it can share with Logstash and other KCL 1.x workers.',
  replays: true,
  options,
  check: checkOptions,
  claims: leaseTableClaims,
  create: createInput,
});

function createInput(given: KinesisOptions & { codec: CodecFactory }, context: InputContext): Input {
  const stopping = new AbortController();
  // The SDK takes its time to load: it does while the rest of the pipeline is made. `run` says what went wrong.
  const clients: Promise<Clients> = createClients(clientSettings(given), context);
  clients.catch(() => {});
  const refused = new RefusedRecords(context);
  let consumers: Consumer[] = [];

  function consumerOf(stream: StreamSettings, { kinesis, dynamodb }: Clients, workerId: string): Consumer {
    return createConsumer({
      ...stream,
      kinesis,
      dynamodb,
      workerId,
      clock: context.clock,
      random: Math.random,
      logger: context.logger,
      counter: context.counter,
      createProcessor: (shard) => {
        const codec = given.codec.open();
        const settings = { shard, codec, eventTime: given.event_time, stop: stopping.signal, refused };
        return createRecordProcessor(settings, context);
      },
    });
  }

  return {
    async run() {
      if (stopping.signal.aborted) return;
      const made = await clients;
      const workerId = `${context.hostName}:${randomUUID()}`;
      consumers = streamSettings(given).map((stream) => consumerOf(stream, made, workerId));
      const stopFetching = () => Promise.all(consumers.map((consumer) => consumer.stopFetching()));
      const stopped = whenAborted(stopping.signal).then(stopFetching);
      await Promise.all(consumers.map((consumer) => consumer.start()));
      await stopped;
    },
    stop: () => stopping.abort(),
    async close() {
      await Promise.all(consumers.map((consumer) => consumer.close()));
      refused.close();
      await clients.then(({ destroy }) => destroy()).catch(() => {});
    },
    unsettledSinceMs() {
      const shards = consumers.flatMap((consumer) => consumer.snapshot().shards);
      const since = shards.map((shard) => shard.unsettledSinceMs).filter((ms) => ms !== null);
      return since.length === 0 ? undefined : Math.min(...since);
    },
    status: () => (consumers.length > 0 ? statusOf(consumers) : { state: 'starting' }),
  };
}

function statusOf(consumers: readonly Consumer[]): Readonly<Record<string, unknown>> {
  const streams = consumers.map((consumer) => consumer.snapshot());
  const shards = streams.flatMap((stream) => stream.shards);
  const held = shards.filter((shard) => shard.state !== null);
  return {
    shardsHeld: held.filter((shard) => shard.state !== 'ended').length,
    shardsTotal: shards.length,
    millisBehindLatest: Math.max(0, ...held.map((shard) => shard.millisBehindLatest ?? 0)),
    records: held.reduce((sum, shard) => sum + shard.recordCount, 0),
    streams,
  };
}

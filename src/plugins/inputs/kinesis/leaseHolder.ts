/** The input where its leases are: a consumer for each stream. Who reads the shards is the caller's to say. */
import { randomUUID } from 'node:crypto';
import { type Clients, createClients } from '../../../kinesis/clients.ts';
import { createConsumer } from '../../../kinesis/consumer.ts';
import type { Consumer, ConsumerOptions, ShardKnowledge } from '../../../kinesis/types.ts';
import type { Input, PluginContext } from '../../../plugin-api/index.ts';
import { whenAborted } from '../../../util/abort.ts';
import { clientSettings, type KinesisOptions, streamSettings } from './settings.ts';

interface Reading {
  readonly whoReads: (streamName: string) => Pick<ConsumerOptions, 'createProcessor' | 'openReader'>;
  readonly onStop?: () => void;
  readonly onClosed?: () => void;
}

export class LeaseHolder implements Input {
  readonly #given: KinesisOptions;
  readonly #context: PluginContext;
  readonly #reading: Reading;
  readonly #stopping = new AbortController();
  readonly #clients: Promise<Clients>;
  readonly #consumers = new Map<string, Consumer>();

  constructor(given: KinesisOptions, context: PluginContext, reading: Reading) {
    this.#given = given;
    this.#context = context;
    this.#reading = reading;
    // The SDK takes its time to load: it does while the rest of the pipeline is made. `run` says what went wrong.
    this.#clients = createClients(clientSettings(given), context);
    this.#clients.catch(() => {});
  }

  async run(): Promise<void> {
    const stop = this.#stopping.signal;
    if (stop.aborted) return;
    const { kinesis, dynamodb } = await this.#clients;
    const { clock, logger, counter, hostName } = this.#context;
    const shared = { kinesis, dynamodb, clock, logger, counter, random: Math.random };
    const workerId = `${hostName}:${randomUUID()}`;
    for (const stream of streamSettings(this.#given)) {
      const { streamName } = stream;
      const options = { ...stream, ...shared, workerId, ...this.#reading.whoReads(streamName) };
      this.#consumers.set(streamName, createConsumer(options));
    }
    const consumers = [...this.#consumers.values()];
    const stopped = whenAborted(stop).then(() => Promise.all(consumers.map((consumer) => consumer.stopFetching())));
    await Promise.all(consumers.map((consumer) => consumer.start()));
    await stopped;
  }

  stop(): void {
    this.#reading.onStop?.();
    this.#stopping.abort();
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#consumers.values(), (consumer) => consumer.close()));
    this.#reading.onClosed?.();
    await this.#clients.then(({ destroy }) => destroy()).catch(() => {});
  }

  knowledgeOf(streamName: string): ShardKnowledge {
    const consumer = this.#consumers.get(streamName);
    if (consumer === undefined) throw new Error(`no shard of stream "${streamName}" is read yet`);
    return consumer.knowledge;
  }

  unsettledSinceMs(): number | undefined {
    const shards = Array.from(this.#consumers.values(), (consumer) => consumer.snapshot().shards).flat();
    const since = shards.map((shard) => shard.unsettledSinceMs).filter((ms) => ms !== null);
    return since.length === 0 ? undefined : Math.min(...since);
  }

  status(): Readonly<Record<string, unknown>> {
    const consumers = [...this.#consumers.values()];
    return consumers.length > 0 ? statusOf(consumers) : { state: 'starting' };
  }
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

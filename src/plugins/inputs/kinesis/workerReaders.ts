/** The part of the input in one worker: readers that the thread opens, stops and asks that holds the leases. */
import { type Clients, createClients } from '../../../kinesis/clients.ts';
import { resolveOptions } from '../../../kinesis/resolveOptions.ts';
import { ShardReaders } from '../../../kinesis/shardReaders.ts';
import { StreamConsumer } from '../../../kinesis/streamConsumer.ts';
import type { ShardKnowledge, ShardReader } from '../../../kinesis/types.ts';
import type { CodecFactory, Input, WorkerInputContext } from '../../../plugin-api/index.ts';
import { whenAborted } from '../../../util/abort.ts';
import type { ReadCall, ReaderId, ReaderState, ReaderStates, ReadResult } from './readerProtocol.ts';
import { clientSettings, type KinesisOptions, type StreamSettings, streamSettings } from './settings.ts';
import { ShardProcessors } from './shardProcessors.ts';

/** How old the positions and figures may be that the other thread has. */
const STATES_MS = 250;

interface OpenReader {
  readonly reader: ShardReader;
  readonly stop: AbortController;
  readonly lost: AbortController;
  /** Until it has read. */
  readonly reading: Promise<unknown>;
}

export class WorkerReaders implements Input {
  readonly #given: KinesisOptions;
  readonly #context: WorkerInputContext;
  readonly #processors: ShardProcessors;
  readonly #clients: Promise<Clients>;
  readonly #streams = new Map<string, ShardReaders>();
  readonly #open = new Map<ReaderId, OpenReader>();
  readonly #stopping = new AbortController();
  readonly #closing = new AbortController();

  constructor(given: KinesisOptions & { codec: CodecFactory }, context: WorkerInputContext) {
    this.#given = given;
    this.#context = context;
    this.#processors = new ShardProcessors(given, context);
    this.#clients = createClients(clientSettings(given), context);
    this.#clients.catch(() => {});
    const { coordinator } = context;
    coordinator.handle('read', (call: ReadCall) => this.#read(call));
    coordinator.handle('stop', (id: ReaderId) => this.#open.get(id)?.stop.abort());
    coordinator.handle('lost', (id: ReaderId) => this.#lose(id));
    coordinator.handle('whenSettled', (id: ReaderId) => this.#whenSettled(id));
  }

  async run(): Promise<void> {
    void this.#tell();
    await whenAborted(this.#context.ended);
    this.stop();
    await Promise.all(Array.from(this.#open.values(), ({ reading }) => reading));
  }

  stop(): void {
    this.#processors.stop();
    this.#stopping.abort();
    for (const { stop } of this.#open.values()) stop.abort();
  }

  /** The outputs have settled what they could: these positions are the last ones. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#tellNow();
    this.#processors.close();
    await this.#clients.then(({ destroy }) => destroy()).catch(() => {});
  }

  async #tell(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#context.clock.sleep(STATES_MS, signal);
      if (!signal.aborted) this.#tellNow();
    }
  }

  #tellNow(): void {
    const states: ReaderStates = Array.from(this.#open, ([id, { reader }]) => [id, stateOf(reader)]);
    if (states.length > 0) this.#context.coordinator.send('states', states);
  }

  #readersOf(streamName: string, clients: Clients): ShardReaders {
    const stream = streamSettings(this.#given).find((settings) => settings.streamName === streamName);
    if (stream === undefined) throw new Error(`no stream "${streamName}" is configured`);
    const known = this.#streams.get(streamName) ?? this.#openStream(stream, clients);
    this.#streams.set(streamName, known);
    return known;
  }

  /** The bytes that may be fetched are those of all workers together. */
  #openStream(stream: StreamSettings, { kinesis, dynamodb }: Clients): ShardReaders {
    const { clock, logger, counter, workerCount } = this.#context;
    const around = { kinesis, dynamodb, clock, logger, counter, random: Math.random, workerId: '' };
    const resolved = resolveOptions({ ...stream, ...around });
    const { fanOut, streamName } = resolved;
    const options = { ...resolved, fetchedBytesMax: Math.ceil(resolved.fetchedBytesMax / workerCount) };
    const consumer = fanOut && new StreamConsumer(options, fanOut.consumerName, this.#stopping.signal);
    const createProcessor = this.#processors.create.bind(this.#processors);
    return new ShardReaders(options, createProcessor, this.#knowledgeOf(streamName), consumer);
  }

  #knowledgeOf(streamName: string): ShardKnowledge {
    const { coordinator } = this.#context;
    const ask = async (name: string, shardId: string) =>
      (await coordinator.call(name, { streamName, shardId })) === true;
    return { isGone: (shardId) => ask('isGone', shardId), isClosed: (shardId) => ask('isClosed', shardId) };
  }

  async #read({ id, streamName, lease }: ReadCall): Promise<ReadResult> {
    const reader = this.#readersOf(streamName, await this.#clients).open(lease);
    if (this.#stopping.signal.aborted) return { end: undefined, state: stateOf(reader) };
    const stop = new AbortController();
    const reading = reader.read(stop.signal);
    this.#open.set(id, { reader, stop, lost: new AbortController(), reading });
    const end = await reading;
    return { end, state: stateOf(reader) };
  }

  /** The answer has its last position. */
  async #whenSettled(id: ReaderId): Promise<ReaderState> {
    const { reader, lost } = this.#opened(id);
    // The other side may give up sooner.
    await reader.whenSettled(lost.signal);
    if (reader.isSettled()) this.#open.delete(id);
    return stateOf(reader);
  }

  #lose(id: ReaderId): void {
    const open = this.#open.get(id);
    open?.stop.abort();
    open?.lost.abort();
    open?.reader.lost();
    this.#open.delete(id);
  }

  #opened(id: ReaderId): OpenReader {
    const open = this.#open.get(id);
    if (open === undefined) throw new Error(`there is no reader ${id}`);
    return open;
  }
}

function stateOf(reader: ShardReader): ReaderState {
  return { ...reader.snapshot(), settled: reader.settledPosition(), isSettled: reader.isSettled() };
}

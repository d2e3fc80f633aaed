/** One process: the real consumer with the real record processor of the kinesis input, before outputs that take their time. */
import type { Event } from '../../src/event/event.ts';
import { createConsumer } from '../../src/kinesis/consumer.ts';
import type { Consumer, ConsumerOptions, ShardInfo, ShardProcessor } from '../../src/kinesis/types.ts';
import type { Codec } from '../../src/plugin-api/index.ts';
import { json } from '../../src/plugins/codecs/json.ts';
import { createRecordProcessor } from '../../src/plugins/inputs/kinesis/recordProcessor.ts';
import { testContext } from '../support/pluginContext.ts';
import type { FakeDynamoDb } from '../unit/kinesis/fakes/fakeDynamoDb.ts';
import { Caller } from './caller.ts';
import type { Dice } from './dice.ts';
import { Holding, startOf } from './holding.ts';
import type { LeaseRows } from './leaseRows.ts';
import type { Ledger, LoggedEvent } from './ledger.ts';
import type { Network } from './network.ts';
import { Output, type OutputSettings } from './output.ts';
import { STREAM, type Stream } from './stream.ts';
import type { Report, Trace } from './violations.ts';
import { Actor, type VirtualTime } from './virtualTime.ts';

/** What all workers of one simulation share. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly dice: Dice;
  readonly stream: Stream;
  readonly dynamodb: FakeDynamoDb;
  readonly rows: LeaseRows;
  readonly ledger: Ledger;
  readonly network: Network;
  readonly report: Report;
  readonly trace: Trace;
}

type Given = 'kinesis' | 'dynamodb' | 'streamName' | 'tableName' | 'workerId' | 'createProcessor' | 'clock';

export interface WorkerSettings {
  readonly consumer: Omit<ConsumerOptions, Given | 'random' | 'logger'>;
  readonly batchSize: number;
  readonly ackWindowMax: number;
  readonly output: OutputSettings;
  /** In waking time: a worker that could not renew its lease for so long has let go of it. */
  readonly unrenewedMaxMs: number;
}

export class SimulatedWorker {
  readonly actor: Actor;
  readonly caller: Caller;
  readonly consumer: Consumer;
  readonly #around: Surroundings;
  readonly #settings: WorkerSettings;
  readonly #output: Output;
  readonly #stop = new AbortController();
  readonly #context: ReturnType<typeof testContext>;

  /** `skewMs`: how far its clock is ahead of the servers'. */
  constructor(name: string, skewMs: number, settings: WorkerSettings, around: Surroundings) {
    const { time, dice, network, rows, ledger, report } = around;
    this.actor = new Actor(name);
    this.caller = new Caller(this.actor, time, rows, report);
    this.#around = around;
    this.#settings = settings;
    this.#output = new Output(settings.output, this.actor, time, dice, ledger);
    const clock = time.clockOf(this.actor, skewMs);
    const logger = this.#logger();
    this.#context = testContext({ clock, logger });
    this.consumer = createConsumer({
      ...settings.consumer,
      kinesis: network.connect(this.caller, 'kinesis', around.stream.kinesis),
      dynamodb: network.connect(this.caller, 'dynamodb', around.dynamodb),
      streamName: STREAM,
      tableName: 'leases',
      workerId: name,
      clock,
      random: dice.next,
      logger,
      createProcessor: (shard) => this.#createProcessor(shard),
    });
  }

  start(): void {
    const { report } = this.#around;
    this.consumer.start().catch((error) => report('unexpected failure', `start of ${this.actor.name}: ${error}`));
  }

  /** As the pipeline does: fetches no more, lets the outputs write for at most `patienceMs`, closes. */
  async close(patienceMs: number): Promise<void> {
    const { time } = this.#around;
    this.#stop.abort();
    await this.consumer.stopFetching();
    const untilMs = time.nowMs + patienceMs;
    while (this.#output.unsettled > 0 && time.nowMs < untilMs) await time.pause(50, this.actor);
    await this.consumer.close();
  }

  #createProcessor(shard: ShardInfo): ShardProcessor {
    const { shardId } = shard;
    const { ledger, report } = this.#around;
    const log = ledger.shard(shardId);
    const row = this.caller.moves.get(shardId)?.row;
    if (row === undefined) report('unexpected failure', `${this.actor.name} reads ${shardId} without its lease`);
    const start = startOf(log, row ?? {}, this.#settings.consumer.initialPosition);
    const holding = new Holding(this.actor.name, log, start, ledger, report);
    this.caller.holdings.set(shardId, holding);
    const { batchSize, ackWindowMax } = this.#settings;
    return createRecordProcessor(
      { shard, codec: openCodec(), eventTime: 'arrival', stop: this.#stop.signal, ackWindowMax },
      {
        ...this.#context,
        batchSize,
        emit: (events, onSettled = () => {}) => this.#emit(holding, events, onSettled),
        deadLetter: (event) => new Promise((resolve) => void this.#emit(holding, [event], resolve)),
      },
    );
  }

  #emit(holding: Holding, events: readonly Event[], onSettled: () => void): void | Promise<void> {
    this.#checkLease(holding);
    this.#around.rows.checkParents(holding.log, this.actor.name);
    const known = events.map((event) => this.#known(event)).filter((event) => event !== undefined);
    this.#around.trace(this.actor.name, () => `emits ${known.map(({ id }) => id).join()} of ${holding.log.shortId}`);
    holding.emitted(known);
    return this.#output.write(known, holding, onSettled);
  }

  #checkLease(holding: Holding): void {
    const { time, report } = this.#around;
    const { shardId } = holding.log;
    const text = (why: string) => `${this.actor.name} from ${shardId}, ${why}`;
    if (holding.lossSeenTurn !== undefined && time.turn > holding.lossSeenTurn)
      report('emits after the loss of its lease', text('whose row it saw with another owner'));
    const ageMs = this.actor.awakeMs(time.nowMs) - (this.caller.moves.get(shardId)?.awakeMs ?? 0);
    if (ageMs > this.#settings.unrenewedMaxMs)
      report('emits after the loss of its lease', text(`which it has not renewed for ${ageMs} ms`));
  }

  /** The event as it was put; what it holds and its metadata have to be those of the place that it names. */
  #known(event: Event): LoggedEvent | undefined {
    const { ledger, report } = this.#around;
    const [, shardId = '', sequenceNumber = '', subSequenceNumber, nth = '0'] = event.origin?.split('/') ?? [];
    const log = ledger.shards.get(shardId);
    const index = log?.indexOf({ sequenceNumber, subSequenceNumber: Number(subSequenceNumber) });
    const known = index === undefined ? undefined : log?.records[index]?.events[Number(nth)];
    const { id, message } = event.data;
    const isBuried = id === undefined && event.data['data'] !== undefined;
    const isRight = isBuried || known?.id === (id ?? String(message).replace('id=', ''));
    if (known === undefined || !isRight || event.metadata['partition_key'] !== known.record.key)
      report('wrong event', `${JSON.stringify(event)} is named ${event.origin}, which is ${known?.id}`);
    return known;
  }

  #logger() {
    const say = (level: string) => (message: string) =>
      this.#around.trace(this.actor.name, () => `${level}: ${message}`);
    const [info, warn, error] = [say('info'), say('warn'), say('error')];
    return { trace() {}, debug() {}, info, warn, error, fatal: error };
  }
}

function openCodec(): Codec {
  if (json.kind !== 'codec') throw new Error('json is no codec');
  return json.create({ charset: 'UTF-8' }, testContext())();
}

/** One running pipeline: its plugins, and the way of events between them. */
import {
  buildProgram,
  eventFailure,
  fieldTypesByOutput,
  type InputDecorationOptions,
  inputDecoration,
  openCodec,
  type Program,
  type ProgramStats,
  type Reporter,
  type ResolvedPipeline,
  type ResolvedPlugin,
  reportPluginError,
} from '../compiler/index.ts';
import { Burial } from '../delivery/burial.ts';
import type { DeadLetterQueue } from '../delivery/deadLetterQueue.ts';
import { PersistedQueue, type PersistedQueueSettings } from '../delivery/persistedQueue.ts';
import { SegmentDamaged } from '../delivery/segmentLog.ts';
import { clearSpools, spoolDirectory } from '../delivery/spool.ts';
import type { Event } from '../event/event.ts';
import { SourceBatch } from '../event/sourceBatch.ts';
import type { SpoolOption } from '../plugin-api/commonOptions.ts';
import {
  type Counter,
  type FieldType,
  type Input,
  type InputContext,
  type InputDefinition,
  type Output,
  type OutputContext,
  type OutputDefinition,
  PluginConfigError,
  type PluginContext,
} from '../plugin-api/index.ts';
import type { Clock } from '../util/clock.ts';
import { messageOf } from '../util/errors.ts';
import type { Logger } from '../util/logger.ts';
import { spooledOutput } from './spooledOutput.ts';

export interface PipelineSettings {
  readonly id: string;
  readonly supportEscapes: boolean;
  readonly batchSize: number;
  readonly dataPath: string;
  readonly hostName: string;
  readonly clock: Clock;
  readonly loggerFor: (source: { name: string; pluginId?: string }) => Logger;
  readonly deadLetterQueue: Pick<DeadLetterQueue, 'add' | 'count'>;
  /** Absent for a queue in memory. */
  readonly queue?: QueueSettings | undefined;
}

export interface QueueSettings extends Omit<PersistedQueueSettings, 'clock' | 'logger' | 'refuse'> {
  /** Whether a stop waits until all that is in it has gone out. */
  readonly drains: boolean;
  /** What a person has to type when it is damaged. */
  readonly repairCommand: string;
}

/** What the pipeline has done so far, and what its plugins say of themselves. */
export interface PipelineSnapshot extends ProgramStats {
  readonly id: string;
  readonly eventsIn: number;
  readonly eventsOut: number;
  readonly deadLetters: number;
  /** Events that made the pipeline itself throw, not a plugin; they are in the dead letter queue. */
  readonly poisoned: number;
  /** `null` for a queue in memory. */
  readonly queue: PersistedQueue['status'] | null;
  readonly plugins: readonly PluginSnapshot[];
}

export interface PluginSnapshot {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly counters: Readonly<Record<string, number>>;
  /** Age of the oldest event that an input has emitted, or an output was given, and that is not settled; `null` for none. */
  readonly oldestUnsettledMs: number | null;
  readonly status: Readonly<Record<string, unknown>>;
}

interface Part<T, D extends InputDefinition | OutputDefinition> {
  readonly plugin: ResolvedPlugin<D>;
  readonly instance: T;
}

/** A pipeline that could not be built or started; its faults are in the reporter or the log. */
export class PipelineStartError extends Error {
  override name = 'PipelineStartError';
}

/** What stopped a pipeline that ran: said in the log already. */
export class PipelineBrokeDown extends Error {
  override name = 'PipelineBrokeDown';
}

export class Pipeline {
  readonly #settings: PipelineSettings;
  readonly #reporter: Reporter;
  readonly #logger: Logger;
  readonly #shared = new Map<string, Promise<unknown>>();
  readonly #counters = new Map<string, Map<string, Counter>>();
  readonly #burial: Burial;
  readonly #contexts = new Map<ResolvedPlugin, PluginContext>();
  #program: Program | undefined;
  #inputs: Part<Input, InputDefinition>[] = [];
  #outputs: Part<Output, OutputDefinition>[] = [];
  #lists: Event[][] = [];
  #eventsIn = 0;
  #eventsOut = 0;
  #poisoned = 0;
  #failure: PipelineBrokeDown | undefined;
  #queue: PersistedQueue | undefined;

  constructor(settings: PipelineSettings, reporter: Reporter) {
    this.#settings = settings;
    this.#reporter = reporter;
    this.#logger = settings.loggerFor({ name: 'logstash.pipeline' });
    const deadLetter = this.#deadLetterOf({ name: 'pipeline', id: settings.id });
    this.#burial = new Burial({ deadLetter, logger: this.#logger, clock: settings.clock });
  }

  /** Creates filters only: all that can be checked without touching the outside world. */
  async check(resolved: ResolvedPipeline): Promise<void> {
    const program = await this.#build(resolved);
    for (const filter of program.filters) await filter.close?.();
  }

  async #build(resolved: ResolvedPipeline): Promise<Program> {
    return buildProgram(resolved, {
      supportEscapes: this.#settings.supportEscapes,
      reporter: this.#reporter,
      logger: this.#logger,
      contextOf: (plugin) => this.#contextOf(plugin),
      onPoisoned: (event, error) => this.#isolateFromProgram(event, error),
    });
  }

  /** @throws PipelineStartError */
  async start(resolved: ResolvedPipeline): Promise<void> {
    const program = await this.#build(resolved);
    this.#program = program;
    const fieldTypes = fieldTypesByOutput(resolved);
    for (const plugin of program.outputs) await this.#addOutput(plugin, fieldTypes.get(plugin) ?? []);
    for (const plugin of resolved.inputs) await this.#addInput(plugin);
    if (this.#reporter.hasErrors) throw new PipelineStartError('the configuration has errors');
    await this.#openQueue();
    await clearSpools(this.#settings.dataPath, this.#settings.id);
    await this.#openOutputs();
  }

  async #openQueue(): Promise<void> {
    const { queue, clock, loggerFor } = this.#settings;
    if (queue === undefined) return;
    const logger = loggerFor({ name: 'logstash.persistedqueue' });
    try {
      this.#queue = await PersistedQueue.open({
        ...queue,
        refuse: (event, error) => this.#isolate(event, 'cannot be put into the persisted queue', error),
        clock,
        logger,
      });
    } catch (error) {
      const { repairCommand } = queue;
      const what = `${messageOf(error)}; nothing was changed`;
      if (error instanceof SegmentDamaged) logger.fatal(`${what}. To take the damaged bytes out: ${repairCommand}`);
      else logger.fatal('the persisted queue cannot be opened', { error });
      throw new PipelineStartError('the persisted queue cannot be opened', { cause: error });
    }
  }

  async #openOutputs(): Promise<void> {
    const results = await Promise.allSettled(this.#outputs.map(({ instance }) => instance.open?.()));
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') continue;
      const { plugin } = this.#outputs[index] as Part<Output, OutputDefinition>;
      this.#contextOf(plugin).logger.fatal('cannot start', { reason: messageOf(result.reason) });
    }
    if (results.some((result) => result.status === 'rejected')) throw new PipelineStartError('an output cannot start');
  }

  /** Resolves when all inputs have ended and every event is settled; rejects when a plugin broke down. */
  async run(): Promise<void> {
    const reading = this.#readQueue();
    await Promise.all(this.#inputs.map((part) => this.#runInput(part)));
    this.#queue?.end(this.#settings.queue?.drains ?? true);
    await reading;
    if (this.#failure !== undefined) {
      await this.#queue?.close();
      // What is settled may be checkpointed, and a successor need not wait for the leases to expire.
      await this.#closeInputs();
      throw this.#failure;
    }
    await this.close();
  }

  async #readQueue(): Promise<void> {
    try {
      await this.#queue?.read(this.#settings.batchSize, (events, batch) => this.#process(events, batch));
    } catch (error) {
      this.#logger.fatal('the persisted queue broke down', { error });
      this.#fail(error);
    }
  }

  async #closeInputs(): Promise<void> {
    const results = await Promise.allSettled(this.#inputs.map(({ instance }) => instance.close?.()));
    for (const result of results) {
      if (result.status === 'rejected') this.#logger.error('an input did not close', { error: result.reason });
    }
  }

  async #runInput({ plugin, instance }: Part<Input, InputDefinition>): Promise<void> {
    try {
      await instance.run();
    } catch (error) {
      this.#contextOf(plugin).logger.fatal('the input broke down', { error });
      this.#fail(error);
    }
  }

  /** Ends the inputs; `run` then resolves after the drain. */
  stop(): void {
    for (const { instance } of this.#inputs) instance.stop();
  }

  /** Inputs close last: they write their last checkpoints after the outputs have settled everything. */
  async close(): Promise<void> {
    await Promise.all(this.#outputs.map(({ instance }) => instance.close()));
    await this.#burial.close();
    await this.#queue?.close();
    await this.#closeInputs();
    for (const filter of this.#program?.filters ?? []) await filter.close?.();
  }

  #fail(error: unknown): void {
    this.#failure ??= new PipelineBrokeDown(messageOf(error), { cause: error });
    this.#queue?.abort(this.#failure);
    this.stop();
  }

  async #addOutput(plugin: ResolvedPlugin<OutputDefinition>, fieldTypes: readonly FieldType[]): Promise<void> {
    const base = this.#contextOf(plugin);
    const context: OutputContext = { ...base, deadLetter: this.#deadLetterOfPlugin(plugin), fieldTypes };
    const instance = await this.#create(plugin, () => plugin.definition.create(this.#withCodec(plugin, base), context));
    if (instance !== undefined) this.#outputs.push({ plugin, instance: this.#withSpool(plugin, instance) });
    this.#lists.push([]);
  }

  #withSpool(plugin: ResolvedPlugin, output: Output): Output {
    // The resolver has validated it against the schema of common options.
    const option = plugin.options['spool'] as SpoolOption | undefined;
    if (option === undefined) return output;
    const { dataPath, id, clock } = this.#settings;
    return spooledOutput(output, {
      directory: spoolDirectory(dataPath, id, plugin.id),
      bytesMax: option.bytesMax,
      refuse: (event, error) => void this.#isolate(event, `cannot be put into the spool of ${plugin.id}`, error),
      onBroken: (error) => this.#outputBroke(plugin, error),
      clock,
      logger: this.#contextOf(plugin).logger,
    });
  }

  async #addInput(plugin: ResolvedPlugin<InputDefinition>): Promise<void> {
    const base = this.#contextOf(plugin);
    const failures = base.counter('decoration_failures');
    const failed = eventFailure(plugin.definition, base.logger, () => failures.value++);
    const decorate = inputDecoration(plugin.options as unknown as InputDecorationOptions, failed);
    const context: InputContext = {
      ...base,
      deadLetter: this.#deadLetterOfPlugin(plugin),
      batchSize: this.#settings.batchSize,
      emit: (events, onSettled) => {
        if (decorate !== undefined) for (const event of events) decorate(event);
        if (this.#queue !== undefined && !plugin.definition.replays) return enqueue(this.#queue, events, onSettled);
        return this.#process(events, new SourceBatch(onSettled));
      },
    };
    const instance = await this.#create(plugin, () => plugin.definition.create(this.#withCodec(plugin, base), context));
    if (instance !== undefined) this.#inputs.push({ plugin, instance });
    if (this.#settings.queue !== undefined && plugin.definition.replays) {
      base.logger.info('its events go past the persisted queue: its source keeps what is not settled');
    }
  }

  #deadLetterOfPlugin({ definition: { name }, id }: ResolvedPlugin): OutputContext['deadLetter'] {
    return this.#deadLetterOf({ name, id });
  }

  #deadLetterOf({ name, id }: { name: string; id: string }): OutputContext['deadLetter'] {
    const { deadLetterQueue, clock } = this.#settings;
    return (event, reason) =>
      deadLetterQueue.add(event, { pluginType: name, pluginId: id, reason, timeMs: clock.now() });
  }

  /** Outputs that it has reached write it; the dead letter is for the rest of its way. */
  #isolateFromProgram(event: Event, error: unknown): void {
    const reached = this.#outputs.filter((_output, index) => this.#lists[index]?.at(-1) === event);
    const had =
      reached.length === 0 ? '' : ` after it had reached ${reached.map(({ plugin }) => plugin.id).join(', ')}`;
    event.batch.hold();
    void this.#isolate(event, `broke the pipeline${had}`, error);
  }

  #isolate(event: Event, what: string, error: unknown): Promise<void> {
    this.#poisoned += 1;
    return this.#burial.isolate(event, what, error);
  }

  #withCodec(plugin: ResolvedPlugin<InputDefinition | OutputDefinition>, context: PluginContext) {
    if (plugin.codec === undefined) throw new Error(`${plugin.definition.name} has no codec`);
    return { ...plugin.options, codec: openCodec(plugin.codec, context) };
  }

  async #create<T>(plugin: ResolvedPlugin, create: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await create();
    } catch (error) {
      if (!(error instanceof PluginConfigError)) throw error;
      reportPluginError(error, plugin.node, plugin.file, this.#reporter);
      return undefined;
    }
  }

  /** Filters and routes one batch at once; the promise is the outputs' back-pressure. */
  #process(events: Event[], batch: SourceBatch): void | Promise<void> {
    for (const event of events) event.batch = batch;
    this.#eventsIn += events.length;
    (this.#program as Program).process(events, this.#lists);
    const waits: Promise<void>[] = [];
    for (let i = 0; i < this.#lists.length; i++) {
      const list = this.#lists[i] as Event[];
      if (list.length === 0) continue;
      this.#lists[i] = [];
      this.#eventsOut += list.length;
      const wait = this.#write(i, list);
      if (wait !== undefined) waits.push(wait);
    }
    batch.settle();
    const room = this.#burial.room();
    if (room !== undefined) waits.push(room);
    if (waits.length > 0) return Promise.all(waits).then(() => undefined);
  }

  #write(index: number, events: Event[]): Promise<void> | undefined {
    const { instance, plugin } = this.#outputs[index] as Part<Output, OutputDefinition>;
    try {
      return instance.write(events)?.catch((error) => this.#outputBroke(plugin, error));
    } catch (error) {
      this.#outputBroke(plugin, error);
      return undefined;
    }
  }

  #outputBroke(plugin: ResolvedPlugin, error: unknown): void {
    this.#contextOf(plugin).logger.fatal('the output broke down; its events stay unsettled', { error });
    this.#fail(error);
  }

  #contextOf(plugin: ResolvedPlugin): PluginContext {
    const known = this.#contexts.get(plugin);
    if (known !== undefined) return known;
    const { kind, name } = plugin.definition;
    const counters = new Map<string, Counter>();
    this.#counters.set(plugin.id, counters);
    const context: PluginContext = {
      id: plugin.id,
      logger: this.#settings.loggerFor({ name: `logstash.${kind}s.${name}`, pluginId: plugin.id }),
      clock: this.#settings.clock,
      counter: (counterName) => {
        const counter = counters.get(counterName) ?? { value: 0 };
        counters.set(counterName, counter);
        return counter;
      },
      shared: <T>(key: string, open: () => Promise<T>) => {
        const opened = (this.#shared.get(key) as Promise<T> | undefined) ?? open();
        this.#shared.set(key, opened);
        return opened;
      },
      dataPath: this.#settings.dataPath,
      pipelineId: this.#settings.id,
      hostName: this.#settings.hostName,
    };
    this.#contexts.set(plugin, context);
    return context;
  }

  snapshot(): PipelineSnapshot {
    const stats = this.#program?.stats ?? { dropped: 0, unrouted: 0, incomparable: 0, filterExceptions: 0 };
    const instances = new Map<ResolvedPlugin, Input | Output>();
    for (const { plugin, instance } of [...this.#inputs, ...this.#outputs]) instances.set(plugin, instance);
    const plugins = [...this.#contexts.keys()].map((plugin) => ({
      id: plugin.id,
      kind: plugin.definition.kind,
      name: plugin.definition.name,
      counters: Object.fromEntries(
        [...(this.#counters.get(plugin.id) ?? [])].map(([name, { value }]) => [name, value]),
      ),
      oldestUnsettledMs: this.#ageMs(instances.get(plugin)?.unsettledSinceMs?.()),
      status: instances.get(plugin)?.status?.() ?? {},
    }));
    return {
      id: this.#settings.id,
      eventsIn: this.#eventsIn,
      eventsOut: this.#eventsOut,
      deadLetters: this.#settings.deadLetterQueue.count,
      poisoned: this.#poisoned,
      queue: this.#queue?.status ?? null,
      ...stats,
      plugins,
    };
  }

  #ageMs(sinceMs: number | undefined): number | null {
    return sinceMs === undefined ? null : this.#settings.clock.now() - sinceMs;
  }
}

/** The source may forget the events as soon as they are on disk. */
async function enqueue(
  queue: PersistedQueue,
  events: readonly Event[],
  onTaken: (() => void) | undefined,
): Promise<void> {
  await queue.add(events);
  onTaken?.();
}

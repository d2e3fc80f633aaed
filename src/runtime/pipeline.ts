/** One running pipeline: its plugins, and the way of events between them. */
import {
  buildProgram,
  eventFailure,
  fieldTypesByOutput,
  type InputDecorationOptions,
  inputDecoration,
  type Program,
  type Reporter,
  type ResolvedPipeline,
  type ResolvedPlugin,
  reportPluginError,
} from '../compiler/index.ts';
import { Burial } from '../delivery/burial.ts';
import { PersistedQueue, type PersistedQueueSettings } from '../delivery/persistedQueue.ts';
import { SegmentDamaged } from '../delivery/segmentLog.ts';
import { clearSpools, spoolDirectory } from '../delivery/spool.ts';
import type { Event } from '../event/event.ts';
import { SourceBatch } from '../event/sourceBatch.ts';
import type { SpoolOption } from '../plugin-api/commonOptions.ts';
import {
  type FieldType,
  type Input,
  type InputContext,
  type InputDefinition,
  type Link,
  type Output,
  type OutputContext,
  type OutputDefinition,
  PluginConfigError,
} from '../plugin-api/index.ts';
import { messageOf } from '../util/errors.ts';
import type { Logger } from '../util/logger.ts';
import { type ContextSettings, PluginContexts } from './pluginContexts.ts';
import type { PipelineSnapshot } from './snapshot.ts';
import { spooledOutput } from './spooledOutput.ts';

export interface PipelineSettings extends ContextSettings {
  readonly supportEscapes: boolean;
  readonly batchSize: number;
  /** Absent for a queue in memory. */
  readonly queue?: QueueSettings | undefined;
  /** Which of several workers this is; absent for the only one. */
  readonly worker?: WorkerPlace | undefined;
}

export interface WorkerPlace {
  /** From 0. What cannot be shared is done by the first. */
  readonly index: number;
  readonly count: number;
  /** The way to the coordinator of an input; nothing for an input that runs whole. */
  readonly coordinatorOf: (plugin: ResolvedPlugin<InputDefinition>) => Link | undefined;
}

export interface QueueSettings extends Omit<PersistedQueueSettings, 'clock' | 'logger' | 'refuse'> {
  /** Whether a stop waits until all that is in it has gone out. */
  readonly drains: boolean;
  /** What a person has to type when it is damaged. */
  readonly repairCommand: string;
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
  readonly #contexts: PluginContexts;
  readonly #burial: Burial;
  #program: Program | undefined;
  /** Of inputs that have a coordinator. */
  readonly #ends = new Map<string, AbortController>();
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
    this.#contexts = new PluginContexts(settings);
    const deadLetter = this.#contexts.deadLetterOf({ name: 'pipeline', id: settings.id });
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
      contextOf: (plugin) => this.#contexts.of(plugin),
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
    await clearSpools(this.#settings.dataPath, ...this.#spools);
    await this.#openOutputs();
  }

  /** Each worker has spools of its own. */
  get #spools(): [pipelineId: string, ...below: string[]] {
    const { id, worker } = this.#settings;
    return worker === undefined ? [id] : [id, `worker-${worker.index + 1}`];
  }

  async #openQueue(): Promise<void> {
    const { queue, clock, loggerFor, worker } = this.#settings;
    if (queue === undefined || (worker !== undefined && worker.index > 0)) return;
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
      this.#contexts.of(plugin).logger.fatal('cannot start', { reason: messageOf(result.reason) });
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
      this.#contexts.of(plugin).logger.fatal('the input broke down', { error });
      this.#fail(error);
    }
  }

  /** Ends the inputs; `run` then resolves after the drain. */
  stop(): void {
    for (const { instance } of this.#inputs) instance.stop();
  }

  /** The coordinator of an input has nothing more for it. */
  endInput(id: string): void {
    this.#ends.get(id)?.abort();
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
    const context: OutputContext = { ...this.#contexts.delivering(plugin), fieldTypes };
    const instance = await this.#create(plugin, () =>
      plugin.definition.create(this.#contexts.optionsOf(plugin), context),
    );
    if (instance !== undefined) this.#outputs.push({ plugin, instance: this.#withSpool(plugin, instance) });
    this.#lists.push([]);
  }

  #withSpool(plugin: ResolvedPlugin, output: Output): Output {
    // The resolver has validated it against the schema of common options.
    const option = plugin.options['spool'] as SpoolOption | undefined;
    if (option === undefined) return output;
    const { dataPath, clock } = this.#settings;
    return spooledOutput(output, {
      directory: spoolDirectory(dataPath, ...this.#spools, plugin.id),
      bytesMax: option.bytesMax,
      refuse: (event, error) => void this.#isolate(event, `cannot be put into the spool of ${plugin.id}`, error),
      onBroken: (error) => this.#outputBroke(plugin, error),
      clock,
      logger: this.#contexts.of(plugin).logger,
    });
  }

  async #addInput(plugin: ResolvedPlugin<InputDefinition>): Promise<void> {
    const { worker, queue } = this.#settings;
    const coordinator = worker?.coordinatorOf(plugin);
    if (worker !== undefined && worker.index > 0 && coordinator === undefined) return;
    const context = this.#inputContext(plugin);
    const { create, parallel, replays } = plugin.definition;
    const instance = await this.#create(plugin, () => {
      const options = this.#contexts.optionsOf(plugin);
      if (worker === undefined || coordinator === undefined || parallel === undefined) return create(options, context);
      const end = new AbortController();
      this.#ends.set(plugin.id, end);
      return parallel.work(options, { ...context, coordinator, ended: end.signal, workerCount: worker.count });
    });
    if (instance !== undefined) this.#inputs.push({ plugin, instance });
    if (queue !== undefined && replays) {
      context.logger.info('its events go past the persisted queue: its source keeps what is not settled');
    }
  }

  #inputContext(plugin: ResolvedPlugin<InputDefinition>): InputContext {
    const base = this.#contexts.delivering(plugin);
    const failures = base.counter('decoration_failures');
    const failed = eventFailure(plugin.definition, base.logger, () => failures.value++);
    const decorate = inputDecoration(plugin.options as unknown as InputDecorationOptions, failed);
    return {
      ...base,
      batchSize: this.#settings.batchSize,
      emit: (events, onSettled) => {
        if (decorate !== undefined) for (const event of events) decorate(event);
        if (this.#queue !== undefined && !plugin.definition.replays) return enqueue(this.#queue, events, onSettled);
        return this.#process(events, new SourceBatch(onSettled));
      },
    };
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
    this.#contexts.of(plugin).logger.fatal('the output broke down; its events stay unsettled', { error });
    this.#fail(error);
  }

  snapshot(): PipelineSnapshot {
    const stats = this.#program?.stats ?? { dropped: 0, unrouted: 0, incomparable: 0, filterExceptions: 0 };
    const instances = new Map<ResolvedPlugin, Input | Output>();
    for (const { plugin, instance } of [...this.#inputs, ...this.#outputs]) instances.set(plugin, instance);
    return {
      id: this.#settings.id,
      eventsIn: this.#eventsIn,
      eventsOut: this.#eventsOut,
      deadLetters: this.#settings.deadLetterQueue.count,
      poisoned: this.#poisoned,
      queue: this.#queue?.status ?? null,
      ...stats,
      plugins: this.#contexts.snapshots(instances),
    };
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

/** One pipeline in several worker threads: leases, signals and disk queues are here, the way of events is there. */
import type { Worker } from 'node:worker_threads';
import { type Reporter, type ResolvedPipeline, type ResolvedPlugin, reportPluginError } from '../../compiler/index.ts';
import { clearSpools } from '../../delivery/spool.ts';
import { type Input, type InputDefinition, PluginConfigError } from '../../plugin-api/index.ts';
import { messageOf } from '../../util/errors.ts';
import { PipelineBrokeDown, type PipelineSettings, PipelineStartError } from '../pipeline.ts';
import { PluginContexts } from '../pluginContexts.ts';
import { addUp, type PipelineSnapshot } from '../snapshot.ts';
import { WorkerSlot, type WorkerSlotSettings } from './workerSlot.ts';

export interface ParallelSettings
  extends PipelineSettings,
    Pick<WorkerSlotSettings, 'addDeadLetter' | 'writeLog' | 'random'> {
  readonly workerCount: number;
  /** Starts a thread that runs the same pipeline; `shared` has the ids of the inputs that all workers share. */
  readonly spawn: (index: number, shared: readonly string[]) => Worker;
}

interface Coordinator {
  readonly plugin: ResolvedPlugin<InputDefinition>;
  readonly instance: Input;
}

export class ParallelPipeline {
  readonly #settings: ParallelSettings;
  readonly #reporter: Reporter;
  readonly #contexts: PluginContexts;
  readonly #slots: readonly WorkerSlot[];
  #coordinators: readonly Coordinator[] = [];
  #shared: readonly string[] = [];
  #failure: PipelineBrokeDown | undefined;

  constructor(settings: ParallelSettings, reporter: Reporter) {
    this.#settings = settings;
    this.#reporter = reporter;
    this.#contexts = new PluginContexts(settings);
    const logger = settings.loggerFor({ name: 'logstash.pipeline' });
    const spawn = (index: number) => settings.spawn(index, this.#shared);
    this.#slots = Array.from(
      { length: settings.workerCount },
      (_, index) => new WorkerSlot({ ...settings, index, spawn, logger }),
    );
  }

  /** @throws PipelineStartError */
  async start(resolved: ResolvedPipeline): Promise<void> {
    const { dataPath, id } = this.#settings;
    const shared = resolved.inputs.filter((plugin) => this.#isShared(plugin));
    this.#shared = shared.map((plugin) => plugin.id);
    this.#sayWhatIsWhole(resolved.inputs.filter((plugin) => !shared.includes(plugin)));
    await clearSpools(dataPath, id);
    const made = await Promise.all(shared.map((plugin) => this.#createCoordinator(plugin)));
    this.#coordinators = made.filter((part) => part !== undefined);
    if (this.#reporter.hasErrors) throw new PipelineStartError('the configuration has errors');
    if (!(await this.#startWorkers())) throw new PipelineStartError('a worker cannot start');
  }

  /** The first one alone says what is wrong, and prepares destinations for the others. */
  async #startWorkers(): Promise<boolean> {
    const first = Promise.withResolvers<void>();
    const starts = this.#slots.map((slot, index) => slot.start(index === 0 ? undefined : first.promise));
    if (!(await starts[0])) return false;
    first.resolve();
    return (await Promise.all(starts)).every((isReady) => isReady);
  }

  /** What a persisted queue has to keep is kept by one worker. */
  #isShared(plugin: ResolvedPlugin<InputDefinition>): boolean {
    const { parallel, replays } = plugin.definition;
    if (parallel === undefined || (this.#settings.queue !== undefined && !replays)) return false;
    return parallel.isPossible?.(this.#contexts.optionsOf(plugin)) ?? true;
  }

  #sayWhatIsWhole(inputs: readonly ResolvedPlugin<InputDefinition>[]): void {
    for (const plugin of inputs) {
      this.#contexts.of(plugin).logger.info('this input is one that a single worker reads, filters and writes');
    }
  }

  async #createCoordinator(plugin: ResolvedPlugin<InputDefinition>): Promise<Coordinator | undefined> {
    const workers = this.#slots.map((slot) => slot.link(plugin.id));
    try {
      const context = { ...this.#contexts.of(plugin), workers };
      const instance = await plugin.definition.parallel?.coordinate(plugin.options, context);
      return instance && { plugin, instance };
    } catch (error) {
      if (!(error instanceof PluginConfigError)) throw error;
      reportPluginError(error, plugin.node, plugin.file, this.#reporter);
      return undefined;
    }
  }

  /** Resolves when all inputs have ended and every event is settled; rejects when a plugin broke down. */
  async run(): Promise<void> {
    const leading = this.#coordinators.map((coordinator) => this.#lead(coordinator));
    await Promise.all([...leading, ...this.#slots.map((slot) => this.#untilEnded(slot))]);
    const closed = await Promise.allSettled(this.#coordinators.map(({ instance }) => instance.close?.()));
    for (const [index, result] of closed.entries()) {
      if (result.status === 'fulfilled') continue;
      const { plugin } = this.#coordinators[index] as Coordinator;
      this.#contexts.of(plugin).logger.error('the input did not close', { error: result.reason });
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #lead({ plugin, instance }: Coordinator): Promise<void> {
    try {
      await instance.run();
    } catch (error) {
      this.#contexts.of(plugin).logger.fatal('the input broke down', { error });
      this.#fail(messageOf(error), error);
    }
    for (const slot of this.#slots) slot.endInput(plugin.id);
  }

  async #untilEnded(slot: WorkerSlot): Promise<void> {
    const { failure } = await slot.ended;
    if (failure !== undefined) this.#fail(failure);
  }

  #fail(message: string, cause?: unknown): void {
    this.#failure ??= new PipelineBrokeDown(message, { cause });
    this.stop();
  }

  /** Ends the inputs; `run` then resolves after the drain. */
  stop(): void {
    for (const { instance } of this.#coordinators) instance.stop();
    for (const slot of this.#slots) slot.stop();
  }

  async snapshot(): Promise<PipelineSnapshot> {
    const leads = this.#contexts.snapshots(
      new Map(this.#coordinators.map(({ plugin, instance }) => [plugin, instance])),
    );
    const workers = await Promise.all(this.#slots.map((slot) => slot.snapshot()));
    return { ...addUp(workers, leads), id: this.#settings.id, deadLetters: this.#settings.deadLetterQueue.count };
  }
}

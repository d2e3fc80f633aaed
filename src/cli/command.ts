/** What the arguments ask for, from their parsing to the exit code. */
import { Worker } from 'node:worker_threads';
import { DeadLetterQueue } from '../delivery/deadLetterQueue.ts';
import {
  DataDirectoryInUse,
  DataDirectoryUnusable,
  lockDataDirectory,
  lockQueueDirectory,
} from '../runtime/dataDirectory.ts';
import { createLogger, type LogSource } from '../runtime/logging.ts';
import { Pipeline, PipelineBrokeDown, type PipelineSettings, PipelineStartError } from '../runtime/pipeline.ts';
import { ParallelPipeline } from '../runtime/threads/parallelPipeline.ts';
import { systemClock } from '../util/clock.ts';
import type { Logger } from '../util/logger.ts';
import { type Arguments, BATCH_DELAY_MS, HelpRequested, parseArguments, UsageError } from './arguments.ts';
import { ConfigLoadError } from './configFiles.ts';
import { type Configuration, type Environment, loadConfiguration, printFaults } from './configuration.ts';
import { dataPathOf, pipelineSettings } from './pipelineSettings.ts';
import { deadLetterDirectory, warnOfOtherQueues } from './queueSettings.ts';
import { type Shutdown, superviseShutdown } from './shutdown.ts';
import { versionLine } from './version.ts';
import type { WorkerTask } from './workerThread.ts';

/** Faults whose message says all there is to say. */
const FOR_THE_USER = [UsageError, ConfigLoadError, DataDirectoryInUse, DataDirectoryUnusable];

/** Gives the exit code. */
export async function runCommand(args: readonly string[], env: Environment): Promise<number> {
  try {
    const parsed = parseArguments(args);
    if (parsed.version) {
      process.stdout.write(`${versionLine()}\n`);
      return 0;
    }
    return await new Run(parsed, env).run();
  } catch (error) {
    if (error instanceof HelpRequested) return 0;
    if (error instanceof Error && FOR_THE_USER.some((kind) => error instanceof kind)) {
      process.stderr.write(`ERROR: ${error.message}\n`);
      return 1;
    }
    throw error;
  }
}

class Run {
  readonly #args: Arguments;
  readonly #env: Environment;
  readonly #logger: Logger;

  constructor(args: Arguments, env: Environment) {
    this.#args = args;
    this.#env = env;
    this.#logger = this.#loggerFor({ name: 'logstash.runner' });
    for (const remark of args.remarks) this.#logger.warn(remark);
  }

  #loggerFor(source: LogSource): Logger {
    return createLogger(
      {
        level: this.#args.logLevel,
        format: this.#args.logFormat,
        write: (line) => process.stderr.write(line),
        now: Date.now,
      },
      source,
    );
  }

  async run(): Promise<number> {
    const configuration = await loadConfiguration(this.#args, this.#env, this.#logger.warn);
    if (this.#args.testAndExit) return this.#test(configuration);
    if (this.#hasErrors(configuration)) return 1;
    return this.#start(configuration);
  }

  #hasErrors({ reporter, files }: Configuration): boolean {
    return printFaults(reporter, files.length, this.#env);
  }

  async #test(configuration: Configuration): Promise<number> {
    await new Pipeline(this.#settings(), configuration.reporter).check(configuration.pipeline);
    if (this.#hasErrors(configuration)) return 1;
    process.stdout.write('Configuration OK\n');
    this.#logger.info('Using config.test_and_exit mode. Config Validation Result: OK. Exiting Logstash');
    return 0;
  }

  #settings(): PipelineSettings & { readonly deadLetterQueue: DeadLetterQueue } {
    const { pipelineId, deadLetterQueue } = this.#args;
    const dataPath = dataPathOf(this.#args);
    return {
      ...pipelineSettings(this.#args, (source) => this.#loggerFor(source)),
      deadLetterQueue: new DeadLetterQueue({
        ...deadLetterQueue,
        directory: deadLetterDirectory({ dataPath, queuePath: deadLetterQueue.path, pipelineId }),
        clock: systemClock,
        logger: this.#loggerFor({ name: 'logstash.deadletterqueue', pipelineId }),
      }),
    };
  }

  async #start(configuration: Configuration): Promise<number> {
    const dataPath = dataPathOf(this.#args);
    const unlock = lockDataDirectory(dataPath);
    let unlockQueue = () => {};
    try {
      const settings = this.#settings();
      if (settings.queue !== undefined) unlockQueue = lockQueueDirectory(settings.queue.directory);
      const pipeline = this.#pipeline(settings, configuration);
      this.#logger.info(`Starting ${versionLine()}`, { pid: process.pid });
      if (this.#args.batchDelayMs !== BATCH_DELAY_MS) {
        this.#logger.info('pipeline.batch.delay has no effect: a batch goes on as soon as it is there');
      }
      await warnOfOtherQueues(this.#args, dataPath, this.#logger);
      // Installed first: a signal while outputs wait for their servers must not kill without a word.
      const shutdown = superviseShutdown(pipeline, this.#logger, this.#args.unsafeShutdown);
      return await this.#runPipeline(pipeline, configuration, settings, shutdown);
    } finally {
      unlockQueue();
      unlock();
    }
  }

  /** One worker needs no thread. */
  #pipeline(
    settings: PipelineSettings & { readonly deadLetterQueue: DeadLetterQueue },
    { reporter, files }: Configuration,
  ): Pipeline | ParallelPipeline {
    const { workers: count } = this.#args;
    if (count === 1) return new Pipeline(settings, reporter);
    return new ParallelPipeline(
      {
        ...settings,
        workerCount: count,
        spawn: (index, shared) => spawnWorker({ args: this.#args, files, index, count, shared }),
        addDeadLetter: (entry) => settings.deadLetterQueue.addEncoded(entry),
        writeLog: (line) => process.stderr.write(line),
        random: Math.random,
      },
      reporter,
    );
  }

  async #sayTerminated(pipeline: Pipeline | ParallelPipeline): Promise<void> {
    const { eventsIn, eventsOut, dropped, unrouted, deadLetters } = await pipeline.snapshot();
    this.#logger.info('Pipeline terminated', { eventsIn, eventsOut, dropped, unrouted, deadLetters });
  }

  async #runPipeline(
    pipeline: Pipeline | ParallelPipeline,
    configuration: Configuration,
    settings: PipelineSettings & { readonly deadLetterQueue: DeadLetterQueue },
    shutdown: Shutdown,
  ): Promise<number> {
    const { reporter } = configuration;
    try {
      await pipeline.start(configuration.pipeline);
      if (reporter.hasErrors) return this.#hasErrors(configuration) ? 1 : 0;
      this.#logger.info('Pipeline started', { pipeline: settings.id });
      const ran = pipeline.run();
      if (shutdown.requested) pipeline.stop();
      await ran;
      await settings.deadLetterQueue.close();
      await this.#sayTerminated(pipeline);
      return 0;
    } catch (error) {
      if (error instanceof PipelineBrokeDown) {
        await this.#sayTerminated(pipeline);
        return 1;
      }
      if (!(error instanceof PipelineStartError)) {
        this.#logger.fatal('Pipeline error, the pipeline is stopped', { error });
        return 1;
      }
      this.#hasErrors(configuration);
      return 1;
    } finally {
      shutdown.end();
    }
  }
}

/** Beside this module, whether it is a source or in the bundle. */
function spawnWorker(task: WorkerTask): Worker {
  const entry = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
  return new Worker(new URL(entry, import.meta.url), { workerData: task });
}

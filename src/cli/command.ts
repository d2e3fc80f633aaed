/** What the arguments ask for, from their parsing to the exit code. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Reporter, ResolvedPipeline } from '../compiler/index.ts';
import { DeadLetterQueue } from '../delivery/deadLetterQueue.ts';
import {
  DataDirectoryInUse,
  DataDirectoryUnusable,
  lockDataDirectory,
  lockQueueDirectory,
} from '../runtime/dataDirectory.ts';
import { createLogger } from '../runtime/logging.ts';
import { Pipeline, PipelineBrokeDown, type PipelineSettings, PipelineStartError } from '../runtime/pipeline.ts';
import { systemClock } from '../util/clock.ts';
import type { Logger } from '../util/logger.ts';
import { packageRoot } from '../util/packageRoot.ts';
import { type Arguments, BATCH_DELAY_MS, HelpRequested, parseArguments, UsageError } from './arguments.ts';
import { ConfigLoadError } from './configFiles.ts';
import { type Environment, loadConfiguration, printFaults } from './configuration.ts';
import { deadLetterDirectory, queueSettings, warnOfOtherQueues } from './queueSettings.ts';
import { type Shutdown, superviseShutdown } from './shutdown.ts';
import { versionLine } from './version.ts';

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

  #loggerFor(source: { name: string; pipelineId?: string; pluginId?: string }): Logger {
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
    const { pipeline, reporter, fileCount } = await loadConfiguration(this.#args, this.#env, this.#logger.warn);
    if (this.#args.testAndExit) return this.#test(pipeline, reporter, fileCount);
    if (printFaults(reporter, fileCount, this.#env)) return 1;
    return this.#start(pipeline, reporter, fileCount);
  }

  async #test(resolved: ResolvedPipeline, reporter: Reporter, fileCount: number): Promise<number> {
    const { dataPath } = this;
    await new Pipeline(this.#pipelineSettings(dataPath), reporter).check(resolved);
    if (printFaults(reporter, fileCount, this.#env)) return 1;
    process.stdout.write('Configuration OK\n');
    this.#logger.info('Using config.test_and_exit mode. Config Validation Result: OK. Exiting Logstash');
    return 0;
  }

  get dataPath(): string {
    return this.#args.dataPath ?? join(packageRoot(), 'data');
  }

  #pipelineSettings(dataPath: string): PipelineSettings & { readonly deadLetterQueue: DeadLetterQueue } {
    const { pipelineId } = this.#args;
    return {
      id: pipelineId,
      supportEscapes: this.#args.supportEscapes,
      batchSize: this.#args.batchSize,
      dataPath,
      hostName: this.#args.nodeName ?? hostname(),
      clock: systemClock,
      loggerFor: (source) => this.#loggerFor({ ...source, pipelineId }),
      deadLetterQueue: new DeadLetterQueue({
        ...this.#args.deadLetterQueue,
        directory: deadLetterDirectory({ dataPath, queuePath: this.#args.deadLetterQueue.path, pipelineId }),
        clock: systemClock,
        logger: this.#loggerFor({ name: 'logstash.deadletterqueue', pipelineId }),
      }),
      queue: queueSettings(this.#args, dataPath),
    };
  }

  async #start(resolved: ResolvedPipeline, reporter: Reporter, fileCount: number): Promise<number> {
    const unlock = lockDataDirectory(this.dataPath);
    let unlockQueue = () => {};
    try {
      const settings = this.#pipelineSettings(this.dataPath);
      if (settings.queue !== undefined) unlockQueue = lockQueueDirectory(settings.queue.directory);
      const pipeline = new Pipeline(settings, reporter);
      this.#logger.info(`Starting ${versionLine()}`, { pid: process.pid });
      const workers = this.#args.workers ?? 1;
      if (this.#args.batchDelayMs !== BATCH_DELAY_MS) {
        this.#logger.info('pipeline.batch.delay has no effect: a batch goes on as soon as it is there');
      }
      if (workers > 1) this.#logger.info(`pipeline.workers is ${workers}: this version runs one worker`);
      await warnOfOtherQueues(this.#args, this.dataPath, this.#logger);
      // Installed first: a signal while outputs wait for their servers must not kill without a word.
      const shutdown = superviseShutdown(pipeline, this.#logger, this.#args.unsafeShutdown);
      return await this.#runPipeline(pipeline, resolved, reporter, fileCount, settings, shutdown);
    } finally {
      unlockQueue();
      unlock();
    }
  }

  #sayTerminated(pipeline: Pipeline): void {
    const { eventsIn, eventsOut, dropped, unrouted, deadLetters } = pipeline.snapshot();
    this.#logger.info('Pipeline terminated', { eventsIn, eventsOut, dropped, unrouted, deadLetters });
  }

  async #runPipeline(
    pipeline: Pipeline,
    resolved: ResolvedPipeline,
    reporter: Reporter,
    fileCount: number,
    settings: PipelineSettings & { readonly deadLetterQueue: DeadLetterQueue },
    shutdown: Shutdown,
  ): Promise<number> {
    try {
      await pipeline.start(resolved);
      if (reporter.hasErrors) return printFaults(reporter, fileCount, this.#env) ? 1 : 0;
      this.#logger.info('Pipeline started', { pipeline: settings.id });
      const ran = pipeline.run();
      if (shutdown.requested) pipeline.stop();
      await ran;
      await settings.deadLetterQueue.close();
      this.#sayTerminated(pipeline);
      return 0;
    } catch (error) {
      if (error instanceof PipelineBrokeDown) {
        this.#sayTerminated(pipeline);
        return 1;
      }
      if (!(error instanceof PipelineStartError)) {
        this.#logger.fatal('Pipeline error, the pipeline is stopped', { error });
        return 1;
      }
      printFaults(reporter, fileCount, this.#env);
      return 1;
    } finally {
      shutdown.end();
    }
  }
}

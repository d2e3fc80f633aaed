/** One worker of a pipeline, in a thread of its own. What it cannot do alone it asks the process for. */
import { existsSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import { compile, type Reporter, type ResolvedPipeline } from '../compiler/index.ts';
import type { SourceFile } from '../config/ast.ts';
import { encodeDeadLetter } from '../delivery/deadLetterQueue.ts';
import type { Link, PluginRegistry } from '../plugin-api/index.ts';
import { createLogger, type LogLevel, type LogSettings } from '../runtime/logging.ts';
import { Pipeline, PipelineBrokeDown, type PipelineSettings, PipelineStartError } from '../runtime/pipeline.ts';
import { Duplex } from '../runtime/threads/duplex.ts';
import { WORKER_CHANNEL, type WorkerEnd } from '../runtime/threads/workerSlot.ts';
import { messageOf } from '../util/errors.ts';
import type { Arguments } from './arguments.ts';
import { type Environment, faultsText } from './configuration.ts';
import { pipelineSettings } from './pipelineSettings.ts';

/** `workerData` of the thread. */
export interface WorkerTask {
  readonly args: Arguments;
  readonly files: readonly SourceFile[];
  /** From 0. */
  readonly index: number;
  readonly count: number;
  /** Ids of the inputs that all workers share. */
  readonly shared: readonly string[];
}

/** Runs the pipeline until its inputs end. */
export async function runWorkerThread(port: MessagePort, task: WorkerTask, registry: PluginRegistry): Promise<void> {
  const { env } = process;
  const duplex = new Duplex(port);
  const owner = duplex.channel(WORKER_CHANNEL);
  const log = quietLog(task, (line) => owner.send('log', line));
  const turn = Promise.withResolvers<void>();
  owner.handle('begin', () => turn.resolve());
  const { pipeline: resolved, reporter } = await compile(task.files, {
    registry,
    variable: (name) => env[name],
    supportEscapes: task.args.supportEscapes,
    fileExists: existsSync,
  });
  const pipeline = new Pipeline(settingsOf(task, duplex, log), reporter);
  owner.handle('stop', () => pipeline.stop());
  owner.handle('endInput', (id: string) => pipeline.endInput(id));
  owner.handle('snapshot', () => pipeline.snapshot());
  await turn.promise;
  const isReady = await start(pipeline, resolved, reporter, task.files.length, env, log);
  log.level = task.args.logLevel;
  owner.send('started', isReady);
  if (isReady) await owner.call('ended', await runToEnd(pipeline));
}

/** While they start, all but the first say only what is wrong. */
function quietLog({ args, index }: WorkerTask, write: (line: string) => void) {
  const { logLevel, logFormat: format, pipelineId } = args;
  const quiet: LogLevel = logLevel === 'info' ? 'warn' : logLevel;
  const level = index === 0 ? logLevel : quiet;
  return { level, format, write, now: Date.now, thread: `[${pipelineId}]>worker${index}` } satisfies LogSettings as {
    -readonly [K in keyof LogSettings]: LogSettings[K];
  };
}

function settingsOf({ args, shared, index, count }: WorkerTask, duplex: Duplex, log: LogSettings): PipelineSettings {
  const owner: Link = duplex.channel(WORKER_CHANNEL);
  return {
    ...pipelineSettings(args, (source) => createLogger(log, source)),
    // The process counts them.
    deadLetterQueue: {
      add: async (event, letter) => void (await owner.call('deadLetter', encodeDeadLetter(event, letter))),
      count: 0,
    },
    worker: {
      index,
      count,
      coordinatorOf: ({ id }) => (shared.includes(id) ? duplex.channel(id) : undefined),
    },
  };
}

/** Resolves to whether it runs. */
async function start(
  pipeline: Pipeline,
  resolved: ResolvedPipeline,
  reporter: Reporter,
  fileCount: number,
  env: Environment,
  log: LogSettings,
): Promise<boolean> {
  try {
    await pipeline.start(resolved);
    if (!reporter.hasErrors) return true;
  } catch (error) {
    if (!(error instanceof PipelineStartError)) throw error;
  }
  if (reporter.hasErrors) log.write(faultsText(reporter, fileCount, env));
  return false;
}

async function runToEnd(pipeline: Pipeline): Promise<WorkerEnd> {
  try {
    await pipeline.run();
    return { snapshot: pipeline.snapshot() };
  } catch (error) {
    if (!(error instanceof PipelineBrokeDown)) throw error;
    return { snapshot: pipeline.snapshot(), failure: messageOf(error) };
  }
}

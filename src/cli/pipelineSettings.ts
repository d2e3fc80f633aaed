/** From the arguments to the settings of a pipeline, the same in the process and in each of its workers. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { LogSource } from '../runtime/logging.ts';
import type { PipelineSettings } from '../runtime/pipeline.ts';
import { systemClock } from '../util/clock.ts';
import type { Logger } from '../util/logger.ts';
import { packageRoot } from '../util/packageRoot.ts';
import type { Arguments } from './arguments.ts';
import { queueSettings } from './queueSettings.ts';

export type LoggerFor = (source: LogSource) => Logger;

export function dataPathOf({ dataPath }: Arguments): string {
  return dataPath ?? join(packageRoot(), 'data');
}

export function pipelineSettings(
  args: Arguments,
  loggerFor: LoggerFor,
): Omit<PipelineSettings, 'deadLetterQueue' | 'worker'> {
  const { pipelineId: id, supportEscapes, batchSize, nodeName } = args;
  const dataPath = dataPathOf(args);
  return {
    id,
    supportEscapes,
    batchSize,
    dataPath,
    hostName: nodeName ?? hostname(),
    clock: systemClock,
    loggerFor: (source) => loggerFor({ ...source, pipelineId: id }),
    queue: queueSettings(args, dataPath),
  };
}

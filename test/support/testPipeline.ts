/** A pipeline in this process, of plugins that a test defines and those that there are. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { compile } from '../../src/compiler/index.ts';
import { DeadLetterQueue } from '../../src/delivery/deadLetterQueue.ts';
import {
  defineInput,
  defineOutput,
  type InputContext,
  type Output,
  type PluginDefinition,
  type PluginRegistry,
} from '../../src/plugin-api/index.ts';
import { registry } from '../../src/plugins/index.ts';
import { Pipeline, type PipelineSettings } from '../../src/runtime/pipeline.ts';
import { systemClock } from '../../src/util/clock.ts';
import type { Logger } from '../../src/util/logger.ts';

export type Source = (context: InputContext) => Promise<void>;
export type Write = Output['write'];

export const settleAll: Write = (events) => {
  for (const { batch } of events) batch.settle();
};

const summary = 'For this test.';

/** The input `source`, which does what `run` says and ends. */
export function testInput(run: Source, replays = false): PluginDefinition {
  const create = (_options: unknown, context: InputContext) => ({ run: () => run(context), stop() {} });
  return defineInput({ name: 'source', summary, replays, options: {}, create });
}

export function testOutput(name: string, write: Write): PluginDefinition {
  return defineOutput({ name, summary, options: {}, create: () => ({ write, close: async () => {} }) });
}

interface Around extends Partial<PipelineSettings> {
  /** What it may write in; its dead letter queue is in `dlq` there. */
  readonly directory: string;
  readonly logger: Logger;
}

export async function startPipeline(
  text: string,
  plugins: readonly PluginDefinition[],
  { directory, logger, ...settings }: Around,
): Promise<Pipeline> {
  const ours: PluginRegistry = {
    names: (kind) => [...registry.names(kind), ...plugins.map(({ name }) => name)],
    load: async (kind, name) => plugins.find((known) => known.name === name) ?? registry.load(kind, name),
  };
  const compiled = await compile([{ path: 'test.conf', text }], {
    registry: ours,
    variable: () => undefined,
    supportEscapes: false,
    fileExists: () => true,
  });
  const deadLetterQueue = new DeadLetterQueue({ directory: join(directory, 'dlq'), clock: systemClock, logger });
  onTestFinished(() => deadLetterQueue.close());
  const pipeline = new Pipeline(
    {
      id: 'main',
      supportEscapes: false,
      batchSize: 10,
      dataPath: directory,
      hostName: 'test-host',
      clock: systemClock,
      loggerFor: () => logger,
      deadLetterQueue,
      ...settings,
    },
    compiled.reporter,
  );
  await pipeline.start(compiled.pipeline);
  return pipeline;
}

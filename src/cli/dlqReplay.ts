/** `logstash-ts dlq replay`: entries go to the output that refused them, one output after another. */
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { compile, Reporter, type ResolvedPipeline, type ResolvedPlugin } from '../compiler/index.ts';
import type { DeadLetterQueue } from '../delivery/deadLetterQueue.ts';
import { removeDeadLetters, type StoredDeadLetter } from '../delivery/deadLetters.ts';
import { Event } from '../event/event.ts';
import type { SourceBatch } from '../event/sourceBatch.ts';
import { defineInput, type Input, type OutputDefinition } from '../plugin-api/index.ts';
import { registry } from '../plugins/index.ts';
import { createLogger } from '../runtime/logging.ts';
import { Pipeline } from '../runtime/pipeline.ts';
import { systemClock } from '../util/clock.ts';
import { messageOf } from '../util/errors.ts';
import { type Environment, printFaults, toolPipeline } from './configuration.ts';
import { counted } from './kinesisText.ts';
import { superviseShutdown } from './shutdown.ts';
import { type Options, ToolFault } from './subcommands.ts';

export interface ReplayRequest {
  readonly directory: string;
  readonly dataPath: string;
  readonly options: Options;
  readonly entries: () => AsyncIterable<StoredDeadLetter>;
  readonly isDry: boolean;
  readonly env: Environment;
}

export interface ReplayResult {
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
  /** Every entry that was meant is delivered, or would be tried. */
  readonly isComplete: boolean;
}

const REMOVAL_STEP = 1_000;

/** Nothing when the configuration has errors, which are printed. @throws ToolFault */
export async function replay(request: ReplayRequest): Promise<ReplayResult | undefined> {
  const write = (line: string) => process.stderr.write(line);
  const loggerFor = (source: { name: string; pluginId?: string }) =>
    createLogger({ level: 'warn', format: 'plain', write, now: Date.now }, source);
  const pipeline = await toolPipeline(request.options, request.env, loggerFor({ name: 'logstash.dlq' }).warn);
  if (pipeline === undefined) return undefined;
  const plan = await planReplay(request, outputsOf(pipeline.outputs));
  const tally = { taken: 0, refused: 0 };
  if (!request.isDry) {
    for (const [output, ids] of plan.byOutput) await replayTo(output, ids, request, loggerFor, tally);
  }
  return resultOf(plan, tally, request.isDry);
}

interface Plan {
  readonly byOutput: ReadonlyMap<ResolvedPlugin<OutputDefinition>, ReadonlySet<number>>;
  /** Entries by the plugin that refused them and is not an output of the configuration. */
  readonly leftOut: ReadonlyMap<string, number>;
}

async function planReplay(request: ReplayRequest, outputs: readonly ResolvedPlugin<OutputDefinition>[]): Promise<Plan> {
  const byOutput = new Map<ResolvedPlugin<OutputDefinition>, Set<number>>();
  const leftOut = new Map<string, number>();
  for await (const entry of request.entries()) {
    const output = outputFor(entry, outputs);
    if (output === undefined) {
      const name = `${entry.pluginType} (id ${entry.pluginId})`;
      leftOut.set(name, (leftOut.get(name) ?? 0) + 1);
    } else {
      byOutput.set(output, (byOutput.get(output) ?? new Set()).add(entry.id));
    }
  }
  return { byOutput, leftOut };
}

/** By its id; after a change of the configuration, which changes the ids that were not given, by its name if that tells. */
function outputFor(
  { pluginType, pluginId }: StoredDeadLetter,
  outputs: readonly ResolvedPlugin<OutputDefinition>[],
): ResolvedPlugin<OutputDefinition> | undefined {
  const named = outputs.filter(({ definition }) => definition.name === pluginType);
  return named.find(({ id }) => id === pluginId) ?? (named.length === 1 ? named[0] : undefined);
}

function outputsOf(statements: ResolvedPipeline['outputs']): ResolvedPlugin<OutputDefinition>[] {
  return statements.flatMap((statement) =>
    statement.type === 'branch'
      ? [...statement.arms.flatMap(({ body }) => outputsOf(body)), ...outputsOf(statement.otherwise)]
      : [statement.plugin],
  );
}

type LoggerFor = (source: { name: string; pluginId?: string }) => ReturnType<typeof createLogger>;

/** A pipeline of one output, fed by the entries; those that settle without coming back are removed. */
async function replayTo(
  output: ResolvedPlugin<OutputDefinition>,
  ids: ReadonlySet<number>,
  request: ReplayRequest,
  loggerFor: LoggerFor,
  tally: { taken: number; refused: number },
): Promise<void> {
  const refused = new Set<SourceBatch>();
  const letters: Pick<DeadLetterQueue, 'add' | 'count'> = {
    add: async (event) => {
      refused.add(event.batch);
    },
    count: 0,
  };
  let taken: number[] = [];
  const remove = async () => {
    const step = taken;
    taken = [];
    if (step.length > 0) await removeDeadLetters(request.directory, step);
  };
  const onSettled = (id: number, batch: SourceBatch) => {
    if (refused.delete(batch)) tally.refused += 1;
    else {
      tally.taken += 1;
      taken.push(id);
    }
  };
  const definition = entryInput(request, ids, onSettled, async () => {
    if (taken.length >= REMOVAL_STEP) await remove();
  });
  const { pipeline: source } = await compile([{ path: 'replay', text: `input { ${INPUT} {} }` }], {
    registry: {
      load: async (kind, name) => (kind === 'input' ? definition : registry.load(kind, name)),
      names: () => [INPUT],
    },
    variable: () => undefined,
    supportEscapes: false,
    fileExists: () => false,
  });
  // Beside that of a pipeline that may be running.
  const dataPath = join(request.dataPath, 'replay');
  mkdirSync(dataPath, { recursive: true });
  const logger = loggerFor({ name: 'logstash.dlq' });
  const reporter = new Reporter([output.file]);
  const pipeline = new Pipeline(
    {
      id: 'replay',
      supportEscapes: request.options['config.support_escapes'] === true,
      batchSize: 1,
      dataPath,
      hostName: hostname(),
      clock: systemClock,
      loggerFor,
      deadLetterQueue: letters,
    },
    reporter,
  );
  const shutdown = superviseShutdown(pipeline, logger, false);
  try {
    await pipeline.start({ inputs: source.inputs, filters: [], outputs: [{ type: 'plugin', plugin: output }] });
    const running = pipeline.run();
    if (shutdown.requested) pipeline.stop();
    await running;
  } catch (error) {
    printFaults(reporter, 1, request.env);
    throw new ToolFault(`the output ${output.definition.name} (id ${output.id}) broke down: ${messageOf(error)}`);
  } finally {
    shutdown.end();
    await remove();
  }
}

const INPUT = 'dead_letter_replay';

function entryInput(
  { entries }: ReplayRequest,
  ids: ReadonlySet<number>,
  onSettled: (id: number, batch: SourceBatch) => void,
  between: () => Promise<void>,
) {
  return defineInput({
    name: INPUT,
    summary: 'Entries of the dead letter queue, as they were refused.',
    options: {},
    create: (_options, context): Input => {
      let stops = false;
      return {
        async run() {
          for await (const entry of entries()) {
            if (stops) return;
            if (!ids.has(entry.id)) continue;
            const event = restoredEvent(entry);
            await context.emit([event], () => onSettled(entry.id, event.batch));
            await between();
          }
        },
        stop() {
          stops = true;
        },
      };
    },
  });
}

/** With its origin, so that an output that gives ids by it gives the same. */
function restoredEvent({ data, metadata, origin, timeMs }: StoredDeadLetter): Event {
  const event = Event.fromMap(data, timeMs);
  event.metadata = metadata;
  event.origin = origin;
  return event;
}

function resultOf(plan: Plan, { taken, refused }: { taken: number; refused: number }, isDry: boolean): ReplayResult {
  const outputs = [...plan.byOutput].map(([output, ids]) => {
    return { plugin_type: output.definition.name, plugin_id: output.id, entries: ids.size };
  });
  const chosen = outputs.reduce((sum, { entries }) => sum + entries, 0);
  const leftOut = [...plan.leftOut].map(([plugin, entries]) => ({ plugin, entries }));
  const left = chosen - taken - refused;
  const lines = [
    ...outputs.map(({ plugin_type: name, plugin_id: id, entries }) => {
      const what = counted(entries, 'entry', 'entries');
      return isDry ? `${what} would go to ${name} (id ${id})` : `${what} for ${name} (id ${id})`;
    }),
    ...leftOut.map(({ plugin, entries }) => {
      return `${counted(entries, 'entry', 'entries')} of ${plugin}, which is no output of this configuration: left alone`;
    }),
  ];
  if (lines.length === 0) lines.push('no entries');
  if (!isDry && chosen > 0) {
    lines.push(`${taken} taken and removed, ${refused} refused again, ${left} not tried`);
  }
  return {
    text: lines.join('\n'),
    json: { dry_run: isDry, outputs, left_out: leftOut, taken, refused, not_tried: left },
    isComplete: isDry || (refused === 0 && left === 0 && leftOut.length === 0),
  };
}

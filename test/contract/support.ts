/** What every plugin promises is checked through the compiler, as a user meets it. */
import { compile, type ResolvedPipeline } from '../../src/compiler/index.ts';
import type { Diagnostic } from '../../src/config/diagnostic.ts';
import { renderDiagnostics } from '../../src/config/render.ts';
import { DeadLetterQueue } from '../../src/delivery/deadLetterQueue.ts';
import { commonOptions } from '../../src/plugin-api/commonOptions.ts';
import type { ConfigValue, OptionSpec, PluginDefinition, PluginKind } from '../../src/plugin-api/index.ts';
import { registry } from '../../src/plugins/index.ts';
import { Pipeline, type PipelineSettings } from '../../src/runtime/pipeline.ts';
import { systemClock } from '../../src/util/clock.ts';
import { silentLogger } from '../../src/util/logger.ts';

export const KINDS: readonly PluginKind[] = ['input', 'codec', 'filter', 'output'];

export interface Registered {
  readonly kind: PluginKind;
  readonly name: string;
  readonly definition: PluginDefinition;
  /** Common and own ones, as the compiler sees them. */
  readonly options: Readonly<Record<string, OptionSpec<unknown>>>;
}

export async function registeredPlugins(): Promise<Registered[]> {
  const all: Registered[] = [];
  for (const kind of KINDS) {
    for (const name of registry.names(kind)) {
      const definition = await registry.load(kind, name);
      if (definition === undefined) throw new Error(`${kind} ${name} is listed but cannot be loaded`);
      all.push({ kind, name, definition, options: { ...commonOptions(kind), ...definition.options } });
    }
  }
  return all;
}

/** Values of required options that pass every rule of their plugin. */
const REQUIRED: Readonly<Record<string, string>> = {
  kinesis_stream_name: '"logs"',
  source: '"message"',
  path: '"/tmp/events.log"',
  bucket: '"logs"',
};

function requiredOptions(plugin: Registered, except?: string): string[] {
  return Object.entries(plugin.options)
    .filter(([name, spec]) => spec.required && name !== except)
    .map(([name]) => `${name} => ${REQUIRED[name] ?? '"x"'}`);
}

/** A configuration that holds the plugin with its required options, but for `except`, and `more`. */
export function configWith(plugin: Registered, more = '', except?: string): string {
  const block = `${plugin.name} {\n  ${[...requiredOptions(plugin, except), more].join('\n  ')}\n}`;
  if (plugin.kind === 'codec') return `output { stdout { codec => ${block} } }`;
  return `${plugin.kind} {\n${block}\n}`;
}

export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  /** The text under the caret. */
  readonly at: string;
}

export interface Checked {
  readonly faults: readonly Fault[];
  /** As the terminal shows them. */
  readonly rendered: string;
  readonly pipeline: ResolvedPipeline;
}

/** What `-t` does with this text. */
export async function check(text: string, variables: Readonly<Record<string, string>> = {}): Promise<Checked> {
  const { pipeline, reporter } = await compile([{ path: 'contract.conf', text }], {
    registry,
    variable: (name) => variables[name],
    supportEscapes: false,
    fileExists: () => true,
  });
  if (!reporter.hasErrors) await new Pipeline(pipelineSettings(), reporter).check(pipeline);
  return {
    faults: reporter.diagnostics.map(toFault),
    rendered: renderDiagnostics(reporter.diagnostics, { color: false }),
    pipeline,
  };
}

function toFault({ code, message, hint, file, span }: Diagnostic): Fault {
  return { code, message, hint, at: file.text.slice(span.start, span.end) };
}

export function pipelineSettings(overrides: Partial<PipelineSettings> = {}): PipelineSettings {
  return {
    id: 'main',
    supportEscapes: false,
    batchSize: 125,
    dataPath: '/nonexistent',
    hostName: 'test-host',
    clock: systemClock,
    loggerFor: () => silentLogger,
    deadLetterQueue: new DeadLetterQueue({ directory: '/nonexistent', clock: systemClock, logger: silentLogger }),
    ...overrides,
  };
}

/** A default as a configuration would say it, or `undefined` where it cannot be written. */
export function asConfigValue(value: unknown): ConfigValue | undefined {
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'boolean') return String(value);
  if (value instanceof Map) return value as Map<string, ConfigValue>;
  if (!Array.isArray(value)) return undefined;
  const items = value.map(asConfigValue);
  return items.every((item) => item !== undefined && !(item instanceof Map)) ? (items as ConfigValue[]) : undefined;
}

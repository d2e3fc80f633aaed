/** Runs configurations over recorded inputs and compares with what a real Logstash gave. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import {
  buildProgram,
  compile,
  eventFailure,
  type InputDecorationOptions,
  inputDecoration,
  openCodec,
} from '../../src/compiler/index.ts';
import type { Event } from '../../src/event/event.ts';
import { encodeJson } from '../../src/event/json.ts';
import { defineOutput, type PluginRegistry, string } from '../../src/plugin-api/index.ts';
import { registry } from '../../src/plugins/index.ts';
import { systemClock } from '../../src/util/clock.ts';
import { silentLogger } from '../../src/util/logger.ts';
import { TextBuffer } from '../../src/util/textBuffer.ts';
import { testContext } from './pluginContext.ts';

export interface GoldenRow {
  readonly name: string;
  readonly config: string;
  readonly raw_input: readonly string[];
  readonly raw_input_b64?: readonly string[];
  readonly codec?: string;
  readonly escapes?: boolean;
  readonly output?: readonly unknown[];
  readonly raw_output?: readonly string[];
  readonly error?: string;
  /** Pairs made of a map stand in an arbitrary order. */
  readonly unordered_pairs?: boolean;
  readonly 'same_in_7.9.3': boolean;
  readonly 'output_7.9.3'?: readonly unknown[];
  readonly 'raw_output_7.9.3'?: readonly string[];
  readonly 'error_7.9.3'?: string;
}

export function readGolden<T>(name: string): T[] {
  const path = new URL(`../data/golden/${name}.jsonl.gz`, import.meta.url);
  return gunzipSync(readFileSync(path))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

/** The recording's output plugin: takes everything. */
const lab = defineOutput({
  name: 'lab',
  summary: 'Keeps events for a test.',
  options: { name: string({ doc: 'Which of several.' }) },
  create: () => ({ write() {}, async close() {} }),
});

const labRegistry: PluginRegistry = {
  load: async (kind, name) => (kind === 'output' && name === 'lab' ? lab : registry.load(kind, name)),
  names: (kind) => registry.names(kind),
};

export interface RunResult {
  /** Diagnostics of a refused configuration. */
  readonly errors: readonly string[];
  /** JSON texts, in the recording's form. */
  readonly outputs: readonly string[];
}

export const ARRIVAL_MS = Date.UTC(2026, 10, 22, 1, 2, 3, 4);

export interface CaseSetup {
  readonly config: string;
  readonly codec?: string;
  readonly escapes?: boolean;
  /** Whether the recording shows `@metadata`. */
  readonly metadata?: boolean;
}

/** Each record is decoded and flushed; events run one by one, as with one ordered worker. */
export async function runCase(input: CaseSetup & { records: readonly Uint8Array[] }): Promise<RunResult> {
  return (await prepareCase(input))(input.records);
}

/** Compiles once, for many runs. */
export async function prepareCase(input: CaseSetup): Promise<(records: readonly Uint8Array[]) => RunResult> {
  const hasOutput = /(^|[\s}])output\s*\{/.test(input.config);
  const text = `input { generator { codec => ${input.codec ?? 'json'} } }\n${input.config}\n${hasOutput ? '' : 'output { lab { } }\n'}`;
  const { pipeline, reporter } = await compile([{ path: 'case.conf', text }], {
    registry: labRegistry,
    variable: (name) => process.env[name],
    supportEscapes: input.escapes ?? false,
    fileExists: () => true,
  });
  const refused = () => ({
    errors: reporter.diagnostics.map((d) => `${d.code} ${d.message}`),
    outputs: [] as string[],
  });
  if (reporter.hasErrors) return refused;
  const context = testContext({ clock: { ...systemClock, now: () => ARRIVAL_MS } });
  const program = await buildProgram(pipeline, {
    supportEscapes: input.escapes ?? false,
    reporter,
    logger: silentLogger,
    contextOf: () => context,
    onPoisoned: (_event, error) => {
      throw error;
    },
  });
  if (reporter.hasErrors) return refused;

  const [source] = pipeline.inputs;
  if (source?.codec === undefined) throw new Error('the case has no input');
  const codec = openCodec(source.codec, context).open();
  const decorate = inputDecoration(
    source.options as unknown as InputDecorationOptions,
    eventFailure(source.definition, silentLogger, () => {}),
  );
  return (records) => ({ errors: [], outputs: records.flatMap(runRecord) });

  function runRecord(record: Uint8Array): string[] {
    const outputs: string[] = [];
    for (const event of [...codec.decode(record, ARRIVAL_MS), ...codec.flush(ARRIVAL_MS)]) {
      decorate?.(event);
      const lists: Event[][] = program.outputs.map(() => []);
      program.process([event], lists);
      for (const [index, list] of lists.entries()) {
        for (const routed of list) outputs.push(outputEntry(routed, index));
      }
    }
    return outputs;
  }

  function outputEntry(event: Event, index: number): string {
    const plugin = program.outputs[index];
    if (plugin?.codec === undefined) throw new Error('an output has no codec');
    const name = plugin.options['name'] as string | undefined;
    if (plugin.node.attributes.some((attribute) => attribute.name === 'codec')) {
      const out = new TextBuffer();
      openCodec(plugin.codec, context).open().encode(event, out);
      const encoded = out.take().toString();
      return JSON.stringify({ output: name ?? 'lab', encoded });
    }
    const json = input.metadata === true ? eventJson(event) : written(event);
    return name === undefined ? json : `{"output":${JSON.stringify(name)},"event":${json}}`;
  }
}

function written(event: Event): string {
  const out = new TextBuffer();
  event.writeJson(out);
  return out.take().toString();
}

function eventJson(event: Event): string {
  const data = Object.keys(event.metadata).length === 0 ? event.data : { ...event.data, '@metadata': event.metadata };
  return encodeJson(data);
}

/**
 * A text that is equal for equal events: keys sorted, numbers kept in their form (an integer is not a double), doubles
 * by value, times of arrival replaced.
 */
export function canonical(json: string, unorderedLists = false): string {
  const value = sorted(JSON.parse(json, (_key, item, context) => numberForm(item, context.source)));
  return JSON.stringify(unorderedLists ? withSortedLists(value) : value);
}

function numberForm(value: unknown, source: string | undefined): unknown {
  if (typeof value !== 'number' || source === undefined) return value;
  return /^-?\d+$/.test(source) ? `int:${BigInt(source)}` : `float:${Number(source)}`;
}

const NOW = new Date(ARRIVAL_MS).toISOString();

function sorted(value: unknown): unknown {
  if (value === NOW) return '<now>';
  // Logstash prints maps inside texts in an arbitrary order.
  if (typeof value === 'string' && value.includes('{')) return [...value].sort().join('');
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, key === '@metadata' ? withoutNumberForms(item) : sorted(item)]),
  );
}

function withSortedLists(value: unknown): unknown {
  if (Array.isArray(value))
    return value
      .map(withSortedLists)
      .map((item) => JSON.stringify(item))
      .sort();
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withSortedLists(item)]));
}

/** The recording kept number forms of fields only. */
function withoutNumberForms(value: unknown): string {
  return JSON.stringify(sorted(value)).replace(/"(?:int|float):([^"]*)"/g, (_form, digits) => String(Number(digits)));
}

export function recordsOf(row: GoldenRow): Uint8Array[] {
  const encoded = row.raw_input_b64;
  return encoded === undefined
    ? row.raw_input.map((text) => Buffer.from(text))
    : encoded.map((text) => Buffer.from(text, 'base64'));
}

/** What 7.9.3 gave, as JSON texts with number forms where they were recorded. */
export function expectedOutputs(row: GoldenRow): string[] {
  const differs = !row['same_in_7.9.3'];
  const output = (differs ? row['output_7.9.3'] : undefined) ?? row.output ?? [];
  const raw =
    (differs ? row['raw_output_7.9.3'] : undefined) ?? (differs && row['output_7.9.3'] ? undefined : row.raw_output);
  return output.map((entry, index) => {
    const text = raw?.[index];
    return typeof text === 'string' && isJson(text) ? wrapped(text, entry) : JSON.stringify(entry);
  });
}

/** Entries of named outputs wrap the recorded text. */
function wrapped(text: string, entry: unknown): string {
  if (typeof entry !== 'object' || entry === null || !('output' in entry)) return withMetadata(text, entry);
  if (!('event' in entry)) return JSON.stringify(entry);
  return `{"output":${JSON.stringify(entry.output)},"event":${withMetadata(text, entry.event)}}`;
}

/** The recorded texts keep number forms, but only the parsed entries show `@metadata`. */
function withMetadata(text: string, entry: unknown): string {
  if (typeof entry !== 'object' || entry === null || !('@metadata' in entry)) return text;
  return `${text.slice(0, -1)},"@metadata":${JSON.stringify(entry['@metadata'])}}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What 7.9.3 said of a configuration it refused, or of a worker that died. */
export function expectedError(row: GoldenRow): string | undefined {
  return row['same_in_7.9.3']
    ? row.error
    : (row['error_7.9.3'] ?? (row['output_7.9.3'] === undefined ? row.error : undefined));
}

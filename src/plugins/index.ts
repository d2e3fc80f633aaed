/** Every plugin, by hand: one line each. A plugin is loaded when a configuration names it. */
import type { PluginDefinition, PluginKind, PluginRegistry } from '../plugin-api/index.ts';

type Loader = () => Promise<PluginDefinition>;

const inputs: Readonly<Record<string, Loader>> = {
  dead_letter_queue: async () => (await import('./inputs/dead_letter_queue.ts')).deadLetterQueue,
  generator: async () => (await import('./inputs/generator.ts')).generator,
  kinesis: async () => (await import('./inputs/kinesis/index.ts')).kinesis,
  stdin: async () => (await import('./inputs/stdin.ts')).stdin,
};

const codecs: Readonly<Record<string, Loader>> = {
  json: async () => (await import('./codecs/json.ts')).json,
  json_lines: async () => (await import('./codecs/json_lines.ts')).jsonLines,
  line: async () => (await import('./codecs/line.ts')).line,
  plain: async () => (await import('./codecs/plain.ts')).plain,
  rubydebug: async () => (await import('./codecs/rubydebug.ts')).rubydebug,
};

const filters: Readonly<Record<string, Loader>> = {
  drop: async () => (await import('./filters/drop.ts')).drop,
  geoip: async () => (await import('./filters/geoip/index.ts')).geoip,
  json: async () => (await import('./filters/json.ts')).json,
  mutate: async () => (await import('./filters/mutate/index.ts')).mutate,
};

const outputs: Readonly<Record<string, Loader>> = {
  elasticsearch: async () => (await import('./outputs/elasticsearch/index.ts')).elasticsearch,
  file: async () => (await import('./outputs/file/index.ts')).file,
  null: async () => (await import('./outputs/null.ts')).nullOutput,
  s3: async () => (await import('./outputs/s3/index.ts')).s3,
  stdout: async () => (await import('./outputs/stdout.ts')).stdout,
};

const byKind: Readonly<Record<PluginKind, Readonly<Record<string, Loader>>>> = {
  input: inputs,
  codec: codecs,
  filter: filters,
  output: outputs,
};

export const registry: PluginRegistry = {
  async load(kind, name) {
    const loaders = byKind[kind];
    return Object.hasOwn(loaders, name) ? loaders[name]?.() : undefined;
  },
  names: (kind) => Object.keys(byKind[kind]),
};

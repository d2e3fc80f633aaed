/** The page of plugins, from their own declarations. */

import { commonOptions } from '../../src/plugin-api/commonOptions.ts';
import type {
  FilterExample,
  OptionSchema,
  OptionSpec,
  PluginDefinition,
  PluginKind,
  PluginRegistry,
} from '../../src/plugin-api/index.ts';
import { block, code, page, table } from './markdown.ts';

const KINDS = [
  ['input', 'Inputs'],
  ['codec', 'Codecs'],
  ['filter', 'Filters'],
  ['output', 'Outputs'],
] as const;

const INTRODUCTION = `Every plugin and option. Options that this version does not support are refused by name, and so are unknown ones. Differences
in behaviour stand in [compatibility.md](compatibility.md).`;

export async function pluginsPage(registry: PluginRegistry): Promise<string> {
  const parts: string[] = [];
  const contents: string[] = [];
  for (const [kind, title] of KINDS) {
    const names = registry.names(kind).toSorted();
    const links = names.map((name) => `[${name}](#${kind}-${name})`);
    contents.push(`- [${title}](#${title.toLowerCase()}): ${links.join(', ')}`);
    parts.push(`## ${title}`, ...commonPart(kind));
    for (const name of names) {
      const definition = await registry.load(kind, name);
      if (definition !== undefined) parts.push(...pluginPart(definition));
    }
  }
  return page('# Plugins', INTRODUCTION, contents.join('\n'), ...parts);
}

function commonPart(kind: PluginKind): string[] {
  return [`Options of every ${kind}:`, ...optionTables(commonOptions(kind))];
}

function pluginPart(definition: PluginDefinition): string[] {
  const examples = definition.kind === 'filter' ? definition.examples.map(examplePart) : [];
  return [
    `### ${definition.kind} ${definition.name}`,
    definition.summary,
    codecPart(definition),
    ...optionTables(definition.options),
    ...examples,
  ];
}

function codecPart(definition: PluginDefinition): string {
  if (!('defaultCodec' in definition)) return '';
  const codec = code('codec');
  if (!('streaming' in definition) || !definition.streaming)
    return `Default of ${codec}: ${code(definition.defaultCodec)}.`;
  return `Default of ${codec}: ${code(definition.defaultCodec)}. It reads a stream: ${code('plain')} means ${code('line')}, and ${code('json')} means ${code('json_lines')}.`;
}

function optionTables(options: OptionSchema): string[] {
  const entries = Object.entries(options);
  const usable = entries.filter(([, spec]) => spec.refused === undefined);
  const refused = (obsolete: boolean) =>
    entries.filter(([, spec]) => spec.refused?.obsolete === obsolete).map(([name, { doc }]) => [code(name), doc]);
  return [
    usable.length === 0 ? '' : table(['Option', 'Type', 'Default', 'What it does'], usable.map(optionRow)),
    ...titled('Not supported:', refused(false)),
    ...titled('Removed by Logstash:', refused(true)),
  ];
}

function titled(title: string, rows: readonly string[][]): string[] {
  return rows.length === 0 ? [] : [title, table(['Option', 'Instead'], rows)];
}

function optionRow([name, spec]: readonly [string, OptionSpec<unknown>]): string[] {
  const doc = spec.deprecated === undefined ? spec.doc : `${spec.doc} Deprecated: ${spec.deprecated}`;
  return [code(name), spec.type, defaultText(spec), doc];
}

function defaultText(spec: OptionSpec<unknown>): string {
  if (spec.required) return 'required';
  if (spec.defaultDoc !== undefined) return spec.defaultDoc;
  const { default: value } = spec;
  if (value === undefined) return '';
  if (value instanceof Map && value.size === 0) return code('{ }');
  return code(
    Array.isArray(value) ? `[${value.map((item) => JSON.stringify(item)).join(', ')}]` : JSON.stringify(value),
  );
}

function examplePart({ title, config, in: before, out }: FilterExample): string {
  const after = out === null ? '(the event is dropped)' : JSON.stringify(out);
  return page(`${title}:`, block('', `${config}\n\nin:  ${JSON.stringify(before)}\nout: ${after}`)).trimEnd();
}

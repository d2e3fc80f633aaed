/** `logstash-ts template …`. */
import { fieldTypesByOutput, type ResolvedPipeline } from '../compiler/index.ts';
import type { FieldType } from '../plugin-api/index.ts';
import { usesDataStreams } from '../plugins/outputs/elasticsearch/dataStream.ts';
import { resolveEndpoint } from '../plugins/outputs/elasticsearch/endpoint.ts';
import { fittedTemplate, indexPatterns } from '../plugins/outputs/elasticsearch/fittedTemplate.ts';
import type { Options as ElasticsearchOptions } from '../plugins/outputs/elasticsearch/options.ts';
import { TEMPLATE_PATHS, type TemplateApi } from '../plugins/outputs/elasticsearch/template.ts';
import { type Environment, toolPipeline } from './configuration.ts';
import { type Options, runGroup, ToolFault } from './subcommands.ts';
import { TEMPLATE } from './templateFlags.ts';

/** Gives the exit code. `args` are those behind `template`. */
export async function runTemplate(args: readonly string[], env: Environment): Promise<number> {
  return runGroup(TEMPLATE, args, async ({ options }) => {
    const pipeline = await toolPipeline(options, env, (message) => process.stderr.write(`WARN: ${message}\n`));
    if (pipeline === undefined) return 1;
    const targets = elasticsearchTargets(pipeline);
    process.stdout.write(`${JSON.stringify(templateFor(targets, options), undefined, 2)}\n`);
    process.stderr.write(`${installation(targets, options)}\n`);
    return 0;
  });
}

interface Target {
  readonly options: ElasticsearchOptions;
  readonly fieldTypes: readonly FieldType[];
}

/** @throws ToolFault */
function templateFor(targets: readonly Target[], options: Options): object {
  const isDataStream = targets.some((target) => usesDataStreams(target.options));
  const api = apiOf(options);
  if (targets.some((target) => usesDataStreams(target.options) !== isDataStream)) {
    throw new ToolFault(
      'the configuration writes to indices and to data streams, which take a template each: give it without the outputs of one kind',
    );
  }
  if (isDataStream && api === 'legacy')
    throw new ToolFault('data streams take composable templates only: leave --legacy out');
  const given = (options['index'] ?? []) as readonly string[];
  return fittedTemplate({
    patterns: given.length > 0 ? given : patternsOf(targets),
    fieldTypes: targets.flatMap(({ fieldTypes }) => fieldTypes),
    api,
    isDataStream,
  });
}

/** For who has printed it and goes on by hand. Credentials are not known here, and not shown. */
function installation([target]: readonly Target[], options: Options): string {
  if (target === undefined) return '';
  const { nodes, prefix } = resolveEndpoint(target.options);
  const url = `${nodes[0]}${prefix}${TEMPLATE_PATHS[apiOf(options)]}/<name>`;
  return `Install it for indices made from then on: curl -X PUT -H 'content-type: application/json' --data-binary @<file> ${url}`;
}

function apiOf(options: Options): TemplateApi {
  return options['legacy'] === true ? 'legacy' : 'composable';
}

/** @throws ToolFault */
function elasticsearchTargets(pipeline: ResolvedPipeline): Target[] {
  const targets = [...fieldTypesByOutput(pipeline)]
    .filter(([{ definition }]) => definition.name === 'elasticsearch')
    .map(([plugin, fieldTypes]) => ({ options: plugin.options as ElasticsearchOptions, fieldTypes }));
  if (targets.length > 0) return targets;
  throw new ToolFault('the configuration has no elasticsearch output, so there are no indices');
}

function patternsOf(targets: readonly Target[]): string[] {
  const patterns = [...new Set(targets.flatMap(({ options }) => indexPatterns(options)))];
  const tooWide = patterns.find((pattern) => pattern.startsWith('*'));
  if (tooWide === undefined) return patterns;
  throw new ToolFault(
    `an index that begins with a field could be any: ${tooWide} would meet indices of others; say which with --index`,
  );
}

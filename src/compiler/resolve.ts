/** Syntax trees of all files to one pipeline of validated plugins. */
import type { BranchNode, ConditionNode, Config, PluginNode, SourceFile, Statement } from '../config/ast.ts';
import {
  type FilterDefinition,
  type InputDefinition,
  type OutputDefinition,
  PluginConfigError,
} from '../plugin-api/index.ts';
import { type ResolvedPlugin, type ResolveSettings, reportPluginError, resolvePlugin } from './resolvePlugin.ts';

export type ResolvedStatement<D extends FilterDefinition | OutputDefinition> =
  | { readonly type: 'plugin'; readonly plugin: ResolvedPlugin<D> }
  | ResolvedBranch<D>;

export interface ResolvedBranch<D extends FilterDefinition | OutputDefinition> {
  readonly type: 'branch';
  readonly file: SourceFile;
  readonly arms: readonly { readonly condition: ConditionNode; readonly body: readonly ResolvedStatement<D>[] }[];
  readonly otherwise: readonly ResolvedStatement<D>[];
}

/** Input parts stand side by side, filter parts follow each other in file order, output parts stand side by side. */
export interface ResolvedPipeline {
  readonly inputs: readonly ResolvedPlugin<InputDefinition>[];
  readonly filters: readonly ResolvedStatement<FilterDefinition>[];
  readonly outputs: readonly ResolvedStatement<OutputDefinition>[];
}

export async function resolvePipeline(
  configs: readonly Config[],
  settings: ResolveSettings,
): Promise<ResolvedPipeline> {
  const inputs: ResolvedPlugin<InputDefinition>[] = [];
  const filters: ResolvedStatement<FilterDefinition>[] = [];
  const outputs: ResolvedStatement<OutputDefinition>[] = [];
  const ids = new Map<string, PluginNode>();
  /** Purposes by resource. */
  const claims = new Map<string, string>();

  for (const { file, sections } of configs) {
    for (const section of sections) {
      if (section.kind === 'input') inputs.push(...(await resolveInputs(section.body, file)));
      else if (section.kind === 'filter')
        filters.push(...(await resolveBody<FilterDefinition>('filter', section.body, file)));
      else outputs.push(...(await resolveBody<OutputDefinition>('output', section.body, file)));
    }
  }
  for (const input of inputs) checkClaims(input);
  return { inputs, filters, outputs };

  function checkClaims({ definition, options, node, file }: ResolvedPlugin<InputDefinition>): void {
    for (const { resource, purpose, option, refusal } of definition.claims?.(options) ?? []) {
      const other = claims.get(resource);
      claims.set(resource, purpose);
      if (other === undefined || other === purpose) continue;
      reportPluginError(new PluginConfigError(refusal(other), option), node, file, settings.reporter);
    }
  }

  async function resolveInputs(
    body: readonly Statement[],
    file: SourceFile,
  ): Promise<ResolvedPlugin<InputDefinition>[]> {
    const resolved: ResolvedPlugin<InputDefinition>[] = [];
    for (const statement of body) {
      if (statement.type === 'branch') {
        settings.reporter.error(
          'LST106',
          file,
          { start: statement.span.start, end: statement.span.start + 2 },
          'a conditional around an input has no event to look at',
          'put the inputs side by side, and the conditional into the filter section',
        );
        continue;
      }
      const plugin = await resolveOne('input', statement, file);
      if (plugin !== undefined) resolved.push(plugin as ResolvedPlugin<InputDefinition>);
    }
    return resolved;
  }

  async function resolveBody<D extends FilterDefinition | OutputDefinition>(
    kind: D['kind'],
    body: readonly Statement[],
    file: SourceFile,
  ): Promise<ResolvedStatement<D>[]> {
    const resolved: ResolvedStatement<D>[] = [];
    for (const statement of body) {
      if (statement.type === 'branch') {
        resolved.push(await resolveBranch<D>(kind, statement, file));
      } else {
        const plugin = await resolveOne(kind, statement, file);
        if (plugin !== undefined) resolved.push({ type: 'plugin', plugin: plugin as ResolvedPlugin<D> });
      }
    }
    return resolved;
  }

  async function resolveBranch<D extends FilterDefinition | OutputDefinition>(
    kind: D['kind'],
    branch: BranchNode,
    file: SourceFile,
  ): Promise<ResolvedBranch<D>> {
    const arms: ResolvedBranch<D>['arms'][number][] = [];
    for (const { condition, body } of branch.arms) {
      arms.push({ condition, body: await resolveBody<D>(kind, body, file) });
    }
    return { type: 'branch', file, arms, otherwise: await resolveBody<D>(kind, branch.otherwise ?? [], file) };
  }

  async function resolveOne(
    kind: 'input' | 'filter' | 'output',
    node: PluginNode,
    file: SourceFile,
  ): Promise<ResolvedPlugin | undefined> {
    const plugin = await resolvePlugin(kind, node, file, settings);
    if (plugin === undefined) return undefined;
    const earlier = ids.get(plugin.id);
    if (earlier !== undefined) {
      const idSpan = node.attributes.find((attribute) => attribute.name === 'id')?.value.span ?? node.nameSpan;
      settings.reporter.error(
        'LST309',
        file,
        idSpan,
        `Two plugins have the id '${plugin.id}'`,
        'ids must be unique in a pipeline',
      );
    }
    ids.set(plugin.id, node);
    return plugin;
  }
}

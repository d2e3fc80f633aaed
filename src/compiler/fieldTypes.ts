/** What is known of the fields of events before the first one comes. */
import type { ConditionNode } from '../config/ast.ts';
import type { FieldType, FilterDefinition, OutputDefinition } from '../plugin-api/index.ts';
import type { ResolvedPipeline, ResolvedStatement } from './resolve.ts';
import type { ResolvedPlugin } from './resolvePlugin.ts';

interface Placed<D extends FilterDefinition | OutputDefinition> {
  readonly plugin: ResolvedPlugin<D>;
  /** Conditions that hold where the plugin stands, as texts that can be compared. */
  readonly facts: readonly string[];
}

/**
 * The types of fields that filters give to the events of each output. A filter counts unless one condition in front of it
 * contradicts one in front of the output; that a filter may change a field which conditions ask for is left out of account.
 */
export function fieldTypesByOutput({ filters, outputs }: ResolvedPipeline): ReadonlyMap<ResolvedPlugin, FieldType[]> {
  const typed = place(filters).map(({ plugin, facts }) => ({
    types: plugin.definition.fieldTypes?.(plugin.options) ?? [],
    facts,
  }));
  return new Map(
    place(outputs).map(({ plugin, facts }) => [
      plugin,
      typed.filter((filter) => !contradict(filter.facts, facts)).flatMap(({ types }) => types),
    ]),
  );
}

function place<D extends FilterDefinition | OutputDefinition>(
  statements: readonly ResolvedStatement<D>[],
  facts: readonly string[] = [],
): Placed<D>[] {
  return statements.flatMap((statement) => {
    if (statement.type === 'plugin') return [{ plugin: statement.plugin, facts }];
    const placed: Placed<D>[] = [];
    let passed = facts;
    for (const { condition, body } of statement.arms) {
      placed.push(...place(body, [...passed, ...factsOf(condition, true)]));
      passed = [...passed, ...factsOf(condition, false)];
    }
    return [...placed, ...place(statement.otherwise, passed)];
  });
}

function factsOf(condition: ConditionNode, holds: boolean): string[] {
  if (condition.type === 'not') return factsOf(condition.operand, !holds);
  if (condition.type === 'logical' && condition.operator === (holds ? 'and' : 'or')) {
    return [...factsOf(condition.left, holds), ...factsOf(condition.right, holds)];
  }
  if ('negated' in condition && condition.negated) return factsOf({ ...condition, negated: false }, !holds);
  return [`${holds} ${JSON.stringify(condition, (key, value: unknown) => (key === 'span' ? undefined : value))}`];
}

function contradict(left: readonly string[], right: readonly string[]): boolean {
  const opposite = (fact: string) => (fact.startsWith('true ') ? `false ${fact.slice(5)}` : `true ${fact.slice(6)}`);
  return left.some((fact) => right.includes(opposite(fact)));
}

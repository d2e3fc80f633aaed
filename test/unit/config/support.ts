import { readFileSync } from 'node:fs';
import type { ConditionNode, Config, Statement } from '../../../src/config/ast.ts';
import type { Diagnostic } from '../../../src/config/diagnostic.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import { positionAt } from '../../../src/config/position.ts';

export const seed = readFileSync(new URL('../../data/seed.conf', import.meta.url), 'utf8');

export function parse(text: string): { config: Config; diagnostics: Diagnostic[] } {
  return parseConfig({ path: 'test.conf', text });
}

/** The statements of a text's first section; fails on any diagnostic. */
export function statementsOf(text: string): readonly Statement[] {
  const { config, diagnostics } = parse(text);
  if (diagnostics.length > 0) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return config.sections[0]?.body ?? [];
}

/** The tree of a condition. */
export function conditionOf(condition: string): ConditionNode {
  const [statement] = statementsOf(`filter { if ${condition} { } }`);
  const arm = statement?.type === 'branch' ? statement.arms[0] : undefined;
  if (!arm) throw new Error(`no branch: ${condition}`);
  return arm.condition;
}

/** `code line:column` of each diagnostic. */
export function places(text: string): string[] {
  return parse(text).diagnostics.map(({ code, file, span }) => {
    const { line, column } = positionAt(file, span.start);
    return `${code} ${line}:${column}`;
  });
}

/** A tree without its spans, to be compared at a glance. */
export function bare(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(bare);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key]) => key !== 'span' && key !== 'nameSpan')
      .map(([key, value]) => [key, bare(value)]),
  );
}

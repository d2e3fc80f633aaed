import type { IToken } from 'chevrotain';
import type { ConditionNode, LogicalNode } from './ast.ts';

/**
 * `and` binds tighter than `or`, but as Logstash joins them: an `or` takes only the last `and` before it. So
 * `a and b and c or d` is `a and ((b and c) or d)`, which its users have lived with and so must we.
 *
 * `xor` and `nand` have no precedence in Logstash: it refuses them beside any other boolean operator; the first such
 * operator is added to `mixed`. Chains of one operator become balanced trees, so that their depth stays small.
 */
export function joinConditions(
  operands: readonly ConditionNode[],
  operators: readonly IToken[],
  mixed: IToken[],
): ConditionNode {
  const unordered = operators.find(({ image }) => image === 'xor' || image === 'nand');
  if (unordered && operators.length > 1) mixed.push(unordered);
  if (unordered) return balance(unordered.image as LogicalNode['operator'], operands);

  const [first] = operators;
  const isChain = operators.every(({ image }) => image === first?.image);
  return isChain
    ? balance(first?.image === 'or' ? 'or' : 'and', operands)
    : joinMixed(
        operands,
        operators.map(({ image }) => (image === 'or' ? 'or' : 'and')),
      );
}

/** An operator waits for the next one; only a waiting `and` gives way, one at a time, and only to an `or`. */
function joinMixed(operands: readonly ConditionNode[], operators: readonly ('and' | 'or')[]): ConditionNode {
  const joined: ConditionNode[] = [operands[0] as ConditionNode];
  const waiting: ('and' | 'or')[] = [];
  for (const [index, operator] of operators.entries()) {
    if (operator === 'or' && waiting.at(-1) === 'and') applyLast(joined, waiting);
    waiting.push(operator);
    joined.push(operands[index + 1] as ConditionNode);
  }
  while (waiting.length > 0) applyRun(joined, waiting);
  return joined[0] as ConditionNode;
}

/** Joins what the last operators, all alike, hold together. */
function applyRun(joined: ConditionNode[], waiting: ('and' | 'or')[]): void {
  const operator = waiting.at(-1) ?? 'and';
  const length = waiting.length - 1 - waiting.findLastIndex((other) => other !== operator);
  waiting.length -= length;
  joined.push(balance(operator, joined.splice(-length - 1)));
}

function applyLast(joined: ConditionNode[], waiting: ('and' | 'or')[]): void {
  const operator = waiting.pop();
  const right = joined.pop();
  const left = joined.pop();
  if (operator === undefined || left === undefined || right === undefined) throw new Error('operands are missing');
  joined.push(join(operator, left, right));
}

function balance(operator: LogicalNode['operator'], terms: readonly ConditionNode[]): ConditionNode {
  if (terms.length === 1) return terms[0] as ConditionNode;
  const middle = Math.ceil(terms.length / 2);
  return join(operator, balance(operator, terms.slice(0, middle)), balance(operator, terms.slice(middle)));
}

function join(operator: LogicalNode['operator'], left: ConditionNode, right: ConditionNode): LogicalNode {
  return { type: 'logical', operator, left, right, span: { start: left.span.start, end: right.span.end } };
}

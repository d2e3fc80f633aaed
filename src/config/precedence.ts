import type { IToken } from 'chevrotain';
import type { ConditionNode, LogicalNode } from './ast.ts';

/**
 * `and` binds tighter than `or`. `xor` and `nand` have no precedence in Logstash: it refuses them beside any other boolean
 * operator; the first such operator is added to `mixed`. Long chains become balanced trees, so that their depth stays small.
 */
export function joinConditions(
  operands: readonly ConditionNode[],
  operators: readonly IToken[],
  mixed: IToken[],
): ConditionNode {
  const unordered = operators.find(({ image }) => image === 'xor' || image === 'nand');
  if (unordered && operators.length > 1) mixed.push(unordered);
  if (unordered) return fold(operands, operators);

  const terms: ConditionNode[] = [];
  let from = 0;
  operators.forEach(({ image }, index) => {
    if (image !== 'or') return;
    terms.push(balance('and', operands.slice(from, index + 1)));
    from = index + 1;
  });
  terms.push(balance('and', operands.slice(from)));
  return balance('or', terms);
}

function fold(operands: readonly ConditionNode[], operators: readonly IToken[]): ConditionNode {
  const [first, ...rest] = operands as [ConditionNode, ...ConditionNode[]];
  return rest.reduce(
    (left, right, index) => join(operators[index]?.image as LogicalNode['operator'], left, right),
    first,
  );
}

function balance(operator: 'and' | 'or', terms: readonly ConditionNode[]): ConditionNode {
  if (terms.length === 1) return terms[0] as ConditionNode;
  const middle = Math.ceil(terms.length / 2);
  return join(operator, balance(operator, terms.slice(0, middle)), balance(operator, terms.slice(middle)));
}

function join(operator: LogicalNode['operator'], left: ConditionNode, right: ConditionNode): LogicalNode {
  return { type: 'logical', operator, left, right, span: { start: left.span.start, end: right.span.end } };
}

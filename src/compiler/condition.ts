/** Conditions to JavaScript expressions over the event `e`. */
import type {
  CompareNode,
  ConditionNode,
  InNode,
  MatchNode,
  OperandNode,
  SourceFile,
  ValueNode,
} from '../config/ast.ts';
import { InvalidFieldReference, parseFieldReference } from '../event/fieldReference.ts';
import { javaText } from '../event/text.ts';
import type { Value } from '../event/value.ts';
import { InvalidRegex, type RegexCompiler } from '../util/rubyRegex.ts';
import type { CodeWriter } from './codeWriter.ts';
import { configValue } from './configValue.ts';
import * as operators from './operators.ts';
import type { Reporter } from './reporter.ts';

export interface ConditionContext {
  readonly code: CodeWriter;
  readonly file: SourceFile;
  readonly reporter: Reporter;
  readonly regex: RegexCompiler;
  /** `config.support_escapes` */
  readonly supportEscapes: boolean;
  /** What to call when a comparison cannot be decided, per source position. */
  readonly onIncomparable: (file: SourceFile, offset: number) => () => void;
}

/** The expression; faults go to the reporter and give `false`. */
export function conditionCode(node: ConditionNode, context: ConditionContext): string {
  switch (node.type) {
    case 'logical': {
      const left = conditionCode(node.left, context);
      const right = conditionCode(node.right, context);
      if (node.operator === 'and') return `(${left} && ${right})`;
      if (node.operator === 'or') return `(${left} || ${right})`;
      return node.operator === 'xor' ? `(${left} !== ${right})` : `!(${left} && ${right})`;
    }
    case 'not':
      return `!${conditionCode(node.operand, context)}`;
    case 'compare':
      return compareCode(node, context);
    case 'match':
      return matchCode(node, context);
    case 'in':
      return `${node.negated ? '!' : ''}${inCode(node, context)}`;
    case 'truthy':
      return truthyCode(node.operand, context);
  }
}

type Constant = { readonly value: Value };

/** The value of an operand known now, or `undefined` for a field. */
function constantOf(node: OperandNode, context: ConditionContext): Constant | undefined {
  if (node.type === 'string' || node.type === 'number') return { value: literal(node, context) };
  if (node.type === 'array') return { value: node.elements.map((element) => literal(element, context)) };
  return undefined;
}

/** Variables are not replaced in conditions. */
function literal(node: ValueNode, { supportEscapes }: ConditionContext): Value {
  const value = configValue(node, { variable: (name) => `\${${name}}`, supportEscapes });
  return typeof value === 'object' && (value instanceof Map || 'type' in value) ? null : (value as Value);
}

function operandCode(node: OperandNode, context: ConditionContext): string {
  const constant = constantOf(node, context);
  if (constant !== undefined) return constantCode(constant.value, context);
  if (node.type === 'field') return fieldCode(node.text, node, context);
  context.reporter.errorUnlessTold('LST104', context.file, node.span, 'this cannot be evaluated in a condition');
  return 'undefined';
}

function constantCode(value: Value, { code }: ConditionContext): string {
  if (typeof value === 'string') return code.text(value);
  return typeof value === 'number' ? String(value) : code.constant(value);
}

function fieldCode(text: string, node: OperandNode, context: ConditionContext): string {
  try {
    return `e.get(${context.code.constant(parseFieldReference(text))})`;
  } catch (error) {
    if (!(error instanceof InvalidFieldReference)) throw error;
    context.reporter.error('LST107', context.file, node.span, error.message);
    return 'undefined';
  }
}

function truthyCode(node: OperandNode, context: ConditionContext): string {
  const constant = constantOf(node, context);
  if (constant !== undefined) return String(operators.isTruthy(constant.value));
  if (node.type === 'regex') return 'true';
  return `isTruthy(${operandCode(node, context)})`;
}

const MIRRORED = { '<': '>', '<=': '>=', '>': '<', '>=': '<=', '==': '==', '!=': '!=' } as const;

function compareCode(node: CompareNode, context: ConditionContext): string {
  if (node.right.type === 'regex' || node.left.type === 'regex') {
    const regex = node.right.type === 'regex' ? node.right : node.left;
    context.reporter.errorUnlessTold(
      'LST106',
      context.file,
      regex.span,
      `\`${node.operator}\` does not take a regular expression`,
      'use `=~` or `!~`',
    );
    return 'false';
  }
  const flipped = constantOf(node.left, context) !== undefined && constantOf(node.right, context) === undefined;
  const operator = flipped ? MIRRORED[node.operator] : node.operator;
  const [left, right] = flipped ? [node.right, node.left] : [node.left, node.right];
  if (operator === '==' || operator === '!=') return equalityCode(left, right, operator === '!=', context);
  const onIncomparable = context.code.constant(context.onIncomparable(context.file, node.span.start));
  return `compare(${operandCode(left, context)}, ${operandCode(right, context)}, ${onIncomparable}) ${operator} 0`;
}

/** A list on the right acts as its first element. */
function equalityCode(left: OperandNode, right: OperandNode, negated: boolean, context: ConditionContext): string {
  const constant = constantOf(right, context);
  const value = Array.isArray(constant?.value) ? (constant.value[0] ?? null) : constant?.value;
  if (typeof value === 'string' || (typeof value === 'number' && constantOf(left, context) === undefined)) {
    return `(${operandCode(left, context)} ${negated ? '!==' : '==='} ${constantCode(value, context)})`;
  }
  const rightCode = value === undefined ? operandCode(right, context) : constantCode(value, context);
  return `${negated ? '!' : ''}equals(${operandCode(left, context)}, ${rightCode})`;
}

function matchCode(node: MatchNode, context: ConditionContext): string {
  const { right } = node;
  if (right.type !== 'regex' && right.type !== 'string') {
    context.reporter.errorUnlessTold(
      'LST106',
      context.file,
      right.span,
      'the right side of `=~` must be a regular expression or a text',
    );
    return 'false';
  }
  try {
    const regex = context.regex(right.type === 'regex' ? right.source : javaText(literal(right, context)));
    const onIncomparable = context.code.constant(context.onIncomparable(context.file, node.span.start));
    const code = `matches(${operandCode(node.left, context)}, ${context.code.constant(regex)}, ${onIncomparable})`;
    return node.negated ? `!${code}` : code;
  } catch (error) {
    if (!(error instanceof InvalidRegex)) throw error;
    context.reporter.error('LST108', context.file, right.span, error.message);
    return 'false';
  }
}

function inCode(node: InNode, context: ConditionContext): string {
  const left = constantOf(node.left, context);
  const right = constantOf(node.right, context);
  if (left !== undefined && right !== undefined) return constantInConstant(left.value, right.value);
  if (right !== undefined) return fieldInConstant(operandCode(node.left, context), right.value, context);
  if (left !== undefined) return constantInField(left.value, node, context);
  const onIncomparable = context.code.constant(context.onIncomparable(context.file, node.span.start));
  return `fieldInField(${operandCode(node.left, context)}, ${operandCode(node.right, context)}, ${onIncomparable})`;
}

/** Logstash looks for a type that constants do not carry: lists never contain, texts must be equal. */
function constantInConstant(left: Value, right: Value): string {
  if (Array.isArray(left) || Array.isArray(right)) return 'false';
  return String(javaText(left) === javaText(right));
}

function fieldInConstant(field: string, constant: Value, context: ConditionContext): string {
  if (Array.isArray(constant)) {
    return `isOneOf(${field}, ${context.code.constant(new Set(constant.map(javaText)))})`;
  }
  return `isPartOf(${field}, ${context.code.text(javaText(constant))})`;
}

function constantInField(constant: Value, node: InNode, context: ConditionContext): string {
  const field = operandCode(node.right, context);
  if (typeof constant === 'string') return `containsText(${field}, ${context.code.text(constant)})`;
  if (!Array.isArray(constant)) return `containsNumber(${field}, ${constantCode(constant, context)})`;
  context.reporter.errorUnlessTold(
    'LST106',
    context.file,
    node.left.span,
    'a list cannot be looked for in a field',
    'write one `in` for each value, joined by `or`',
  );
  return 'false';
}

/** What generated conditions call. */
export const conditionHelpers = {
  isTruthy: operators.isTruthy,
  equals: operators.equals,
  compare: operators.compare,
  isPartOf: operators.isPartOf,
  isOneOf: operators.isOneOf,
  containsText: operators.containsText,
  containsNumber: operators.containsNumber,
  fieldInField: operators.fieldInField,
  matches: operators.matches,
} as const;

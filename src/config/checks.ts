import type { IToken } from 'chevrotain';
import type {
  ArrayNode,
  CallNode,
  CompareNode,
  ConditionNode,
  Config,
  HashNode,
  InNode,
  MatchNode,
  NumberNode,
  OperandNode,
  SourceFile,
  Span,
  Statement,
  ValueNode,
} from './ast.ts';
import type { Diagnostic } from './diagnostic.ts';
import { positionAt } from './position.ts';

type Node = Statement | ValueNode | ConditionNode | OperandNode;
type Finding = Pick<Diagnostic, 'code' | 'span' | 'message' | 'hint'>;

const int64Max = 2n ** 63n - 1n;

/** What parses but Logstash refuses when it compiles the tree, or cannot execute. */
export function checkSemantics(config: Config, mixed: readonly IToken[]): Diagnostic[] {
  const findings = mixed.map(mixedOperator);
  const pending: Node[] = config.sections.flatMap(({ body }) => body);
  for (let node = pending.pop(); node; node = pending.pop()) {
    findings.push(...findingsOf(node, config.file));
    pending.push(...childrenOf(node));
  }
  return findings.map((finding) => ({ ...finding, severity: 'error', file: config.file }));
}

function childrenOf(node: Node): Node[] {
  switch (node.type) {
    case 'plugin':
      return node.attributes.map(({ value }) => value);
    case 'branch':
      return [...node.arms.flatMap(({ condition, body }) => [condition, ...body]), ...(node.otherwise ?? [])];
    case 'array':
      return [...node.elements];
    case 'hash':
      return node.entries.flatMap(({ key, value }) => [key, value]);
    case 'logical':
    case 'compare':
    case 'match':
    case 'in':
      return [node.left, node.right];
    case 'not':
    case 'truthy':
      return [node.operand];
    case 'call':
      return [...node.operands];
    default:
      return [];
  }
}

function findingsOf(node: Node, file: SourceFile): Finding[] {
  switch (node.type) {
    case 'number':
      return numberFindings(node);
    case 'hash':
      return duplicateKeys(node, file);
    case 'call':
      return [methodCall(node)];
    case 'in':
      return membership(node);
    case 'compare':
      return comparison(node);
    case 'match':
      return match(node);
    default:
      return [];
  }
}

function mixedOperator({ image, startOffset }: IToken): Finding {
  return {
    code: 'LST105',
    span: { start: startOffset, end: startOffset + image.length },
    message: `Unexpected operator \`${image}\` beside other boolean operators`,
    hint: `\`${image}\` has no precedence in Logstash: put parentheses around it`,
  };
}

/** Keys are compared as they are written: `"a"` and `'a'` are two. */
function duplicateKeys({ entries, span }: HashNode, file: SourceFile): Finding[] {
  const seen = new Set<string>();
  const repeated: Span[] = [];
  for (const { key } of entries) {
    const source = textOf(file, key.span);
    if (seen.has(source)) repeated.push(key.span);
    seen.add(source);
  }
  if (repeated.length === 0) return [];
  const again = new Set(repeated.map((key) => textOf(file, key)));
  const keys = [...seen].filter((key) => again.has(key)).join(', ');
  const lines = [...new Set(repeated.map(({ start }) => positionAt(file, start).line))].join(', ');
  const { line, column, byte } = positionAt(file, span.start);
  const place = `At line: ${line}, column ${column} (byte ${byte})\nafter ${file.text.slice(0, span.start + 1)}`;
  return [
    {
      code: 'LST102',
      span: { start: span.start, end: span.start + 1 },
      message: `Duplicate keys found in your configuration: [${keys}]\n${place}`,
      hint: `again at line ${lines}`,
    },
  ];
}

/** Numbers go through Ruby's Integer() and Float(), and integers must then fit into a Java long. */
function numberFindings({ text, span }: NumberNode): Finding[] {
  const found = (message: string, hint: string): Finding[] => [{ code: 'LST103', span, message, hint }];
  if (text.endsWith('.')) {
    return found(`Invalid value for Float(): "${text}"`, `write \`${text}0\` or \`${text.slice(0, -1)}\``);
  }
  if (text.includes('.')) return [];
  if (/^-?0[0-9]*[89]/.test(text)) {
    return found(`Invalid value for Integer(): "${text}"`, 'a leading zero makes it octal: remove the zero');
  }
  return fitsLong(text) ? [] : found(`Number too large: ${text}`, 'integers must lie between -2^63 and 2^63 - 1');
}

function methodCall({ name, span }: CallNode): Finding {
  return {
    code: 'LST104',
    span,
    message: `Method calls cannot be executed: \`${name}(…)\``,
    hint:
      name === 'not'
        ? 'Logstash ignores this `not`: write `!( … )`, or `not in`'
        : 'compute it in a filter before, and test the field',
  };
}

function membership({ left, right, span }: InNode): Finding[] {
  if (left.type === 'array' && right.type === 'field') {
    const hint = 'write one `"x" in [field]` for each element, joined by `or`';
    return [{ code: 'LST106', span: left.span, message: 'A list cannot be looked for in a field', hint }];
  }
  if (left.type !== 'regex' && right.type !== 'regex') return [];
  return [{ code: 'LST106', span, message: '`in` takes no regular expression', hint: 'write `[field] =~ /…/`' }];
}

function comparison({ operator, left, right }: CompareNode): Finding[] {
  const refused = (node: OperandNode, what: string, hint: string): Finding[] => [
    { code: 'LST106', span: node.span, message: `\`${operator}\` ${what}`, hint },
  ];
  const regex = [left, right].find(({ type }) => type === 'regex');
  if (regex) return refused(regex, 'takes no regular expression', 'match with `=~` or `!~`');
  if (left.type === 'array') return refused(left, 'takes no list on its left', 'put the field on the left');
  if (right.type !== 'array' || hasScalar(right)) return [];
  return refused(right, 'cannot compare with this list', 'for one of several values write `[field] in [ … ]`');
}

function match({ left }: MatchNode): Finding[] {
  if (left.type === 'field' || left.type === 'string' || left.type === 'call') return [];
  const message = 'Only a field can be matched with a regular expression';
  return [{ code: 'LST106', span: left.span, message, hint: 'write `[field] =~ /…/`' }];
}

/** Logstash compares with the first string or number that it finds in a list. */
function hasScalar(list: ArrayNode): boolean {
  return list.elements.some(
    (element) =>
      (element.type === 'string' && element.quote !== null) ||
      element.type === 'number' ||
      (element.type === 'array' && hasScalar(element)),
  );
}

/** Ruby reads digits behind a leading zero as octal. */
function fitsLong(text: string): boolean {
  const digits = text.replace('-', '');
  const magnitude = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  return magnitude <= int64Max || (text.startsWith('-') && magnitude === int64Max + 1n);
}

const textOf = (file: SourceFile, { start, end }: Span): string => file.text.slice(start, end);

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
  Span,
  Statement,
  ValueNode,
} from './ast.ts';
import type { Diagnostic } from './diagnostic.ts';
import { positionAt } from './position.ts';

const int64Max = 2n ** 63n - 1n;

/** What parses but Logstash refuses when it compiles the tree, or fails to execute. */
export function checkSemantics(config: Config, mixed: readonly IToken[]): Diagnostic[] {
  const found: Diagnostic[] = [];
  const report = (code: Diagnostic['code'], span: Span, message: string, hint: string): void => {
    found.push({ code, severity: 'error', message, file: config.file, span, hint });
  };
  for (const { image, startOffset } of mixed) {
    report(
      'LST105',
      { start: startOffset, end: startOffset + image.length },
      `Unexpected operator \`${image}\` beside other boolean operators`,
      `\`${image}\` has no precedence in Logstash: put parentheses around it`,
    );
  }

  const statements = (body: readonly Statement[]): void => body.forEach(statement);
  function statement(node: Statement): void {
    if (node.type === 'plugin') {
      value(node);
      return;
    }
    for (const arm of node.arms) {
      condition(arm.condition);
      statements(arm.body);
    }
    if (node.otherwise) statements(node.otherwise);
  }

  function value(node: ValueNode): void {
    if (node.type === 'number') number(node);
    else if (node.type === 'array') node.elements.forEach(value);
    else if (node.type === 'plugin') for (const attribute of node.attributes) value(attribute.value);
    else if (node.type === 'hash') {
      duplicateKeys(node);
      for (const entry of node.entries) {
        if (entry.key.type === 'number') number(entry.key);
        value(entry.value);
      }
    }
  }

  function duplicateKeys(node: HashNode): void {
    const seen = new Set<string>();
    const repeated = new Map<string, Span>();
    for (const { key } of node.entries) {
      const source = config.file.text.slice(key.span.start, key.span.end);
      if (seen.has(source)) repeated.set(source, key.span);
      seen.add(source);
    }
    if (repeated.size === 0) return;
    const { line, column, byte } = positionAt(config.file, node.span.start);
    const keys = [...seen].filter((key) => repeated.has(key)).join(', ');
    const after = config.file.text.slice(0, node.span.start + 1);
    const lines = new Set([...repeated.values()].map((span) => positionAt(config.file, span.start).line));
    report(
      'LST102',
      { start: node.span.start, end: node.span.start + 1 },
      `Duplicate keys found in your configuration: [${keys}]\nAt line: ${line}, column ${column} (byte ${byte})\nafter ${after}`,
      `again at line ${[...lines].join(', ')}`,
    );
  }

  function number({ text, span }: NumberNode): void {
    if (text.endsWith('.')) {
      report('LST103', span, `Invalid value for Float(): "${text}"`, `write \`${text}0\` or \`${text.slice(0, -1)}\``);
    } else if (/^-?0[0-9]*[89]/.test(text) && !text.includes('.')) {
      report(
        'LST103',
        span,
        `Invalid value for Integer(): "${text}"`,
        'a leading zero makes it octal: remove the zero',
      );
    } else if (/^-?[0-9]+$/.test(text) && !fitsLong(text)) {
      report('LST103', span, `Number too large: ${text}`, 'integers must lie between -2^63 and 2^63 - 1');
    }
  }

  function condition(node: ConditionNode): void {
    switch (node.type) {
      case 'logical':
        condition(node.left);
        condition(node.right);
        break;
      case 'not':
        condition(node.operand);
        break;
      case 'truthy':
        operand(node.operand);
        break;
      default:
        operand(node.left);
        operand(node.right);
        if (node.type === 'in') membership(node);
        else if (node.type === 'compare') comparison(node);
        else match(node);
    }
  }

  function operand(node: OperandNode): void {
    if (node.type === 'call') call(node);
    else if (node.type === 'array' || node.type === 'number') value(node);
  }

  function call(node: CallNode): void {
    const hint =
      node.name === 'not'
        ? 'Logstash ignores this `not`: write `!( … )`, or `not in`'
        : 'compute it in a filter before, and test the field';
    report('LST104', node.span, `Method calls cannot be executed: \`${node.name}(…)\``, hint);
  }

  function membership({ left, right, span }: InNode): void {
    if (left.type === 'array' && right.type === 'field') {
      report(
        'LST106',
        left.span,
        'A list cannot be looked for in a field',
        'write one `"x" in [field]` for each element, joined by `or`',
      );
    } else if (left.type === 'regex' || right.type === 'regex') {
      report('LST106', span, '`in` does not take a regular expression', 'write `[field] =~ /…/`');
    }
  }

  function comparison({ operator, left, right }: CompareNode): void {
    for (const side of [left, right]) {
      if (side.type === 'regex') {
        report('LST106', side.span, `\`${operator}\` does not take a regular expression`, 'match with `=~` or `!~`');
      }
    }
    if (left.type === 'array') {
      report('LST106', left.span, `\`${operator}\` does not take a list on its left`, 'put the field on the left');
    } else if (right.type === 'array' && !hasScalar(right)) {
      report(
        'LST106',
        right.span,
        `\`${operator}\` cannot compare with this list`,
        'to test for one of several values write `[field] in [ … ]`',
      );
    }
  }

  function match({ left }: MatchNode): void {
    if (left.type === 'field' || left.type === 'string' || left.type === 'call') return;
    report('LST106', left.span, 'Only a field can be matched with a regular expression', 'write `[field] =~ /…/`');
  }

  for (const section of config.sections) statements(section.body);
  return found;
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

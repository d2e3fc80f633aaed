import { EmbeddedActionsParser, type IToken, type ParserMethod } from 'chevrotain';
import type {
  ArrayNode,
  AttributeNode,
  BranchArm,
  BranchNode,
  CallNode,
  CompareNode,
  ConditionNode,
  HashEntry,
  HashNode,
  NumberNode,
  OperandNode,
  PluginNode,
  Section,
  SectionKind,
  Span,
  Statement,
  StringNode,
  ValueNode,
} from './ast.ts';
import { joinConditions } from './precedence.ts';
import * as t from './tokens.ts';

/** A construct the parser was inside of when it met a fault: outermost first. */
export interface OpenNode {
  readonly kind:
    | 'section'
    | 'arm'
    | 'else'
    | 'condition'
    | 'paren'
    | 'plugin'
    | 'attribute'
    | 'entry'
    | 'array'
    | 'hash';
  /** Offset of its first character. */
  readonly start: number;
  /** Offset of its brace, bracket or parenthesis, once read; of a condition: where it begins behind its `if`. */
  bracket?: number;
}

export interface SyntaxFailure {
  /** Where the token stands that fits nowhere; the length of the text at its end. */
  readonly offset: number;
  readonly open: readonly OpenNode[];
}

export interface Parsed {
  readonly sections: readonly Section[];
  /** Boolean operators that Logstash refuses to combine. */
  readonly mixed: readonly IToken[];
  readonly failure?: SyntaxFailure;
}

/** Logstash's grammar. Builds the tree directly; stops at the first fault, the caller mends and parses again. */
class ConfigParser extends EmbeddedActionsParser {
  #text = '';
  #open: OpenNode[] = [];
  #mixed: IToken[] = [];

  constructor(skipValidations: boolean) {
    super(t.vocabulary, { maxLookahead: 2, recoveryEnabled: false, skipValidations });
    this.performSelfAnalysis();
  }

  parse(text: string, tokens: IToken[]): Parsed {
    this.#text = text;
    this.#open = [];
    this.#mixed = [];
    this.input = tokens;
    const sections = this.config() ?? [];
    const error = this.errors[0];
    if (!error) return { sections, mixed: this.#mixed };
    const offset = error.token.startOffset;
    return {
      sections,
      mixed: this.#mixed,
      failure: { offset: offset >= 0 ? offset : text.length, open: this.#open },
    };
  }

  readonly config: ParserMethod<[], Section[]> = this.RULE('config', (): Section[] => {
    const sections: Section[] = [];
    this.MANY(() => sections.push(this.SUBRULE(this.section)));
    return sections;
  });

  private readonly section: ParserMethod<[], Section> = this.RULE('section', (): Section => {
    const keyword = this.CONSUME(t.SectionKeyword);
    const node = this.#enter('section', keyword);
    node.bracket = this.CONSUME(t.OpenSection).startOffset;
    const body = this.SUBRULE(this.body);
    const close = this.CONSUME(t.CloseSection);
    this.#open.pop();
    return { kind: keyword.image as SectionKind, body, span: between(keyword, close) };
  });

  private readonly body: ParserMethod<[], Statement[]> = this.RULE('body', (): Statement[] => {
    const statements: Statement[] = [];
    this.MANY(() => {
      statements.push(this.OR([{ ALT: () => this.SUBRULE(this.branch) }, { ALT: () => this.SUBRULE(this.plugin) }]));
    });
    return statements;
  });

  private readonly branch: ParserMethod<[], BranchNode> = this.RULE('branch', (): BranchNode => {
    const first = this.CONSUME(t.If);
    const arms = [this.SUBRULE(this.arm)];
    let end = this.LA(0);
    this.MANY(() => {
      this.CONSUME(t.ElseIf);
      arms.push(this.SUBRULE2(this.arm));
      end = this.LA(0);
    });
    let otherwise: Statement[] | null = null;
    this.OPTION(() => {
      const open = this.CONSUME(t.OpenElse);
      this.#enter('else', open).bracket = endOf(open) - 1;
      otherwise = this.SUBRULE(this.body);
      end = this.CONSUME(t.CloseElse);
      this.#open.pop();
    });
    return { type: 'branch', arms, otherwise, span: between(first, end) };
  });

  private readonly arm: ParserMethod<[], BranchArm> = this.RULE('arm', (): BranchArm => {
    const keyword = this.LA(0);
    this.#enter('condition', keyword).bracket = endOf(keyword);
    const condition = this.SUBRULE(this.condition);
    const open = this.CONSUME(t.OpenArm);
    this.#open.pop();
    this.#enter('arm', keyword).bracket = open.startOffset;
    const body = this.SUBRULE(this.body);
    const close = this.CONSUME(t.CloseArm);
    this.#open.pop();
    return { condition, body, span: between(keyword, close) };
  });

  private readonly plugin: ParserMethod<[], PluginNode> = this.RULE('plugin', (): PluginNode => {
    const name = this.CONSUME(t.Label);
    const node = this.#enter('plugin', name);
    node.bracket = this.CONSUME(t.OpenBlock).startOffset;
    const attributes: AttributeNode[] = [];
    this.MANY({
      GATE: () => attributes.length === 0 || this.#whitespaceFollows(),
      DEF: () => attributes.push(this.SUBRULE(this.attribute)),
    });
    const close = this.CONSUME(t.CloseBlock);
    this.#open.pop();
    const nameQuoted = isQuoted(name);
    return {
      type: 'plugin',
      name: nameQuoted ? name.image.slice(1, -1) : name.image,
      nameSpan: spanOf(name),
      nameQuoted,
      attributes,
      span: between(name, close),
    };
  });

  private readonly attribute: ParserMethod<[], AttributeNode> = this.RULE('attribute', (): AttributeNode => {
    const name = this.CONSUME(t.Label);
    this.#enter('attribute', name);
    this.CONSUME(t.Arrow);
    const value = this.SUBRULE(this.value);
    this.#open.pop();
    return {
      name: isQuoted(name) ? name.image.slice(1, -1) : name.image,
      nameSpan: spanOf(name),
      value,
      span: this.ACTION(() => ({ start: name.startOffset, end: value.span.end })),
    };
  });

  private readonly value: ParserMethod<[], ValueNode> = this.RULE(
    'value',
    (): ValueNode =>
      this.OR([
        { GATE: () => this.LA(2).tokenType === t.OpenBlock, ALT: () => this.SUBRULE(this.plugin) },
        { ALT: () => stringNode(this.CONSUME(t.Bareword)) },
        { ALT: () => stringNode(this.CONSUME(t.StringLiteral)) },
        { ALT: () => numberNode(this.CONSUME(t.NumberLiteral)) },
        { ALT: () => this.SUBRULE(this.array) },
        { ALT: () => this.SUBRULE(this.hash) },
      ]),
  );

  private readonly array: ParserMethod<[], ArrayNode> = this.RULE('array', (): ArrayNode => {
    const open = this.CONSUME(t.OpenArray);
    this.#enter('array', open).bracket = open.startOffset;
    const elements: ValueNode[] = [];
    this.OPTION(() => {
      elements.push(this.SUBRULE(this.value));
      this.MANY(() => {
        this.CONSUME(t.Comma);
        elements.push(this.SUBRULE2(this.value));
      });
    });
    const close = this.CONSUME(t.CloseArray);
    this.#open.pop();
    return { type: 'array', elements, span: between(open, close) };
  });

  private readonly hash: ParserMethod<[], HashNode> = this.RULE('hash', (): HashNode => {
    const open = this.CONSUME(t.OpenBlock);
    this.#enter('hash', open).bracket = open.startOffset;
    const entries: HashEntry[] = [];
    this.MANY({
      GATE: () => entries.length === 0 || this.#onlyWhitespaceFollows(),
      DEF: () => entries.push(this.SUBRULE(this.entry)),
    });
    const close = this.CONSUME(t.CloseBlock);
    this.#open.pop();
    return { type: 'hash', entries, span: between(open, close) };
  });

  private readonly entry: ParserMethod<[], HashEntry> = this.RULE('entry', (): HashEntry => {
    const key = this.OR([
      { ALT: () => numberNode(this.CONSUME(t.NumberLiteral)) },
      { ALT: () => stringNode(this.CONSUME(t.Bareword)) },
      { ALT: () => stringNode(this.CONSUME(t.StringLiteral)) },
    ]);
    this.ACTION(() => this.#open.push({ kind: 'entry', start: key.span.start }));
    this.CONSUME(t.Arrow);
    const value = this.SUBRULE(this.value);
    this.ACTION(() => this.#open.pop());
    return { key, value, span: this.ACTION(() => ({ start: key.span.start, end: value.span.end })) };
  });

  private readonly condition: ParserMethod<[], ConditionNode> = this.RULE('condition', (): ConditionNode => {
    const operands = [this.SUBRULE(this.expression)];
    const operators: IToken[] = [];
    this.MANY(() => {
      operators.push(this.CONSUME(t.BooleanOperator));
      operands.push(this.SUBRULE2(this.expression));
    });
    return this.ACTION(() => joinConditions(operands, operators, this.#mixed));
  });

  private readonly expression: ParserMethod<[], ConditionNode> = this.RULE(
    'expression',
    (): ConditionNode =>
      this.OR([
        { ALT: () => this.SUBRULE(this.parenthesized) },
        { ALT: () => this.SUBRULE(this.negation) },
        { ALT: () => this.SUBRULE(this.relation) },
      ]),
  );

  private readonly parenthesized: ParserMethod<[], ConditionNode> = this.RULE('parenthesized', (): ConditionNode => {
    const open = this.CONSUME(t.OpenParen);
    this.#enter('paren', open).bracket = open.startOffset;
    const inner = this.SUBRULE(this.condition);
    this.CONSUME(t.CloseParen);
    this.#open.pop();
    return inner;
  });

  private readonly negation: ParserMethod<[], ConditionNode> = this.RULE('negation', (): ConditionNode => {
    const bang = this.CONSUME(t.Bang);
    const operand = this.OR([
      { ALT: () => this.SUBRULE(this.parenthesized) },
      { ALT: () => truthy(fieldNode(this.CONSUME(t.Selector))) },
    ]);
    return { type: 'not', operand, span: { start: bang.startOffset, end: endOf(this.LA(0)) } };
  });

  private readonly relation: ParserMethod<[], ConditionNode> = this.RULE('relation', (): ConditionNode => {
    const left = this.SUBRULE(this.operand);
    let build = (): ConditionNode => truthy(left);
    this.OPTION(() => {
      build = this.OR([
        { ALT: () => this.SUBRULE(this.membership, { ARGS: [left] }) },
        { ALT: () => this.SUBRULE(this.comparison, { ARGS: [left] }) },
        { ALT: () => this.SUBRULE(this.match, { ARGS: [left] }) },
      ]);
    });
    return this.ACTION(() => build());
  });

  private readonly membership: ParserMethod<[OperandNode], () => ConditionNode> = this.RULE(
    'membership',
    (left: OperandNode): (() => ConditionNode) => {
      let negated = false;
      this.OPTION(() => {
        this.CONSUME(t.Not);
        negated = true;
      });
      this.CONSUME(t.In);
      const right = this.SUBRULE(this.operand);
      return () => ({ type: 'in', negated, left, right, span: spanning(left, right) });
    },
  );

  private readonly comparison: ParserMethod<[OperandNode], () => ConditionNode> = this.RULE(
    'comparison',
    (left: OperandNode): (() => ConditionNode) => {
      const operator = this.CONSUME(t.CompareOperator).image as CompareNode['operator'];
      const right = this.SUBRULE(this.operand);
      return () => ({ type: 'compare', operator, left, right, span: spanning(left, right) });
    },
  );

  private readonly match: ParserMethod<[OperandNode], () => ConditionNode> = this.RULE(
    'match',
    (left: OperandNode): (() => ConditionNode) => {
      const negated = this.CONSUME(t.MatchOperator).image === '!~';
      const right = this.OR([
        { ALT: () => stringNode(this.CONSUME(t.StringLiteral)) },
        { ALT: () => regexNode(this.CONSUME(t.Regex)) },
      ]);
      return () => ({ type: 'match', negated, left, right, span: spanning(left, right) });
    },
  );

  private readonly operand: ParserMethod<[], OperandNode> = this.RULE(
    'operand',
    (): OperandNode =>
      this.OR([
        { ALT: () => stringNode(this.CONSUME(t.StringLiteral)) },
        { ALT: () => numberNode(this.CONSUME(t.NumberLiteral)) },
        { ALT: () => fieldNode(this.CONSUME(t.Selector)) },
        { ALT: () => this.SUBRULE(this.array) },
        { ALT: () => this.SUBRULE(this.call) },
        { ALT: () => regexNode(this.CONSUME(t.Regex)) },
      ]),
  );

  private readonly call: ParserMethod<[], CallNode> = this.RULE('call', (): CallNode => {
    const name = this.CONSUME(t.Method);
    const open = this.CONSUME(t.OpenParen);
    this.#enter('paren', open).bracket = open.startOffset;
    const operands: OperandNode[] = [];
    this.OPTION(() => {
      operands.push(this.SUBRULE(this.operand));
      this.MANY(() => {
        this.CONSUME(t.Comma);
        operands.push(this.SUBRULE2(this.operand));
      });
    });
    const close = this.CONSUME(t.CloseParen);
    this.#open.pop();
    return { type: 'call', name: name.image, operands, span: between(name, close) };
  });

  #enter(kind: OpenNode['kind'], token: IToken): OpenNode {
    const node: OpenNode = { kind, start: token.startOffset };
    this.#open.push(node);
    return node;
  }

  /** Options need whitespace between them; a comment alone does not part them. */
  #whitespaceFollows(): boolean {
    return /[ \t\r\n]/.test(this.#text[endOf(this.LA(0))] ?? '');
  }

  /** Entries of a hash are parted by whitespace; here Logstash's grammar has no room for a comment. */
  #onlyWhitespaceFollows(): boolean {
    return /^[ \t\r\n]+$/.test(this.#text.slice(endOf(this.LA(0)), this.LA(1).startOffset));
  }
}

export type { ConfigParser };

export function createParser(skipValidations = true): ConfigParser {
  return new ConfigParser(skipValidations);
}

const endOf = (token: IToken): number => token.startOffset + token.image.length;
const spanOf = (token: IToken): Span => ({ start: token.startOffset, end: endOf(token) });
const between = (first: IToken, last: IToken): Span => ({ start: first.startOffset, end: endOf(last) });
const spanning = (left: { span: Span }, right: { span: Span }): Span => ({
  start: left.span.start,
  end: right.span.end,
});
const isQuoted = (token: IToken): boolean => token.image[0] === '"' || token.image[0] === "'";
const truthy = (operand: OperandNode): ConditionNode => ({ type: 'truthy', operand, span: operand.span });

function stringNode(token: IToken): StringNode {
  const quote = token.image[0];
  const quoted = quote === '"' || quote === "'";
  return {
    type: 'string',
    value: quoted ? token.image.slice(1, -1) : token.image,
    quote: quoted ? quote : null,
    span: spanOf(token),
  };
}

function numberNode(token: IToken): NumberNode {
  return { type: 'number', text: token.image, span: spanOf(token) };
}

function fieldNode(token: IToken): OperandNode {
  return { type: 'field', text: token.image, span: spanOf(token) };
}

function regexNode(token: IToken): OperandNode {
  return { type: 'regex', source: token.image.slice(1, -1).replaceAll('\\/', '/'), span: spanOf(token) };
}

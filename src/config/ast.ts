/**
 * The syntax tree of one configuration file. Every node carries the span of source text it came from, so that any later
 * stage can report a fault with its place. Texts are as written: escapes are not processed and `${VAR}` is not expanded.
 */

/** Half-open range of UTF-16 offsets into `SourceFile.text`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface SourceFile {
  /** As shown to the user; `config string` for `-e`. */
  readonly path: string;
  readonly text: string;
}

export type SectionKind = 'input' | 'filter' | 'output';

export interface Config {
  readonly file: SourceFile;
  readonly sections: readonly Section[];
}

export interface Section {
  readonly kind: SectionKind;
  readonly body: readonly Statement[];
  readonly span: Span;
}

export type Statement = PluginNode | BranchNode;

/** A plugin block, as a statement or nested as an option's value (`codec => json { }`). */
export interface PluginNode {
  readonly type: 'plugin';
  readonly name: string;
  readonly nameSpan: Span;
  /** A quoted plugin name parses, but no plugin has quotes in its name. */
  readonly nameQuoted: boolean;
  readonly attributes: readonly AttributeNode[];
  readonly span: Span;
}

export interface AttributeNode {
  readonly name: string;
  readonly nameSpan: Span;
  readonly value: ValueNode;
  readonly span: Span;
}

export type ValueNode = StringNode | NumberNode | ArrayNode | HashNode | PluginNode;

export interface StringNode {
  readonly type: 'string';
  readonly value: string;
  /** `null` for a bareword. */
  readonly quote: '"' | "'" | null;
  readonly span: Span;
}

export interface NumberNode {
  readonly type: 'number';
  /** As written, for example `007`, `-1.50`. */
  readonly text: string;
  readonly span: Span;
}

export interface ArrayNode {
  readonly type: 'array';
  readonly elements: readonly ValueNode[];
  readonly span: Span;
}

export interface HashNode {
  readonly type: 'hash';
  readonly entries: readonly HashEntry[];
  readonly span: Span;
}

export interface HashEntry {
  readonly key: StringNode | NumberNode;
  readonly value: ValueNode;
  readonly span: Span;
}

export interface BranchNode {
  readonly type: 'branch';
  /** The `if` and every `else if`, in order. */
  readonly arms: readonly BranchArm[];
  readonly otherwise: readonly Statement[] | null;
  readonly span: Span;
}

export interface BranchArm {
  readonly condition: ConditionNode;
  readonly body: readonly Statement[];
  readonly span: Span;
}

export type ConditionNode = LogicalNode | NotNode | CompareNode | MatchNode | InNode | TruthyNode;

export interface LogicalNode {
  readonly type: 'logical';
  readonly operator: 'and' | 'or' | 'xor' | 'nand';
  readonly left: ConditionNode;
  readonly right: ConditionNode;
  readonly span: Span;
}

export interface NotNode {
  readonly type: 'not';
  readonly operand: ConditionNode;
  readonly span: Span;
}

export interface CompareNode {
  readonly type: 'compare';
  readonly operator: '==' | '!=' | '<' | '<=' | '>' | '>=';
  readonly left: OperandNode;
  readonly right: OperandNode;
  readonly span: Span;
}

export interface MatchNode {
  readonly type: 'match';
  readonly negated: boolean;
  readonly left: OperandNode;
  readonly right: OperandNode;
  readonly span: Span;
}

export interface InNode {
  readonly type: 'in';
  readonly negated: boolean;
  readonly left: OperandNode;
  readonly right: OperandNode;
  readonly span: Span;
}

/** A bare operand as a condition. */
export interface TruthyNode {
  readonly type: 'truthy';
  readonly operand: OperandNode;
  readonly span: Span;
}

export type OperandNode = StringNode | NumberNode | ArrayNode | FieldNode | RegexNode | CallNode;

/** A field selector such as `[a][b]`; `text` is a field reference as written. */
export interface FieldNode {
  readonly type: 'field';
  readonly text: string;
  readonly span: Span;
}

export interface RegexNode {
  readonly type: 'regex';
  /** Between the slashes, with `\/` already turned into `/`. */
  readonly source: string;
  readonly span: Span;
}

/** A method call: part of the grammar, but nothing can execute it. */
export interface CallNode {
  readonly type: 'call';
  readonly name: string;
  readonly operands: readonly OperandNode[];
  readonly span: Span;
}

import { type CustomPatternMatcherFunc, createToken, type IToken, Lexer, type TokenType } from 'chevrotain';

/**
 * The language has no tokens of its own: what a character means depends on where it stands. `[a b]` is a field only in a
 * condition, `/x/` a regular expression only there, `1abc` a plugin's name, `if` a keyword or a plugin's name. The lexer
 * therefore keeps a stack of modes: top level, bodies, conditions, and attributes (plugin options, hashes, arrays).
 */

/** Whitespace and comments, as `cs` in Logstash's grammar. */
const gap = String.raw`(?:[ \t\r\n]|#[^\r\n]*\r?\n)*`;
/** A name such as `if5and6`, which Logstash reads as a condition on numbers rather than as a plugin's name. */
const glued = `-?[0-9]+(?:(?:and|or|xor|nand|in)-?[0-9]+)*(?![A-Za-z0-9_-])`;
const firstOption = String.raw`${gap}\{${gap}(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')${gap}=>`;

const ifPattern = new RegExp(String.raw`if(?!${glued}${firstOption})(?:(?=${glued})|(?![A-Za-z0-9_-]*${gap}\{))`, 'y');
const elseIfPattern = new RegExp(`else${gap}if`, 'y');
const elseIfName = new RegExp(String.raw`elseif(?!${glued})[A-Za-z0-9_-]*${gap}\{`, 'y');
const openElsePattern = new RegExp(String.raw`else(?!${firstOption})${gap}\{`, 'y');

/** Matches everywhere in its mode. */
function sticky(pattern: RegExp): CustomPatternMatcherFunc {
  return (text, offset) => exec(pattern, text, offset);
}

function exec(pattern: RegExp, text: string, offset: number): RegExpExecArray | null {
  pattern.lastIndex = offset;
  return pattern.exec(text);
}

/** Strings and regular expressions end at the first delimiter without a backslash directly before it. */
function delimited(open: string, closed: boolean): CustomPatternMatcherFunc {
  return (text, offset) => {
    if (text[offset] !== open) return null;
    const end = closingDelimiter(text, offset);
    if (closed) return end < 0 ? null : [text.slice(offset, end + 1)];
    return end < 0 ? [text.slice(offset)] : null;
  };
}

/** Index of the delimiter that closes the literal opened at `offset`, or -1. */
export function closingDelimiter(text: string, offset: number): number {
  const delimiter = text[offset] as string;
  let at = text.indexOf(delimiter, offset + 1);
  while (at > 0 && text[at - 1] === '\\') at = text.indexOf(delimiter, at + 1);
  return at;
}

const whitespace = createToken({ name: 'Whitespace', pattern: /[ \t\r\n]+/, group: Lexer.SKIPPED });
/** Logstash requires the newline; a last comment without one is accepted here. */
const comment = createToken({ name: 'Comment', pattern: /#[^\r\n]*\r?(?:\n|(?![\s\S]))/, group: Lexer.SKIPPED });
/** Any character that nothing else takes, so that the parser and not the lexer meets the fault. */
export const Junk = createToken({ name: 'Junk', pattern: /[\s\S]/ });

export const SectionKeyword = createToken({ name: 'SectionKeyword', pattern: /input|filter|output/ });
export const OpenSection = createToken({ name: 'OpenSection', pattern: /\{/, push_mode: 'sectionBody' });

export const If = createToken({ name: 'If', pattern: sticky(ifPattern), line_breaks: false, push_mode: 'condition' });
export const ElseIf = createToken({
  name: 'ElseIf',
  pattern: (text, offset, matched) =>
    closesArm(matched) && !exec(elseIfName, text, offset) ? exec(elseIfPattern, text, offset) : null,
  line_breaks: true,
  push_mode: 'condition',
});
export const OpenElse = createToken({
  name: 'OpenElse',
  pattern: (text, offset, matched) => (closesArm(matched) ? exec(openElsePattern, text, offset) : null),
  line_breaks: true,
  push_mode: 'elseBody',
});

export const OpenArm = createToken({ name: 'OpenArm', pattern: /\{/, pop_mode: true, push_mode: 'armBody' });
export const CloseSection = createToken({ name: 'CloseSection', pattern: /\}/, pop_mode: true });
/** End of an `if` or `else if` body: only here may an `else` follow; elsewhere `else` is a plugin's name. */
export const CloseArm = createToken({ name: 'CloseArm', pattern: /\}/, pop_mode: true });
export const CloseElse = createToken({ name: 'CloseElse', pattern: /\}/, pop_mode: true });

/** What may name a plugin or an option. */
export const Label = createToken({ name: 'Label', pattern: Lexer.NA });
export const Name = createToken({ name: 'Name', pattern: /[A-Za-z0-9_-]+/, categories: [Label] });
export const StringLiteral = createToken({ name: 'StringLiteral', pattern: Lexer.NA, categories: [Label] });
const doubleQuoted = createToken({
  name: 'DoubleQuoted',
  pattern: delimited('"', true),
  categories: [StringLiteral],
  line_breaks: true,
  start_chars_hint: ['"'],
});
const singleQuoted = createToken({
  name: 'SingleQuoted',
  pattern: delimited("'", true),
  categories: [StringLiteral],
  line_breaks: true,
  start_chars_hint: ["'"],
});
/** A literal that runs to the end of the text; nothing accepts it. */
export const Unclosed = createToken({ name: 'Unclosed', pattern: Lexer.NA });
const unclosedDouble = unclosed('UnclosedDouble', '"');
const unclosedSingle = unclosed('UnclosedSingle', "'");
const unclosedRegex = unclosed('UnclosedRegex', '/', true);

export const OpenBlock = createToken({ name: 'OpenBlock', pattern: /\{/, push_mode: 'attributes' });
export const CloseBlock = createToken({ name: 'CloseBlock', pattern: /\}/, pop_mode: true });
export const OpenArray = createToken({ name: 'OpenArray', pattern: /\[/, push_mode: 'attributes' });
export const CloseArray = createToken({ name: 'CloseArray', pattern: /\]/, pop_mode: true });
export const Comma = createToken({ name: 'Comma', pattern: /,/ });
export const Arrow = createToken({ name: 'Arrow', pattern: /=>/ });

export const NumberLiteral = createToken({ name: 'NumberLiteral', pattern: Lexer.NA });
const decimal = createToken({ name: 'Decimal', pattern: /-?[0-9]+\.[0-9]*/, categories: [NumberLiteral] });
const integer = createToken({
  name: 'Integer',
  pattern: /-?[0-9]+(?![A-Za-z0-9_-])/,
  categories: [NumberLiteral, Name],
});
/** At least two characters: a single letter is no bareword in Logstash. */
export const Bareword = createToken({
  name: 'Bareword',
  pattern: /[A-Za-z_][A-Za-z0-9_]+(?![A-Za-z0-9_-])/,
  categories: [Name],
});

export const OpenParen = createToken({ name: 'OpenParen', pattern: /\(/ });
export const CloseParen = createToken({ name: 'CloseParen', pattern: /\)/ });
export const In = createToken({ name: 'In', pattern: operator(/in/y), line_breaks: false });
export const Not = createToken({ name: 'Not', pattern: operator(/not /y), line_breaks: false });
export const CompareOperator = createToken({
  name: 'CompareOperator',
  pattern: operator(/==|!=|<=|>=|<|>/y),
  line_breaks: false,
});
export const MatchOperator = createToken({ name: 'MatchOperator', pattern: operator(/=~|!~/y), line_breaks: false });
export const BooleanOperator = createToken({
  name: 'BooleanOperator',
  pattern: operator(/and|or|xor|nand/y),
  line_breaks: false,
});
export const Bang = createToken({ name: 'Bang', pattern: operand(/!/y), line_breaks: false });
export const Method = createToken({ name: 'Method', pattern: operand(/[A-Za-z_][A-Za-z0-9_]+/y), line_breaks: false });
export const Selector = createToken({
  name: 'Selector',
  pattern: operand(/(?:\[[^\][,]+\])+/y),
  line_breaks: true,
});
const closedRegex = delimited('/', true);
export const Regex = createToken({
  name: 'Regex',
  pattern: (text, offset, matched, groups) =>
    expectsOperand(matched) ? closedRegex(text, offset, matched, groups) : null,
  line_breaks: true,
});
const conditionNumber = createToken({
  name: 'ConditionNumber',
  pattern: /-?[0-9]+(?:\.[0-9]*)?/,
  categories: [NumberLiteral],
});

const operandFollows = new Set<TokenType>([
  If,
  ElseIf,
  OpenParen,
  Comma,
  Bang,
  In,
  CompareOperator,
  MatchOperator,
  BooleanOperator,
]);

const blanks = [whitespace, comment];
const strings = [doubleQuoted, singleQuoted, unclosedDouble, unclosedSingle];
const body = (close: TokenType): TokenType[] => [
  ...blanks,
  ElseIf,
  OpenElse,
  If,
  Name,
  ...strings,
  OpenBlock,
  close,
  Junk,
];

const modes = {
  top: [...blanks, SectionKeyword, OpenSection, Junk],
  sectionBody: body(CloseSection),
  armBody: body(CloseArm),
  elseBody: body(CloseElse),
  attributes: [
    ...blanks,
    Arrow,
    decimal,
    integer,
    Bareword,
    Name,
    ...strings,
    OpenBlock,
    CloseBlock,
    OpenArray,
    CloseArray,
    Comma,
    Junk,
  ],
  condition: [
    ...blanks,
    OpenParen,
    CloseParen,
    Comma,
    In,
    Not,
    CompareOperator,
    MatchOperator,
    BooleanOperator,
    Bang,
    ...strings,
    conditionNumber,
    Selector,
    OpenArray,
    Method,
    Regex,
    unclosedRegex,
    OpenArm,
    Junk,
  ],
};

export const vocabulary: TokenType[] = [
  ...new Set([...Object.values(modes).flat(), Label, StringLiteral, NumberLiteral, Unclosed]),
];

/** Chevrotain's own checks of the definitions cost start-up time; a test runs them. */
export function createLexer(skipValidations = true): Lexer {
  return new Lexer({ modes, defaultMode: 'top' }, { positionTracking: 'onlyOffset', skipValidations, safeMode: true });
}

const opening = new Set<TokenType>([OpenSection, OpenElse, OpenArm, OpenBlock, OpenArray, OpenParen]);
const closing = new Set<TokenType>([CloseSection, CloseElse, CloseArm, CloseBlock, CloseArray, CloseParen]);

export interface Limits {
  readonly depth: number;
  readonly operators: number;
}

/** The first bracket that nests too deep, or the first operator too many of one condition. */
export function beyondLimits(
  tokens: readonly IToken[],
  limits: Limits,
): { readonly offset: number; readonly limit: keyof Limits } | undefined {
  let depth = 0;
  let operators = 0;
  for (const { tokenType, startOffset } of tokens) {
    if (closing.has(tokenType)) depth--;
    else if (opening.has(tokenType) && ++depth > limits.depth) return { offset: startOffset, limit: 'depth' };
    else if (tokenType === If || tokenType === ElseIf) operators = 0;
    else if (tokenType === BooleanOperator && ++operators > limits.operators) {
      return { offset: startOffset, limit: 'operators' };
    }
  }
  return undefined;
}

function unclosed(name: string, open: string, inCondition = false): TokenType {
  const pattern = delimited(open, false);
  return createToken({
    name,
    pattern: (text, offset, matched, groups) =>
      inCondition && !expectsOperand(matched) ? null : pattern(text, offset, matched, groups),
    categories: [Unclosed],
    line_breaks: true,
    start_chars_hint: [open],
  });
}

function closesArm(matched: readonly IToken[]): boolean {
  return matched.at(-1)?.tokenType === CloseArm;
}

function expectsOperand(matched: readonly IToken[]): boolean {
  const last = matched.at(-1);
  return last !== undefined && operandFollows.has(last.tokenType);
}

/** Words and signs that mean something only where an operand may stand. */
function operand(pattern: RegExp): CustomPatternMatcherFunc {
  return (text, offset, matched) => (expectsOperand(matched) ? exec(pattern, text, offset) : null);
}

function operator(pattern: RegExp): CustomPatternMatcherFunc {
  return (text, offset, matched) => (expectsOperand(matched) ? null : exec(pattern, text, offset));
}

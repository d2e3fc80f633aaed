import * as peg from './peg.ts';

/**
 * Logstash's words for a syntax fault: `Expected one of … at line …`. Its parser (Treetop) tries alternatives letter by
 * letter and reports the farthest place reached with all that it tried there; no token-based parser comes to the same
 * place and list. So the same alternatives in the same order stand here, and run only over texts that have a fault.
 */
export interface Expectation {
  /** Offset where the farthest attempt failed. */
  readonly offset: number;
  /** Offset behind the sections that did parse: Logstash's excerpt "after …" begins here. */
  readonly parsedTo: number;
  /** Spelled as in Logstash's grammar, in the order tried. */
  readonly expected: readonly string[];
  /** Whether Logstash would accept the whole text. */
  readonly accepted: boolean;
}

/** Null when the text nests too deep to tell. */
export function expectationsOf(text: string): Expectation | null {
  const trace = peg.newTrace(text);
  try {
    const parsedTo = config(trace, 0);
    return {
      offset: trace.farthest,
      parsedTo,
      expected: [...new Set(trace.expected)],
      accepted: parsedTo === text.length,
    };
  } catch (error) {
    if (error instanceof peg.TooDeep) return null;
    throw error;
  }
}

const { anyCharacter, choice, literal, many, oneOf, oneOrMore, optional, rule, sequence, unless } = peg;

const word = (text: string): peg.Expression => literal(text, `"${text}"`);

const whitespace = rule(() => oneOrMore(oneOf('[ \\t\\r\\n]')));
const comment = rule(() =>
  oneOrMore(
    sequence(
      optional(whitespace),
      word('#'),
      many(oneOf('[^\\r\\n]')),
      optional(literal('\r', '"\\r"')),
      literal('\n', '"\\n"'),
    ),
  ),
);
const cs = rule(() => many(choice(comment, whitespace)));

const doubleQuoted = rule(() =>
  sequence(
    literal('"', `'"'`),
    many(choice(literal('\\"', `'\\"'`), sequence(unless(literal('"', `'"'`)), anyCharacter))),
    literal('"', `'"'`),
  ),
);
const singleQuoted = rule(() =>
  sequence(
    literal("'", `"'"`),
    many(choice(literal("\\'", `"\\\\'"`), sequence(unless(literal("'", `"'"`)), anyCharacter))),
    literal("'", `"'"`),
  ),
);
const string = rule(() => choice(doubleQuoted, singleQuoted));
const regexp = rule(() =>
  sequence(
    literal('/', `'/'`),
    many(choice(literal('\\/', `'\\/'`), sequence(unless(literal('/', `'/'`)), anyCharacter))),
    literal('/', `'/'`),
  ),
);
const bareword = rule(() => sequence(oneOf('[A-Za-z_]'), oneOrMore(oneOf('[A-Za-z0-9_]'))));
const number = rule(() =>
  sequence(optional(word('-')), oneOrMore(oneOf('[0-9]')), optional(sequence(word('.'), many(oneOf('[0-9]'))))),
);
const name = rule(() => choice(oneOrMore(oneOf('[A-Za-z0-9_-]')), string));

const value: peg.Expression = rule(() => choice(plugin, bareword, string, number, array, hash));
const array = rule(() =>
  sequence(word('['), cs, optional(sequence(value, many(sequence(cs, word(','), cs, value)))), cs, word(']')),
);
const hashEntry = rule(() => sequence(choice(number, bareword, string), cs, word('=>'), cs, value));
const hashEntries = rule(() => sequence(hashEntry, many(sequence(whitespace, hashEntry))));
const hash = rule(() => sequence(word('{'), cs, optional(hashEntries), cs, word('}')));
const attribute = rule(() => sequence(name, cs, word('=>'), cs, value));
const plugin: peg.Expression = rule(() =>
  sequence(
    name,
    cs,
    word('{'),
    cs,
    optional(sequence(attribute, many(sequence(whitespace, cs, attribute)))),
    cs,
    word('}'),
  ),
);

const selector = rule(() => oneOrMore(selectorElement));
const selectorElement = rule(() => sequence(word('['), oneOrMore(oneOf('[^\\]\\[,]')), word(']')));
const methodCall: peg.Expression = rule(() =>
  sequence(
    rule(() => bareword),
    cs,
    word('('),
    cs,
    optional(sequence(operand, many(sequence(cs, word(','), cs, operand)))),
    cs,
    word(')'),
  ),
);
const operand: peg.Expression = rule(() => choice(string, number, selector, array, methodCall, regexp));
const compareOperator = rule(() => choice(...['==', '!=', '<=', '>=', '<', '>'].map(word)));
const matchOperator = rule(() => choice(word('=~'), word('!~')));
const booleanOperator = rule(() => choice(...['and', 'or', 'xor', 'nand'].map(word)));
const inExpression = rule(() => sequence(operand, cs, word('in'), cs, operand));
const notInExpression = rule(() => sequence(operand, cs, word('not '), cs, word('in'), cs, operand));
const compareExpression = rule(() => sequence(operand, cs, compareOperator, cs, operand));
const matchExpression = rule(() => sequence(operand, cs, matchOperator, cs, choice(string, regexp)));
const negativeExpression = rule(() =>
  choice(sequence(word('!'), cs, word('('), cs, condition, cs, word(')')), sequence(word('!'), cs, selector)),
);
const expression = rule(() =>
  choice(
    sequence(word('('), cs, condition, cs, word(')')),
    negativeExpression,
    inExpression,
    notInExpression,
    compareExpression,
    matchExpression,
    operand,
  ),
);
const condition: peg.Expression = rule(() => sequence(expression, many(sequence(cs, booleanOperator, cs, expression))));

const block = (): peg.Expression => sequence(word('{'), cs, many(sequence(branchOrPlugin, cs)), word('}'));
const ifArm = rule(() => sequence(word('if'), cs, condition, cs, block()));
const elseIfArm = rule(() => sequence(word('else'), cs, word('if'), cs, condition, cs, block()));
const elseArm = rule(() => sequence(word('else'), cs, block()));
const branch = rule(() => sequence(ifArm, many(sequence(cs, elseIfArm)), optional(sequence(cs, elseArm))));
const branchOrPlugin: peg.Expression = rule(() => choice(branch, plugin));
const section = rule(() => sequence(choice(word('input'), word('filter'), word('output')), cs, block()));
const config = rule(() => sequence(many(sequence(cs, section)), cs));

import type { FaultPlace } from './faultPlace.ts';

type Slip = readonly [pattern: RegExp, hint: string];

/** Signs and words of other languages, by the text that begins at the fault. */
const foreignOperators: readonly Slip[] = [
  [/^&&?/, 'write `and`'],
  [/^\|\|?/, 'write `or`'],
  [/^=[^=~]/, 'write `==` to compare'],
  [/^not\s(?!\s*in\b)/, '`not` goes with `in` only: write `!( … )`'],
  [/^(?:not\b|NOT\b)/, 'write `not in`, on one line and in lower case'],
  [/^(?:AND|And)\b/, 'write `and`'],
  [/^(?:OR|Or)\b/, 'write `or`'],
  [/^(?:IN|In)\b/, 'write `in`'],
  [
    /^(?:is|isnt|eq|ne|equals|contains|like|matches)\b/i,
    'the operators are ==, !=, <, <=, >, >=, =~, !~, `in` and `not in`',
  ],
  [/^[-+*/%?]/, 'conditions know no arithmetic: compute it in a filter before'],
];

const bareWords: Readonly<Record<string, string>> = {
  true: '`true` alone is no value: test `[field]`, or compare with "true"',
  false: '`false` alone is no value: test `![field]`, or compare with "false"',
  null: '`null` is no value: `![field]` is true for a missing one',
  nil: '`nil` is no value: `![field]` is true for a missing one',
  not: 'negation is written `!`: `!([a] == "x")`, `![a]`',
};

/** What was meant at a fault between `if` and its brace. */
export function conditionHint(place: FaultPlace): string | undefined {
  const { text, offset, expected, failure } = place;
  const rest = text.slice(offset, offset + 80);
  if (text[offset - 1] === '/' && /^[a-z]+\s/.test(rest)) return 'there are no flags: write `/(?i)…/`';
  if (negatesComparison(place)) return '`!` takes a field or a parenthesis: `!([a] == "x")`, or use `!=`';
  if (text.startsWith('!!', failure.offset - 1)) return '`!` takes a field or a parenthesis';
  return (
    misspeltOperator(rest, text.slice(Math.max(0, offset - 2), offset)) ??
    bareWord(place) ??
    fieldHint(place) ??
    bracketHint(rest, expected) ??
    operatorHint(rest, expected)
  );
}

function misspeltOperator(rest: string, before: string): string | undefined {
  if (before === '==' && rest.startsWith('=')) return 'write `==`';
  if (before === '!=' && rest.startsWith('~')) return 'write `!~`';
  if (before.endsWith('<') && rest.startsWith('>')) return 'write `!=`';
  return undefined;
}

function negatesComparison({ text, expected, failure }: FaultPlace): boolean {
  const negated = /!\s*(?:\[[^\][,]+\])+\s*$/.test(text.slice(0, failure.offset));
  return negated && /^(?:[=!<>]|in\b|not\b)/.test(text.slice(failure.offset)) && !expected.includes('"=="');
}

/** A word where a field, a string or a number belongs: Logstash takes it for the name of a method. */
function bareWord({ text, offset, expected }: FaultPlace): string | undefined {
  const asMethod = expected.includes('"("') && !expected.includes('"!"');
  const single = expected.length === 1 && expected[0] === '[A-Za-z0-9_]';
  if (!asMethod && !single) return undefined;
  const [before, word] = /([A-Za-z_][A-Za-z0-9_]*)\s*$/.exec(text.slice(0, offset)) ?? [];
  if (!word) return undefined;
  const more = before === word ? (/^[A-Za-z0-9_.@-]+/.exec(text.slice(offset))?.[0] ?? '') : '';
  return bareWords[word] ?? `a field is written \`[${word}${more}]\`, a text "${word}${more}"`;
}

function fieldHint({ text, offset, expected, failure }: FaultPlace): string | undefined {
  const inArray = failure.open.at(-1)?.kind === 'array';
  if (expected.length === 1 && expected[0] === '[^\\]\\[,]') return 'a field needs a name between its brackets';
  if (inArray && expected.includes('[^\\]\\[,]') && text[offset] === ',') {
    return 'a field name cannot contain a comma; in a list, texts need quotes';
  }
  if (inArray && /\[\[[A-Za-z0-9_@.-]*$/.test(text.slice(0, offset))) return 'a nested field is written `[a][b]`';
  if (text[offset] === ']' && /,\s*$/.test(text.slice(0, offset))) return 'no comma after the last element';
  return undefined;
}

function bracketHint(rest: string, expected: readonly string[]): string | undefined {
  if (/^[A-Za-z0-9_-]+\s*\{/.test(rest) && expected.includes('"{"')) return '`{` is missing after the condition';
  if (rest.startsWith(')')) return expected.includes('"{"') ? 'one `)` too many' : 'a value is missing before `)`';
  if (rest.startsWith('{') && expected.includes('")"')) return '`)` is missing before `{`';
  if (rest.startsWith('{')) return 'the condition lacks a value before `{`';
  return undefined;
}

function operatorHint(rest: string, expected: readonly string[]): string | undefined {
  const takesOperator = expected.includes('"and"');
  const foreign = takesOperator ? foreignOperators.find(([pattern]) => pattern.test(rest)) : undefined;
  if (foreign) return foreign[1];
  if (!takesOperator && expected.includes(`'/'`) && !expected.includes('[0-9]')) {
    return 'the right side of `=~` and `!~` is a string or a regular expression: `/…/`';
  }
  if (!takesOperator && expected.includes(`'/'`)) return 'a field in brackets, a string or a number belongs here';
  if (!takesOperator) return undefined;
  return expected.includes('"=="') ? 'an operator or `{` belongs here' : '`and`, `or` or `{` belongs here';
}

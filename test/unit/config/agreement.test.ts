import { expect, test } from 'vitest';
import { expectationsOf } from '../../../src/config/expectations.ts';
import { createParser } from '../../../src/config/grammar.ts';
import { createLexer } from '../../../src/config/tokens.ts';
import { parse, seed } from './support.ts';

/**
 * Two descriptions of one language stand in the code: the grammar that builds the tree, and Logstash's own alternatives
 * that word its messages. On thousands of damaged texts they must agree on what parses.
 */
const bases = [
  seed,
  'filter { if [a] == "x" and [b] not in ["y", 5] or !([c] =~ /d\\/e/) { m { t => { "k" => [1.5, aa] } } } else { } }\n',
  'input { a { codec => json { x => "y" } } } # c\noutput { if "x" in [t] { b { } } else if [z] { c-d { } } }\n',
  "filter { 'q' { \"o\" => 'v' } if5 { } if { } elseif { } if [a]{}elseif[b]{} else { } else { } }\n",
];
const pieces = [
  ...['if', 'else', 'else if', 'elseif', 'elsif', '{', '}', '[', ']', '(', ')', ',', '=>', '"', "'", '/', '\\', '#'],
  ...['#x\n', ' ', '\n', 'in', 'not in', 'not ', 'and', 'or', 'xor', '==', '!=', '=~', '!~', '!', '5', '-5', '1.5'],
  ...['1.', 'a', 'ab', 'x-y', '[a]', '[a][b]', '[a,b]', '/x/', '"s"', 'input', 'filter {', 'output {', '.', '\u00a0'],
];

function damagedTexts(count: number): string[] {
  let state = 20201022;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return Array.from({ length: count }, () => {
    let text = bases[random(bases.length)] as string;
    for (let slips = 1 + random(3); slips > 0; slips--) {
      const at = random(text.length + 1);
      const removed = random(3) === 0 ? 1 + random(4) : 0;
      text = text.slice(0, at) + (removed ? '' : pieces[random(pieces.length)]) + text.slice(at + removed);
    }
    return `${text}\n`;
  });
}

test('the grammar and the expectations agree on what parses', { timeout: 60_000 }, () => {
  const lexer = createLexer();
  const parser = createParser();
  let parsed = 0;
  for (const text of damagedTexts(4000)) {
    const expectation = expectationsOf(text);
    const { failure } = parser.parse(text, lexer.tokenize(text).tokens);
    expect(failure === undefined, text).toBe(expectation?.accepted);
    if (failure) expect(failure.offset, text).toBeLessThanOrEqual(expectation?.offset ?? -1);
    else parsed++;
  }
  expect(parsed).toBeGreaterThan(200);
});

test('whatever the text, parsing ends, and the place is the one that Logstash reports', { timeout: 60_000 }, () => {
  for (const text of damagedTexts(1000)) {
    const expectation = expectationsOf(text);
    const syntax = parse(text).diagnostics.filter(({ code }) => code === 'LST101');
    expect(syntax.length > 0, text).toBe(!expectation?.accepted);
    if (syntax.length > 0) expect(syntax.map(({ span }) => span.start)).toContain(expectation?.offset);
  }
});

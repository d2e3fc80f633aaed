/**
 * The few pieces of a parsing expression grammar, matching and remembering failures as Treetop does (Logstash's parser):
 * of all terminals that failed, those at the farthest place make the error message, in the order in which they were tried.
 */

export interface Trace {
  readonly text: string;
  /** Farthest offset at which a terminal failed. */
  farthest: number;
  /** What was expected there. */
  expected: string[];
  readonly memo: Map<Expression, Map<number, number>>;
  depth: number;
}

/** Returns the offset behind the match, or -1. */
export type Expression = (trace: Trace, at: number) => number;

/** Thrown instead of a stack overflow. */
export class TooDeep extends Error {}

const depthMax = 2000;

export function newTrace(text: string): Trace {
  return { text, farthest: 0, expected: [], memo: new Map(), depth: 0 };
}

/** A literal; `label` is its spelling in Logstash's grammar. */
export function literal(word: string, label: string): Expression {
  return (trace, at) => (trace.text.startsWith(word, at) ? at + word.length : fail(trace, at, label));
}

/** One character out of a class, labelled as written. */
export function oneOf(label: string): Expression {
  const pattern = new RegExp(label);
  return (trace, at) =>
    at < trace.text.length && pattern.test(trace.text[at] as string) ? at + 1 : fail(trace, at, label);
}

export const anyCharacter: Expression = (trace, at) =>
  at < trace.text.length ? at + 1 : fail(trace, at, 'any character');

export function sequence(...parts: Expression[]): Expression {
  return (trace, at) => {
    let end = at;
    for (const part of parts) {
      end = part(trace, end);
      if (end < 0) return -1;
    }
    return end;
  };
}

export function choice(...options: Expression[]): Expression {
  return (trace, at) => {
    for (const option of options) {
      const end = option(trace, at);
      if (end >= 0) return end;
    }
    return -1;
  };
}

export function optional(part: Expression): Expression {
  return (trace, at) => Math.max(at, part(trace, at));
}

export function many(part: Expression): Expression {
  return (trace, at) => {
    let end = at;
    for (let next = part(trace, end); next > end; next = part(trace, end)) end = next;
    return end;
  };
}

export function oneOrMore(part: Expression): Expression {
  const rest = many(part);
  return (trace, at) => {
    const first = part(trace, at);
    return first < 0 ? -1 : rest(trace, first);
  };
}

/** Negative lookahead. As in Treetop it takes back the last failure noted, whichever that is. */
export function unless(part: Expression): Expression {
  return (trace, at) => {
    if (part(trace, at) >= 0) return -1;
    trace.expected.pop();
    return at;
  };
}

/** A named rule: tried once per place. Takes a function so that rules may refer to later ones. */
export function rule(definition: () => Expression): Expression {
  let body: Expression | undefined;
  const self: Expression = (trace, at) => {
    const known = memoOf(trace, self);
    const before = known.get(at);
    if (before !== undefined) return before;
    body ??= definition();
    if (++trace.depth > depthMax) throw new TooDeep();
    const end = body(trace, at);
    trace.depth--;
    known.set(at, end);
    return end;
  };
  return self;
}

function memoOf(trace: Trace, key: Expression): Map<number, number> {
  const known = trace.memo.get(key) ?? new Map<number, number>();
  trace.memo.set(key, known);
  return known;
}

function fail(trace: Trace, at: number, label: string): number {
  if (at < trace.farthest) return -1;
  if (at > trace.farthest) trace.expected = [];
  trace.farthest = at;
  trace.expected.push(label);
  return -1;
}

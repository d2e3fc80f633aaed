import type { Event } from '../../../event/event.ts';
import { compileTemplate, type Template } from '../../../event/template.ts';
import type { RegexCompiler } from '../../../util/rubyRegex.ts';

export type Substitution = (text: string, event: Event) => string;

/** One `field, pattern, replacement` of gsub. A pattern with `%{` is compiled per event, any other now. */
export function compileSubstitution(pattern: string, replacement: string, compile: RegexCompiler): Substitution {
  const needle = patternFor(pattern, compile);
  const template = compileTemplate(replacement);
  if (template.isConstant) {
    const expand = compileReplacement(replacement);
    return (text, event) => text.replace(needle(event), expand);
  }
  return (text, event) => text.replace(needle(event), compileReplacement(template.apply(event)));
}

function patternFor(pattern: string, compile: RegexCompiler): (event: Event) => RegExp {
  if (!pattern.includes('%{')) {
    const regex = compile(pattern, { global: true });
    return () => regex;
  }
  const template: Template = compileTemplate(pattern);
  return (event) => compile(template.apply(event), { global: true });
}

/** As `String.prototype.replace` calls it: match, groups, offset, whole text, named groups. */
type Replacer = (match: string, ...rest: unknown[]) => string;

interface MatchParts {
  readonly match: string;
  readonly groups: readonly (string | undefined)[];
  readonly named: Readonly<Record<string, string | undefined>>;
  readonly before: string;
  readonly after: string;
}

/** Ruby's references: `\0 \& \1 \k<name>`, pre-match, post-match and `\\`. A `$1` is plain text. */
function compileReplacement(replacement: string): Replacer {
  if (!replacement.includes('\\')) return () => replacement;
  const expand = (parts: MatchParts) =>
    replacement.replace(/\\(?:k<([^>]*)>|([0-9&`'\\]))/g, (_whole, name?: string, letter?: string) =>
      name === undefined ? reference(letter as string, parts) : (parts.named[name] ?? ''),
    );
  return (match, ...rest) => expand(matchParts(match, rest));
}

function matchParts(match: string, rest: readonly unknown[]): MatchParts {
  const last = rest.at(-1);
  const named = typeof last === 'object' && last !== null ? (last as MatchParts['named']) : undefined;
  const tail = named === undefined ? 2 : 3;
  const offset = rest.at(-tail) as number;
  const text = rest.at(1 - tail) as string;
  return {
    match,
    groups: rest.slice(0, -tail) as (string | undefined)[],
    named: named ?? {},
    before: text.slice(0, offset),
    after: text.slice(offset + match.length),
  };
}

function reference(letter: string, parts: MatchParts): string {
  if (letter === '\\') return '\\';
  if (letter === '&' || letter === '0') return parts.match;
  if (letter === '`') return parts.before;
  if (letter === "'") return parts.after;
  return parts.groups[Number(letter) - 1] ?? '';
}

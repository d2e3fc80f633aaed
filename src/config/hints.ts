import { closest } from '../util/closest.ts';
import { conditionHint } from './conditionHints.ts';
import type { FaultPlace } from './faultPlace.ts';
import type { OpenNode } from './grammar.ts';
import { pluginInside, sectionInside } from './mend.ts';
import { valueHint } from './valueHints.ts';

/** What a writer most probably meant at a syntax fault, and the place that explains it where that is another one. */
export interface Hint {
  readonly hint?: string;
  readonly related?: { readonly offset: number; readonly note: string };
}

export function hintFor(place: FaultPlace): Hint {
  const unclosed = unclosedHint(place) ?? runawayString(place);
  if (unclosed) return unclosed;
  const hint = characterHint(place) ?? topLevelHint(place) ?? structureHint(place);
  return hint ? { hint } : {};
}

function structureHint(place: FaultPlace): string | undefined {
  const { open } = place.failure;
  if (open.length === 0) return undefined;
  if (open.some(({ kind }) => kind === 'condition')) return conditionHint(place);
  return headerHint(place) ?? valueHint(place);
}

const oddCharacters: Readonly<Record<string, string>> = {
  '\uFEFF': 'a byte order mark, which is invisible: save the file as UTF-8 without BOM',
  '\u00A0': 'a non-breaking space, which looks like a space: replace it by an ordinary one',
  '\u200B': 'a zero-width space, which is invisible: remove it',
  '\u3000': 'an ideographic space: replace it by an ordinary one',
  '\f': 'a form feed: replace it by a newline',
  '“': 'a typographic quote: use the plain "',
  '”': 'a typographic quote: use the plain "',
  '„': 'a typographic quote: use the plain "',
  '‘': "a typographic quote: use the plain '",
  '’': "a typographic quote: use the plain '",
  ';': 'nothing ends in a semicolon here: remove it',
};

function characterHint({ text, offset, failure }: FaultPlace): string | undefined {
  if (/^(?:\/[/*]|--\s)/.test(text.slice(offset, offset + 3))) return 'comments begin with `#`';
  return oddCharacters[text[offset] ?? ''] ?? oddCharacters[text[failure.offset] ?? ''];
}

/** Strings, regular expressions, fields and braces that are still open where the text ends or the next section begins. */
function unclosedHint(place: FaultPlace): Hint | undefined {
  const { text, offset, expected, failure } = place;
  const literal = unclosedLiteral(place);
  if (literal) return { hint: literal, related: { offset: failure.offset, note: 'opened here' } };
  const section = sectionInside(text, failure);
  const next = section ?? pluginInside(text, failure);
  const last = failure.open.at(-1);
  if (!next && last?.kind === 'array' && /^(?:[A-Za-z0-9_-]+\s*=>|\})/.test(text.slice(offset, offset + 80))) {
    return missing(text, last.bracket, wordAt(text, offset));
  }
  if (!next && (offset < text.length || expected.includes('"\\n"'))) return undefined;
  const outside = next ? failure.open.slice(0, failure.open.indexOf(next)) : failure.open;
  const innermost = outside.findLast(({ kind, bracket }) => bracket !== undefined && kind !== 'condition');
  const guess = next && !section ? undefined : misindented(place, next?.start ?? offset);
  return missing(text, guess ?? innermost?.bracket, next && wordAt(text, next.start));
}

function missing(text: string, bracket: number | undefined, before: string | undefined): Hint | undefined {
  if (bracket === undefined) return undefined;
  const closer = { '{': '}', '[': ']', '(': ')' }[text[bracket] as string];
  return {
    hint: `\`${closer}\` is missing${before ? ` before \`${before}\`` : ''}`,
    related: { offset: bracket, note: 'opened here and, as it seems, never closed' },
  };
}

/** A string that swallowed a line end, so that the quote that closes it was meant to open the next. */
function runawayString({ text, offset }: FaultPlace): Hint | undefined {
  const quote = text[offset - 1];
  if ((quote !== '"' && quote !== "'") || /[\s,;}\])]/.test(text[offset] ?? ' ')) return undefined;
  const start = text.lastIndexOf(quote, offset - 2);
  if (start < 0 || !text.slice(start, offset).includes('\n')) return undefined;
  return {
    hint: `the string that ends here began at line ${text.slice(0, start).split('\n').length}: is a quote missing there?`,
    related: { offset: start, note: 'opened here' },
  };
}

function unclosedLiteral({ text, offset, expected, failure }: FaultPlace): string | undefined {
  const opener = text[failure.offset] ?? '';
  if (offset < text.length) return undefined;
  if (opener === '[' && expected.includes('[^\\]\\[,]')) return 'the field is never closed: `]` is missing';
  if (!expected.includes('any character')) return undefined;
  if (opener === '/') return 'the regular expression is never closed: `/` is missing';
  if (opener !== '"' && opener !== "'") return undefined;
  const line = text.slice(failure.offset + 1).split('\n', 1)[0] ?? '';
  const escaped = line.includes(`\\${opener}`) ? '; a backslash before a quote keeps the string open' : '';
  return `the string is never closed: \`${opener}\` is missing${escaped}`;
}

/** The brace whose partner stands further left than the line that opened it: where one was forgotten in between. */
function misindented({ text, original, failure }: FaultPlace, offset: number): number | undefined {
  const section = failure.open[0];
  if (!section) return undefined;
  const pieces = /#[^\n]*|"(?:\\"|[^"\n])*"|'(?:\\'|[^'\n])*'|[{}]/g;
  pieces.lastIndex = section.start;
  const stack: number[] = [];
  for (let piece = pieces.exec(text); piece && piece.index < offset; piece = pieces.exec(text)) {
    if (piece[0] === '{') stack.push(piece.index);
    if (piece[0] !== '}') continue;
    const opener = stack.pop();
    if (original[piece.index] !== '}') continue;
    const closes = text.slice(text.lastIndexOf('\n', piece.index) + 1, piece.index);
    if (opener !== undefined && closes.trim() === '' && closes.length < indentOf(text, opener)) return opener;
  }
  return undefined;
}

function indentOf(text: string, offset: number): number {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset))?.[0].length ?? 0;
}

function topLevelHint({ text, failure, offset }: FaultPlace): string | undefined {
  const section = failure.open[0];
  if (section) return section.bracket === undefined ? sectionHint(text, section, failure.offset) : undefined;
  if (text[offset] === '}') return 'one `}` too many: everything before it is closed already';
  const near = closest(wordAt(text, offset), ['input', 'filter', 'output']);
  if (near) return `did you mean \`${near}\`?`;
  return text.slice(0, offset).trimEnd().endsWith('}')
    ? 'plugins stand inside `input { }`, `filter { }` or `output { }`: is there a `}` too many above?'
    : 'a configuration consists of `input { }`, `filter { }` and `output { }`';
}

function sectionHint(text: string, section: OpenNode, offset: number): string {
  const keyword = /input|filter|output/.exec(text.slice(section.start, offset))?.[0] ?? '';
  if (keyword !== wordAt(text, section.start)) return `did you mean \`${keyword}\`?`;
  return /[:=]/.test(text[offset] ?? '')
    ? `a section is written \`${keyword} { … }\``
    : `\`{\` is missing after \`${keyword}\``;
}

const wrongConditions: Readonly<Record<string, string>> = {
  elsif: 'write `else if`',
  elif: 'write `else if`',
  elseif: 'write `else if`',
  else: 'an `else` takes no condition: write `else if`',
  unless: 'there is no `unless`: write `if !( … )`',
  switch: 'there is no `switch`: write `if … else if …`',
  case: 'there is no `case`: write `if … else if …`',
  when: 'there is no `when`: write `if … else if …`',
};

/** Between a plugin's name and its brace, or between plugins. */
function headerHint({ text, failure }: FaultPlace): string | undefined {
  const { open, offset } = failure;
  const last = open.at(-1);
  const char = text[offset];
  if (last && last.kind !== 'plugin' && ['section', 'arm', 'else'].includes(last.kind)) {
    if (char === ',') return 'plugins are separated by whitespace, not by commas';
    if (char === '{') return 'a plugin name is missing before `{`';
    return undefined;
  }
  if (last?.kind !== 'plugin' || last.bracket !== undefined) return undefined;
  const name = text.slice(last.start, offset).trimEnd();
  if (name === 'else' && text.startsWith('if', offset)) {
    return '`else if` must follow the `}` of its `if`: is a `}` missing before it?';
  }
  const wrong = wrongConditions[name.toLowerCase()];
  if (wrong) return wrong;
  if (/^if$/i.test(name)) return '`if` is written in lower case';
  if (text.startsWith('=>', offset)) return `no \`=>\` between a plugin's name and its \`{\``;
  if (open.length > 2 && open.some(({ kind }) => kind === 'attribute'))
    return `a value such as \`${name}\` needs quotes: "${name}"`;
  return `\`{\` is missing after the plugin's name \`${name}\`; a plugin without options is written \`${name} { }\``;
}

const wordAt = (text: string, offset: number): string =>
  /^[A-Za-z0-9_-]*/.exec(text.slice(offset, offset + 80))?.[0] ?? '';

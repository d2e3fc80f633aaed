import type { FaultPlace } from './faultPlace.ts';
import type { OpenNode } from './grammar.ts';

/** What was meant at a fault inside a plugin's braces. */
export function valueHint(place: FaultPlace): string | undefined {
  const { text, offset, expected, failure } = place;
  const last = failure.open.at(-1);
  if (expected.includes('"=>"')) return arrowHint(place, last);
  return (
    quoteHint(text, offset) ??
    commaHint(text, offset, last) ??
    unquotedHint(place) ??
    partingHint(text, offset, expected, last)
  );
}

function arrowHint({ text, offset }: FaultPlace, last: OpenNode | undefined): string {
  const inHash = last?.kind === 'entry' || last?.kind === 'hash';
  const pair = inHash ? 'the key and its value' : "the option's name and its value";
  const char = text[offset] ?? '';
  const glued = /[A-Za-z0-9_-]/.test(text[offset - 1] ?? '');
  if (/[=:-]/.test(char)) return `\`=>\` belongs between ${pair}, not \`${/^[=:>-]+/.exec(text.slice(offset))?.[0]}\``;
  if (glued && /[^\s,{}]/.test(char))
    return 'a name with other characters than letters, digits, `_` and `-` needs quotes';
  return `\`=>\` is missing between ${pair}`;
}

function quoteHint(text: string, offset: number): string | undefined {
  const before = text[offset - 1];
  if (text[offset] === '+' && /["']\s*$/.test(text.slice(0, offset)))
    return 'texts are not joined by `+`: write one string';
  if ((before !== '"' && before !== "'") || !/[^\s,;}\])]/.test(text[offset] ?? ' ')) return undefined;
  return /^[A-Za-z_]\w*\s*=>/.test(text.slice(offset))
    ? 'whitespace is missing before the next option'
    : `the string ended at the quote before; a \`\\${before}\` does not end one, and inside use the other kind of quotes`;
}

function commaHint(text: string, offset: number, last: OpenNode | undefined): string | undefined {
  const char = text[offset];
  if (char === ']' && /,\s*$/.test(text.slice(0, offset))) return 'no comma after the last element';
  if (char !== ',') return undefined;
  if (last?.kind === 'array') return 'an element is missing before the comma';
  return last?.kind === 'hash' ? 'no commas between the entries of a hash' : 'no commas between options';
}

/** Words that are no barewords: with dots, dashes, of one letter, in other alphabets. */
function unquotedHint({ text, offset, expected }: FaultPlace): string | undefined {
  const wantsValue = expected.includes('"["') && expected.includes('"{"');
  const wantsKey = expected.includes('[0-9]') && expected.includes('"}"');
  const rest = text.slice(offset);
  if (wantsValue && /^[})]/.test(rest)) return 'a value is missing after `=>`';
  if (wantsKey && rest.startsWith('[')) return 'a key such as `[a]` needs quotes: "[a]"';
  const behind = /^[^\s{}[\],;"'=]+/.exec(rest)?.[0] ?? '';
  if (wantsValue || wantsKey) return needsQuotes(behind);
  const [before = '', word = ''] = /([A-Za-z0-9_.+-]+)\s*$/.exec(text.slice(0, offset)) ?? [];
  if (before === word && behind) return needsQuotes(word + behind);
  return expected.length <= 3 ? needsQuotes(word) : undefined;
}

function needsQuotes(word: string): string | undefined {
  return word ? `a text such as \`${word}\` needs quotes: "${word}"` : undefined;
}

function partingHint(
  text: string,
  offset: number,
  expected: readonly string[],
  last: OpenNode | undefined,
): string | undefined {
  const char = text[offset] ?? '';
  if (last?.kind === 'array' && expected.includes('","')) return 'elements of an array are separated by commas';
  if (last?.kind === 'hash' && /#[^\n]*\s*$/.test(text.slice(0, offset)))
    return 'a comment cannot stand between the entries of a hash';
  if (expected.includes('"}"') && /["'A-Za-z]/.test(char)) {
    return `whitespace is missing between two ${last?.kind === 'hash' ? 'entries' : 'options'}`;
  }
  return undefined;
}

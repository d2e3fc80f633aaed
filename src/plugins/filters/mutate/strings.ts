/** Ruby's string methods where JavaScript's differ. */

/** JavaScript writes a sigma at the end of a word in its final form; Ruby does not. */
export function downcase(text: string): string {
  return text.includes('Σ') ? [...text].map((c) => c.toLowerCase()).join('') : text.toLowerCase();
}

export function upcase(text: string): string {
  return text.toUpperCase();
}

/** Letters that have a title case of their own, by their upper and lower forms. */
const TITLE_CASE: Readonly<Record<string, string>> = {
  Ǆ: 'ǅ',
  ǆ: 'ǅ',
  Ǉ: 'ǈ',
  ǉ: 'ǈ',
  Ǌ: 'ǋ',
  ǌ: 'ǋ',
  Ǳ: 'ǲ',
  ǳ: 'ǲ',
};

/** The first character in title case, the rest in lower case: `ß` becomes `Ss`. */
export function capitalize(text: string): string {
  const [first = ''] = text;
  const [head = '', ...tail] = TITLE_CASE[first] ?? first.toUpperCase();
  return head + downcase(tail.join('') + text.slice(first.length));
}

/** Trailing NUL bytes go too, leading ones stay. */
export function strip(text: string): string {
  return text.replace(/^[\t\n\v\f\r ]+/, '').replace(/[\t\n\v\f\r \0]+$/, '');
}

/** Drops empty parts at the end; one space as separator means runs of any white space. */
export function split(text: string, separator: string): string[] {
  const parts =
    separator === ' ' ? text.replace(/^[\t\n\v\f\r \0]+/, '').split(/[\t\n\v\f\r \0]+/) : text.split(separator);
  let end = parts.length;
  while (end > 0 && parts[end - 1] === '') end--;
  return parts.slice(0, end);
}

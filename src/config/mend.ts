import { closest } from '../util/closest.ts';
import type { OpenNode, SyntaxFailure } from './grammar.ts';

/**
 * Recovery after a fault: the smallest piece that holds it (a condition, a plugin, a stray character) is overwritten in
 * place with something harmless, so that all other offsets stay true and the text can be parsed again for its next fault.
 */
export interface Mended {
  readonly text: string;
  /** No fault before this offset is a new one. */
  readonly settledTo: number;
  /** The mending guessed at the braces: an unclosed one found later is the same fault. */
  readonly guessed?: true;
}

const sectionKeywords = ['input', 'filter', 'output'];
const sectionHeader = /^[ \t]*(?:input|filter|output)[ \t\r]*(?:\{|#|$)/gm;
const conditionWord = /(?:else?[ _]?if|else|elif|unless|if|switch|when|case)(?![A-Za-z0-9_-])/iy;

export function mend(text: string, failure: SyntaxFailure): Mended {
  const { open, offset } = failure;
  const condition = open.find(({ kind }) => kind === 'condition');
  const plugin = open.find(({ kind }) => kind === 'plugin');
  const section = open[0];
  if (offset >= text.length) return closeAll(text, open, condition ?? plugin);
  if (section?.bracket === undefined) return mendTopLevel(text, section, offset);
  if (condition) return mendCondition(text, condition, failure);
  if (plugin) return mendPlugin(text, plugin, failure);
  return erase(text, offset, offset + lengthOf(/[^\s{}"'#]+|["'][^\n]*|[\s\S]/y, text, offset));
}

/** Gives up what is left of this section; for faults that mending did not move. */
export function skipSection(text: string, failure: SyntaxFailure, from: number): Mended {
  const start = failure.open[0]?.start ?? failure.offset;
  return erase(text, start, nextSection(text, Math.max(from, failure.offset)));
}

/** The plugin that is really the next section: `output {` inside `filter`, which lacks a brace. */
export function sectionInside(text: string, { open }: SyntaxFailure): OpenNode | undefined {
  const plugin = open.find(({ kind }) => kind === 'plugin');
  if (!plugin || !startsLine(text, plugin.start)) return undefined;
  return sectionKeywords.includes(text.slice(plugin.start, plugin.bracket).trimEnd()) ? plugin : undefined;
}

/** Whether a fault stands so near behind a mended one, on its line and before the next brace, that it is hardly another. */
export function followsOn(text: string, settledTo: number, offset: number): boolean {
  return settledTo > 0 && offset < text.length && !/[\n{]/.test(text.slice(settledTo, offset));
}

/** Whether a fault can come from braces only, so that it repeats an earlier one after a guess. */
export function isBraceFault(text: string, failure: SyntaxFailure): boolean {
  const { open, offset } = failure;
  return (
    offset >= text.length || (open.length === 0 && text[offset] === '}') || sectionInside(text, failure) !== undefined
  );
}

/** The option that is really the next plugin or condition: the plugin before it lacks a brace. */
export function pluginInside(text: string, { open, offset }: SyntaxFailure): OpenNode | undefined {
  const last = open.at(-1);
  if (last?.kind !== 'attribute' || !startsLine(text, last.start)) return undefined;
  const name = text.slice(last.start, offset).trimEnd();
  if (name === 'if' || /^(?:if|else if)[[("]/.test(text.slice(last.start, offset + 1))) return last;
  return lengthOf(/\{\s*(?:[A-Za-z_][A-Za-z0-9_]*\s*=>|\}|if\b)/y, text, offset) > 0 ? last : undefined;
}

function mendTopLevel(text: string, section: OpenNode | undefined, offset: number): Mended {
  if (section) {
    const glued = lengthOf(/[A-Za-z0-9_-]+(?=\s*\{)/y, text, offset);
    if (glued > 0 && /[a-z]/.test(text[offset - 1] ?? '')) return erase(text, offset, offset + glued);
    return eraseBlock(text, section.start, []);
  }
  if (text[offset] === '}') return erase(text, offset, offset + 1);
  const word = text.slice(offset, offset + lengthOf(/[A-Za-z0-9_-]+(?=\s*\{)/y, text, offset));
  const keyword = word && closest(word, sectionKeywords);
  const room = word.length + lengthOf(/[ \t]*/y, text, offset + word.length);
  if (keyword && keyword.length <= room) return overwrite(text, offset, offset + room, keyword);
  const closing = text.slice(0, offset).trimEnd().length - 1;
  if (!keyword && text[closing] === '}' && blockEnd(text, offset, true).surplus) {
    return { ...erase(text, closing, closing + 1), settledTo: offset, guessed: true };
  }
  return word ? eraseBlock(text, offset, []) : erase(text, offset, nextSection(text, offset));
}

function mendCondition(text: string, condition: OpenNode, { open, offset }: SyntaxFailure): Mended {
  const start = condition.bracket as number;
  const missingBrace = offset > start + 1 && lengthOf(/[A-Za-z0-9_-]+\s*\{/y, text, offset) > 0;
  if (missingBrace && /\s/.test(text[offset - 1] as string)) {
    const mended = overwrite(text, start, offset, `1${' '.repeat(offset - start - 2)}{`);
    return { ...mended, guessed: true };
  }
  const brace = headerBrace(text, start);
  return brace < 0 ? eraseBlock(text, condition.start, open) : overwrite(text, start, brace, '1');
}

function mendPlugin(text: string, plugin: OpenNode, failure: SyntaxFailure): Mended {
  const { open, offset } = failure;
  const outside = open.slice(0, open.indexOf(plugin));
  if (sectionInside(text, failure)) return closeBefore(text, plugin.start, outside);
  const next = pluginInside(text, failure);
  if (next) return closeBefore(text, next.start, [plugin]);
  const brace = headerBrace(text, plugin.start);
  const isCondition = lengthOf(conditionWord, text, plugin.start) > 0;
  if (isCondition && brace - plugin.start >= 3) {
    return { ...overwrite(text, plugin.start, brace, 'if1'), guessed: true };
  }
  if (plugin.bracket === undefined && brace < 0) {
    const optionsFollow = lengthOf(/[A-Za-z0-9_-]+\s*=>/y, text, offset) > 0 && /\s/.test(text[offset - 1] as string);
    if (optionsFollow) return { ...overwrite(text, offset - 1, offset, '{'), guessed: true };
    const sameLine = !text.slice(plugin.start, offset).includes('\n');
    return erase(text, plugin.start, sameLine ? offset + lengthOf(/[^}\n#]*/y, text, offset) : offset);
  }
  return eraseBlock(text, plugin.start, outside);
}

/** Erases a statement with its block; where the block never closes, also closes the bodies around it. */
function eraseBlock(text: string, start: number, outside: readonly OpenNode[]): Mended {
  const { end, closed } = blockEnd(text, start, false);
  if (closed) return erase(text, start, end);
  const closers = '}'.repeat(outside.filter(isBody).length);
  const from = Math.max(start, end - closers.length);
  return {
    text: `${blank(text, start, from)}${closers.slice(0, end - from)}${text.slice(end)}`,
    settledTo: end,
    guessed: true,
  };
}

/** The text ended inside something: drops the unfinished statement and closes the bodies around it. */
function closeAll(text: string, open: readonly OpenNode[], unfinished: OpenNode | undefined): Mended {
  const kept = unfinished ? blank(text, unfinished.start, text.length) : text;
  return { text: kept + '}'.repeat(open.filter(isBody).length), settledTo: text.length };
}

/** Writes the missing braces into the blanks before `offset`; without room for them the section is given up. */
function closeBefore(text: string, offset: number, unclosed: readonly OpenNode[]): Mended {
  const count = unclosed.length;
  const room = offset - text.slice(0, offset).trimEnd().length;
  const section = unclosed[0];
  if (room < count && section) return { ...erase(text, section.start, offset), guessed: true };
  return { text: text.slice(0, offset - count) + '}'.repeat(count) + text.slice(offset), settledTo: offset };
}

/** Offset of the `{` that ends a condition or a name: on its line, or first on the next; -1 when there is none. */
function headerBrace(text: string, start: number): number {
  const pieces = /"(?:\\"|[^"\n])*"|'(?:\\'|[^'\n])*'|~\s*\/(?:\\\/|[^/\n])*\/|(?:#[^\n]*)?\n(?!\s*\{)|#[^\n]*|[{}]/g;
  pieces.lastIndex = start;
  for (let piece = pieces.exec(text); piece; piece = pieces.exec(text)) {
    if (piece[0] === '{') return piece.index;
    if (piece[0] === '}' || piece[0].includes('\n')) return -1;
  }
  return -1;
}

/** End of the block that begins at or behind `start`. Strings count as such only within a line, for a quote may be lost. */
function blockEnd(text: string, start: number, inside: boolean): { end: number; closed: boolean; surplus?: true } {
  const stop = nextSection(text, start + 1);
  const pieces = /#[^\n]*|"(?:\\"|[^"\n])*"|'(?:\\'|[^'\n])*'|[{}]/g;
  pieces.lastIndex = start;
  let depth = 0;
  for (let piece = pieces.exec(text); piece && piece.index < stop; piece = pieces.exec(text)) {
    if (piece[0] === '{') depth++;
    if (piece[0] !== '}') continue;
    depth--;
    if (depth < 0) return { end: piece.index, closed: true, surplus: true };
    if (depth === 0 && !inside) return { end: piece.index + 1, closed: true };
  }
  return { end: stop, closed: false };
}

function nextSection(text: string, from: number): number {
  sectionHeader.lastIndex = from;
  let found = sectionHeader.exec(text);
  if (found?.index === from && !startsLine(text, from)) found = sectionHeader.exec(text);
  return found?.index ?? text.length;
}

const isBody = ({ kind, bracket }: OpenNode): boolean =>
  bracket !== undefined && (kind === 'section' || kind === 'arm' || kind === 'else');

function startsLine(text: string, offset: number): boolean {
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset).trim() === '';
}

function erase(text: string, start: number, end: number): Mended {
  const mended = { text: blank(text, start, end) + text.slice(end), settledTo: end };
  const erased = text.slice(start, end);
  return erased.split('{').length === erased.split('}').length ? mended : { ...mended, guessed: true };
}

function overwrite(text: string, start: number, end: number, replacement: string): Mended {
  return { text: text.slice(0, start) + replacement.padEnd(end - start) + text.slice(end), settledTo: end };
}

/** The text up to `end` with blanks from `start`. */
function blank(text: string, start: number, end: number): string {
  return text.slice(0, start) + text.slice(start, end).replace(/[^\n]/g, ' ');
}

/** Length of a sticky pattern's match. */
function lengthOf(pattern: RegExp, text: string, offset: number): number {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0].length ?? 0;
}

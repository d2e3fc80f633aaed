import type { SourceFile, Span } from './ast.ts';
import type { Diagnostic } from './diagnostic.ts';
import { positionAt } from './position.ts';
import { maskSecrets } from './secrets.ts';

/** Characters of a source line that are shown; longer ones are cut around the caret. */
const widthMax = 110;
const excerptMax = 60;
const linesBefore = 2;
const linesAfter = 1;

/** All diagnostics as text for a terminal: place, severity and message, the lines around it, and a caret with the hint. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], { color }: { color: boolean }): string {
  const blocks: string[] = [];
  let shown: { file: SourceFile; first: number; last: number } | undefined;
  for (const diagnostic of diagnostics) {
    const { file, span, hint } = diagnostic;
    const { line } = positionAt(file, span.start);
    const inView = shown?.file === file && line >= shown.first && line <= shown.last;
    blocks.push(heading(diagnostic, color));
    if (inView && !hint) continue;
    blocks.push(...excerpt(diagnostic, line, color));
    shown = { file, first: line - linesBefore, last: line + linesAfter };
  }
  return blocks.join('\n');
}

/** The last line of a refused start: `3 errors in 2 of 3 files. Nothing was started.` */
export function summarize(diagnostics: readonly Diagnostic[], fileCount: number): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const warnings = diagnostics.length - errors;
  if (diagnostics.length === 0) return 'No faults found.';
  const counts = [errors > 0 ? counted(errors, 'error') : '', warnings > 0 ? counted(warnings, 'warning') : ''];
  const files = new Set(diagnostics.map(({ file }) => file.path)).size;
  const where = fileCount === 1 ? '1 file' : `${files} of ${fileCount} files`;
  return `${counts.filter(Boolean).join(' and ')} in ${where}.${errors > 0 ? ' Nothing was started.' : ''}`;
}

/** A message on one line: of Logstash's excerpt `after …` only the end, without secrets. */
export function shortMessage(message: string): string {
  const [phrase, place] = /^Expected [\s\S]* at line \d+, column \d+ \(byte \d+\)(?= after )/.exec(message) ?? [];
  if (phrase === undefined || place !== undefined) return maskSecrets(message.split('\n', 1)[0] ?? '');
  const after =
    maskSecrets(message.slice(phrase.length + ' after '.length))
      .split('\n')
      .at(-1)
      ?.trimStart() ?? '';
  if (after === '') return phrase;
  return `${phrase} after ${after.length > excerptMax ? `…${after.slice(-excerptMax)}` : after}`;
}

function heading({ file, span, severity, code, message }: Diagnostic, color: boolean): string {
  const { line, column } = positionAt(file, span.start);
  return `${file.path}:${line}:${column}  ${tinted(severity, severity, color)} ${code}  ${shortMessage(message)}`;
}

function excerpt(diagnostic: Diagnostic, line: number, color: boolean): string[] {
  const { file, span, hint, related, severity } = diagnostic;
  // As a whole: the name of a secret may stand on another line than its value.
  const lines = maskSecrets(file.text).split('\n');
  const first = Math.max(1, line - linesBefore);
  const last = Math.min(lines.length, line + linesAfter);
  const relatedLine = related ? positionAt(file, related.span.start).line : line;
  const rows: string[] = [];
  const show = (number: number): void => {
    const caretAt = number === line ? span : number === relatedLine && related ? related.span : undefined;
    const [text, caret] = cut(file, number, lines[number - 1] ?? '', caretAt);
    rows.push(`${String(number).padStart(5)} | ${text}`.trimEnd());
    const note = number === line ? hint : related?.note;
    if (caret) rows.push(`      | ${tinted(caret.trimStart() ? caret : '', severity, color)}${note ? ` ${note}` : ''}`);
  };
  if (related && (relatedLine < first || relatedLine > last)) {
    show(relatedLine);
    if (relatedLine < first - 1) rows.push('      …');
  }
  for (let number = first; number <= last; number++) {
    if (number === lines.length && number !== line && lines[number - 1] === '') continue;
    show(number);
  }
  return rows;
}

/** The part of a line that is shown, and the row of carets under it. */
function cut(file: SourceFile, number: number, source: string, span: Span | undefined): [string, string | undefined] {
  const line = readable(source.replace(/\r$/, ''));
  if (!span) return [line.length > widthMax ? `${line.slice(0, widthMax)}…` : line, undefined];
  const column = span.start - lineStart(file.text, number);
  const carets = Math.max(1, Math.min(span.end - span.start, line.length - column));
  const from = line.length > widthMax ? Math.max(0, column - widthMax / 2) : 0;
  const text = `${from > 0 ? '…' : ''}${line.slice(from, from + widthMax)}${line.length > from + widthMax ? '…' : ''}`;
  const indent = blankLike(`${from > 0 ? '…' : ''}${line.slice(from, column)}`);
  return [text, indent + '^'.repeat(Math.min(carets, widthMax / 2))];
}

function lineStart(text: string, number: number): number {
  let start = 0;
  for (let line = 1; line < number; line++) start = text.indexOf('\n', start) + 1;
  return start;
}

/** Blanks as wide as the text: tabs stay, Chinese, Japanese and Korean characters take two columns. */
function blankLike(text: string): string {
  return text
    .replace(/[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6]/g, '  ')
    .replace(/[^\t ]/g, ' ');
}

/** What a terminal would not show, or would obey. */
function readable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000B-\u001F\u007F-\u00A0\u200B-\u200F\u202A-\u202E\u2066-\u2069\uFEFF]/g, '·');
}

function tinted(text: string, severity: Diagnostic['severity'], color: boolean): string {
  return color ? `\u001B[${severity === 'error' ? 31 : 33}m${text}\u001B[0m` : text;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

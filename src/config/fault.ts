import type { SourceFile } from './ast.ts';
import type { Diagnostic } from './diagnostic.ts';
import { expectationsOf } from './expectations.ts';
import type { SyntaxFailure } from './grammar.ts';
import { hintFor } from './hints.ts';
import { positionAt } from './position.ts';
import type { Limits } from './tokens.ts';

/** The diagnostic of a syntax fault, in Logstash's words. `text` is the file's, with earlier faults mended in place. */
export function describeFault(file: SourceFile, text: string, failure: SyntaxFailure): Diagnostic {
  const expectation = expectationsOf(text);
  const usable = expectation && !expectation.accepted;
  const offset = Math.min(usable ? expectation.offset : failure.offset, file.text.length);
  const expected = usable ? expectation.expected : [];
  const { hint, related } = hintFor({ text, original: file.text, offset, expected, failure });
  return {
    code: 'LST101',
    severity: 'error',
    message: phrase(file, expected, usable ? expectation.parsedTo : offset, offset),
    file,
    span: { start: offset, end: wordEnd(file.text, offset) },
    ...(hint && { hint }),
    ...(related && { related: { span: { start: related.offset, end: related.offset + 1 }, note: related.note } }),
  };
}

/** What is no fault in Logstash's grammar but would crash it: it, too, ends at some depth. */
export function limitFault(file: SourceFile, offset: number, limit: keyof Limits, max: number): Diagnostic {
  const { line, column, byte } = positionAt(file, offset);
  const what =
    limit === 'depth' ? `Nested more than ${max} levels deep` : `More than ${max} operators in one condition`;
  return {
    code: 'LST101',
    severity: 'error',
    message: `${what} at line ${line}, column ${column} (byte ${byte})`,
    file,
    span: { start: offset, end: offset + 1 },
  };
}

function phrase(file: SourceFile, expected: readonly string[], parsedTo: number, offset: number): string {
  const { line, column, byte } = positionAt(file, offset);
  const wanted = expected.length === 1 ? expected[0] : `one of ${expected.join(', ')}`;
  const after = offset > 0 ? ` after ${file.text.slice(parsedTo, offset)}` : '';
  const place = `at line ${line}, column ${column} (byte ${byte})${after}`;
  return expected.length > 0 ? `Expected ${wanted} ${place}` : `Unexpected text ${place}`;
}

function wordEnd(text: string, offset: number): number {
  const word = /^[A-Za-z0-9_-]+/.exec(text.slice(offset, offset + 200))?.[0].length ?? 1;
  return Math.min(text.length, offset + word);
}

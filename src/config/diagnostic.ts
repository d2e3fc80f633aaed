import type { ErrorCode } from '../errors/catalogue.ts';
import type { SourceFile, Span } from './ast.ts';

/** A fault or remark about a configuration text, with its place. All of a run are collected before any is printed. */
export interface Diagnostic {
  readonly code: ErrorCode;
  readonly severity: 'error' | 'warning';
  /** One sentence; Logstash's own phrase where it has one. */
  readonly message: string;
  readonly file: SourceFile;
  readonly span: Span;
  /** What to do next, shown behind the caret: "did you mean `source`?". */
  readonly hint?: string;
  /** A second place that explains the first: where what is never closed was opened. */
  readonly related?: { readonly span: Span; readonly note: string };
}

/** 1-based line and column (in characters) and 1-based byte offset, as Logstash counts them. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly byte: number;
}

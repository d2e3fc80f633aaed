import type { SourceFile, Span } from '../config/ast.ts';
import type { Diagnostic } from '../config/diagnostic.ts';
import type { ErrorCode } from '../errors/catalogue.ts';

/** Collects the faults of one run, so that all are reported at once. */
export class Reporter {
  readonly #files: readonly SourceFile[];
  readonly #diagnostics: Diagnostic[] = [];

  constructor(files: readonly SourceFile[]) {
    this.#files = files;
  }

  /** In the order of files and of places in them, whatever found them. */
  get diagnostics(): readonly Diagnostic[] {
    const fileIndex = (diagnostic: Diagnostic) => this.#files.indexOf(diagnostic.file);
    return this.#diagnostics.toSorted((a, b) => fileIndex(a) - fileIndex(b) || a.span.start - b.span.start);
  }

  add(...diagnostics: readonly Diagnostic[]): void {
    this.#diagnostics.push(...diagnostics);
  }

  error(code: ErrorCode, file: SourceFile, span: Span, message: string, hint?: string): void {
    this.#add('error', code, file, span, message, hint);
  }

  warning(code: ErrorCode, file: SourceFile, span: Span, message: string, hint?: string): void {
    this.#add('warning', code, file, span, message, hint);
  }

  #add(
    severity: Diagnostic['severity'],
    code: ErrorCode,
    file: SourceFile,
    span: Span,
    message: string,
    hint: string | undefined,
  ): void {
    this.add({ code, severity, message, file, span, ...(hint === undefined ? {} : { hint }) });
  }

  /** For what the parser's own checks may have said before: nothing where an error stands already. */
  errorUnlessTold(code: ErrorCode, file: SourceFile, span: Span, message: string, hint?: string): void {
    const isTold = this.#diagnostics.some(
      (told) =>
        told.severity === 'error' && told.file === file && told.span.start < span.end && span.start < told.span.end,
    );
    if (!isTold) this.error(code, file, span, message, hint);
  }

  get hasErrors(): boolean {
    return this.#diagnostics.some((diagnostic) => diagnostic.severity === 'error');
  }
}

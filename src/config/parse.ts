import type { Config, SourceFile } from './ast.ts';
import type { Diagnostic } from './diagnostic.ts';
import { type ConfigParser, createParser } from './grammar.ts';
import { positionAt } from './position.ts';
import { createLexer } from './tokens.ts';

let parser: ConfigParser | undefined;
let lexer: ReturnType<typeof createLexer> | undefined;

/** Parses one configuration file. Never throws: what is wrong is in `diagnostics`, what could be read is in `config`. */
export function parseConfig(file: SourceFile): { config: Config; diagnostics: Diagnostic[] } {
  lexer ??= createLexer();
  parser ??= createParser();
  const { sections, failure } = parser.parse(file.text, lexer.tokenize(file.text).tokens);
  const diagnostics: Diagnostic[] = [];
  if (failure) {
    const { line, column, byte } = positionAt(file, failure.offset);
    diagnostics.push({
      code: 'LST101',
      severity: 'error',
      message: `Expected something else at line ${line}, column ${column} (byte ${byte})`,
      file,
      span: { start: failure.offset, end: failure.offset + 1 },
    });
  }
  return { config: { file, sections }, diagnostics };
}

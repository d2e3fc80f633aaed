import type { Config, SourceFile } from './ast.ts';
import { checkSemantics } from './checks.ts';
import type { Diagnostic } from './diagnostic.ts';
import { describeFault, limitFault } from './fault.ts';
import { type ConfigParser, createParser, type Parsed } from './grammar.ts';
import { followsOn, isBraceFault, mend, skipSection } from './mend.ts';
import { beyondLimits, createLexer, type Limits } from './tokens.ts';

/** Faults reported for one file; what comes behind them is rarely worth reading. */
const faultsMax = 50;
/** Beyond these the stack could overflow, here or in a later stage. */
const limits: Limits = { depth: 300, operators: 10_000 };

let machinery: { lexer: ReturnType<typeof createLexer>; parser: ConfigParser } | undefined;

/**
 * Parses one configuration file. Never throws: what is wrong stands in `diagnostics`, in the order of the text, and
 * `config` holds all that could be read, without the plugins and conditions that could not.
 */
export function parseConfig(file: SourceFile): { config: Config; diagnostics: Diagnostic[] } {
  machinery ??= { lexer: createLexer(), parser: createParser() };
  const { lexer, parser } = machinery;
  const diagnostics: Diagnostic[] = [];
  let text = file.text;
  let settledTo = 0;
  let guessed = false;
  let parsed: Parsed = { sections: [], mixed: [] };
  while (diagnostics.length < faultsMax) {
    const { tokens } = lexer.tokenize(text);
    const beyond = beyondLimits(tokens, limits);
    if (beyond) {
      const fault = limitFault(file, beyond.offset, beyond.limit, limits[beyond.limit]);
      return { config: { file, sections: [] }, diagnostics: [fault] };
    }
    parsed = parser.parse(text, tokens);
    const { failure } = parsed;
    if (!failure) break;

    const isNew = failure.offset >= settledTo;
    const repeats = (guessed && isBraceFault(text, failure)) || followsOn(text, settledTo, failure.offset);
    if (isNew && !repeats) diagnostics.push(describeFault(file, text, failure));
    const mended = isNew ? mend(text, failure) : skipSection(text, failure, settledTo);
    if (mended.text === text) break;
    ({ text, settledTo } = mended);
    guessed ||= mended.guessed === true;
  }
  const config: Config = { file, sections: parsed.sections };
  diagnostics.push(...checkSemantics(config, parsed.mixed));
  return { config, diagnostics: diagnostics.sort((a, b) => a.span.start - b.span.start) };
}

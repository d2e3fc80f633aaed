/**
 * Ruby regular expressions (Onigmo) as JavaScript ones. The translator is loaded at the first use, since many pipelines
 * need none.
 */
import type { toRegExp } from 'oniguruma-to-es';

export class InvalidRegex extends Error {
  override name = 'InvalidRegex';
}

export type RegexCompiler = (source: string, options?: { global?: boolean }) => RegExp;

let loaded: Promise<typeof toRegExp> | undefined;

/** The compiler itself works at once, so that a pattern made by sprintf can be compiled per event. */
export async function loadRegexCompiler(): Promise<RegexCompiler> {
  loaded ??= import('oniguruma-to-es').then((module) => module.toRegExp);
  const translate = await loaded;
  return (source, options = {}) => {
    try {
      return translate(source, {
        // Ruby's \w, \d, \s and \b are ASCII; its POSIX classes are not.
        flags: 'DSW',
        rules: { asciiWordBoundaries: true },
        global: options.global ?? false,
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new InvalidRegex(`Invalid regular expression /${source}/: ${reason}`, { cause: error });
    }
  };
}

/**
 * Ruby regular expressions (Onigmo) as JavaScript ones. The translator is loaded at the first use, since many pipelines
 * need none.
 */
import type { toRegExp } from 'oniguruma-to-es';
import { messageOf } from './errors.ts';

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
    // `(?u)` asks for Unicode in \w and its like, which are ASCII otherwise.
    const [prefix = '', mode] = /^\(\?([adu])\)/.exec(source) ?? [];
    const unicode = mode === 'u';
    try {
      const body = source.slice(prefix.length);
      return translate(unicode ? body : asciiShorthands(body), {
        rules: { asciiWordBoundaries: !unicode },
        global: options.global ?? false,
      });
    } catch (error) {
      const reason = messageOf(error);
      throw new InvalidRegex(`Invalid regular expression /${source}/: ${reason}`, { cause: error });
    }
  };
}

const SHORTHANDS: Readonly<Record<string, string>> = {
  '\\w': '[a-zA-Z0-9_]',
  '\\W': '[^a-zA-Z0-9_]',
  '\\d': '[0-9]',
  '\\D': '[^0-9]',
  '\\s': '[ \\t\\r\\n\\f\\v]',
  '\\S': '[^ \\t\\r\\n\\f\\v]',
};

/** Written out, since the translator's own ASCII mode would make `[[:space:]]` ASCII too, which Ruby does not. */
function asciiShorthands(source: string): string {
  return source.replace(/\\./gs, (pair) => SHORTHANDS[pair] ?? pair);
}

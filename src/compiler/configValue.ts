/** Values of the syntax tree to values of options: `${VAR}` replaced, escapes processed, repeated options joined. */
import type { AttributeNode, ValueNode } from '../config/ast.ts';
import { processEscapes } from '../config/escapes.ts';
import { expandVariables } from '../config/variables.ts';
import { Float, integerValue } from '../event/value.ts';
import { type ConfigHash, type ConfigValue, configText, isHash } from '../plugin-api/index.ts';

export class UndefinedVariable extends Error {
  readonly variable: string;

  constructor(variable: string) {
    super(variable);
    this.variable = variable;
  }
}

export interface ValueSettings {
  /** Looks up `${NAME}`. */
  readonly variable: (name: string) => string | undefined;
  /** `config.support_escapes` */
  readonly supportEscapes: boolean;
}

/** @throws UndefinedVariable */
export function configValue(node: ValueNode, settings: ValueSettings): ConfigValue {
  switch (node.type) {
    case 'string': {
      const text = settings.supportEscapes && node.quote !== null ? processEscapes(node.value) : node.value;
      return expand(text, settings);
    }
    case 'number':
      return numberValue(node.text);
    case 'array':
      return node.elements.map((element) => configValue(element, settings));
    case 'hash':
      return new Map(
        node.entries.map(({ key, value }) => [
          key.type === 'number' ? key.text : key.value,
          configValue(value, settings),
        ]),
      );
    case 'plugin':
      return node;
  }
}

function expand(text: string, settings: ValueSettings): string {
  const expanded = expandVariables(text, settings.variable);
  if ('missing' in expanded) throw new UndefinedVariable(expanded.missing);
  return expanded.text;
}

/** A leading zero means octal, as in Ruby. */
function numberValue(text: string): ConfigValue {
  if (/^-?0\d+$/.test(text))
    return text.startsWith('-') ? -Number.parseInt(text.slice(1), 8) : Number.parseInt(text, 8);
  if (!text.includes('.')) return integerValue(BigInt(text.startsWith('-') ? `-${text.slice(1)}` : text));
  const value = Number(text);
  return Number.isInteger(value) ? new Float(value) : value;
}

/**
 * The value of an option that stands several times in one block: hashes merge, lists are joined, equal scalars collapse,
 * different ones become a list.
 * @throws UndefinedVariable
 */
export function joinedValue(attributes: readonly AttributeNode[], settings: ValueSettings): ConfigValue {
  return attributes.map((attribute) => configValue(attribute.value, settings)).reduce(joinValues);
}

function joinValues(earlier: ConfigValue, later: ConfigValue): ConfigValue {
  if (isHash(earlier) && isHash(later)) return mergeHashes(earlier, later);
  if (Array.isArray(earlier) || Array.isArray(later)) return [earlier, later].flat();
  return configText(earlier) === configText(later) ? earlier : [earlier, later];
}

/** A key that stands in both becomes a list of both values. */
function mergeHashes(earlier: ConfigHash, later: ConfigHash): ConfigHash {
  const merged: ConfigHash = new Map(earlier);
  for (const [key, value] of later) {
    const known = merged.get(key);
    merged.set(key, known === undefined ? value : [known, value].flat());
  }
  return merged;
}

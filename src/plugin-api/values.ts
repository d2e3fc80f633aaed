import type { PluginNode } from '../config/ast.ts';
import type { Float } from '../event/value.ts';

/** An option's value as the configuration gives it, with `${VAR}` replaced and escapes processed. */
export type ConfigValue = string | number | bigint | Float | ConfigValue[] | ConfigHash | PluginNode;

/** In written order. */
export type ConfigHash = Map<string, ConfigValue>;

export function isHash(value: ConfigValue): value is ConfigHash {
  return value instanceof Map;
}

export function isNestedPlugin(value: ConfigValue): value is PluginNode {
  return typeof value === 'object' && 'type' in value && value.type === 'plugin';
}

/** The text Logstash makes of a value where it wants a string: Ruby's `to_s`, so a list reads `["a", "b"]`. */
export function configText(value: ConfigValue): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(inspectText).join(', ')}]`;
  if (isHash(value)) {
    return `{${[...value].map(([key, item]) => `${inspectText(key)}=>${inspectText(item)}`).join(', ')}}`;
  }
  return isNestedPlugin(value) ? value.name : String(value);
}

function inspectText(value: ConfigValue): string {
  return typeof value === 'string' ? JSON.stringify(value) : configText(value);
}

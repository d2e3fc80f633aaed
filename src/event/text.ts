/** Texts of values, as the languages that Logstash is made of print them. */
import { encodeJavaJson } from './json.ts';
import { javaDoubleText, rubyDecimalText, rubyFloatText } from './numberText.ts';
import { Decimal, Float, isMap, type Scalar, type Value, type ValueMap } from './value.ts';

/** A field's text in `%{field}`: lists are joined with commas, maps are JSON. */
export function sprintfText(value: Exclude<Value, null>): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return joinList(value);
  return isMap(value) ? encodeJavaJson(value) : javaText(value);
}

function joinList(list: readonly Value[]): string {
  return list
    .map((element) => (element === null ? '' : Array.isArray(element) ? joinList(element) : javaText(element)))
    .join(',');
}

/** Java's `toString`: `[x, y]`, `{k=v}`, `1.0E10`. */
export function javaText(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : javaDoubleText(value);
  if (Array.isArray(value)) return `[${value.map(javaText).join(', ')}]`;
  if (isMap(value)) return `{${entriesText(value, '=', javaText, (key) => key)}}`;
  return String(value);
}

/** Ruby's `to_s`, which `convert` to string, `join` and failure texts use. */
export function rubyText(value: Value | undefined): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  return rubyInspect(value);
}

/** Ruby's `inspect`: `["a", nil, 1.0]`, `{"k"=>"v"}`. */
export function rubyInspect(value: Value): string {
  if (value === null) return 'nil';
  if (typeof value === 'string') return inspectString(value);
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : rubyFloatText(value);
  if (Array.isArray(value)) return `[${value.map(rubyInspect).join(', ')}]`;
  if (value instanceof Float) return rubyFloatText(value.value);
  if (value instanceof Decimal) return rubyDecimalText(value.unscaled, value.scale);
  if (isMap(value)) return `{${entriesText(value, '=>', rubyInspect, inspectString)}}`;
  return String(value satisfies Scalar | bigint | boolean);
}

function entriesText(
  map: ValueMap,
  separator: string,
  valueText: (value: Value) => string,
  keyText: (key: string) => string,
): string {
  return Object.keys(map)
    .map((key) => `${keyText(key)}${separator}${valueText(map[key] as Value)}`)
    .join(', ');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
  '\v': '\\v',
  '\b': '\\b',
  '\x07': '\\a',
  '\x1b': '\\e',
};

function inspectString(text: string): string {
  const escaped = text
    .replace(
      /["\\\p{C}\p{Zl}\p{Zp}]/gu,
      (c) => ESCAPES[c] ?? `\\u${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
    )
    .replace(/#(?=[{$@])/g, '\\#');
  return `"${escaped}"`;
}

/** `mutate { convert }`: Ruby's `to_i`, `to_f` and `to_s`, as Logstash calls them. */
import { rubyText } from '../../../event/text.ts';
import { Decimal, Float, floatValue, integerValue, Scalar, Timestamp, type Value } from '../../../event/value.ts';

export const CONVERSIONS = ['integer', 'float', 'integer_eu', 'float_eu', 'string', 'boolean'] as const;
export type Conversion = (typeof CONVERSIONS)[number];

type Converter = (value: Value) => Value;

export const converters: Readonly<Record<Conversion, Converter>> = {
  integer: toInteger,
  float: toFloat,
  integer_eu: (value) => toInteger(swapSeparators(value)),
  float_eu: (value) => toFloat(swapSeparators(value)),
  string: rubyText,
  boolean: toBoolean,
};

function swapSeparators(value: Value): Value {
  return typeof value === 'string' ? value.replace(/[,.]/g, (c) => (c === ',' ? '.' : ',')) : value;
}

/** `12` alone is by far the commonest text, and parsing it needs neither a pattern nor a big integer. */
function toInteger(value: Value): Value {
  if (typeof value === 'string') {
    return value.length < 16 && isDigits(value) ? Number(value) : parseLeadingInteger(value.replaceAll(',', ''));
  }
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number') return Number.isInteger(value) ? value : Math.trunc(value) + 0;
  if (typeof value === 'bigint') return value;
  if (value instanceof Float) return integerValue(BigInt(Math.trunc(value.value)));
  if (value instanceof Decimal) return decimalToInteger(value);
  if (value instanceof Timestamp) return Math.floor(value.epochMs / 1000);
  throw new TypeError('a list or map cannot be converted to an integer');
}

function isDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 48 || code > 57) return false;
  }
  return text.length > 0;
}

function parseLeadingInteger(text: string): number | bigint {
  const match = /^[\s\0]*([+-]?\d+(?:_\d+)*)/.exec(text);
  if (match === null) return 0;
  const digits = (match[1] as string).replaceAll('_', '').replace(/^\+/, '');
  return integerValue(digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits));
}

/** A decimal such as 1E+400 would be an integer of 401 digits; one of a million is refused. */
const INTEGER_DIGITS_MAX = 10_000;

function decimalToInteger({ unscaled, scale }: Decimal): number | bigint {
  if (scale < -INTEGER_DIGITS_MAX) throw new RangeError('too large for an integer');
  const value = BigInt(unscaled);
  if (scale <= 0) return integerValue(value * 10n ** BigInt(-scale));
  return scale > unscaled.length ? 0 : integerValue(value / 10n ** BigInt(scale));
}

function toFloat(value: Value): Value {
  if (typeof value === 'boolean') return new Float(value ? 1 : 0);
  if (typeof value === 'string') return floatValue(parseLeadingFloat(value.replaceAll(',', '')));
  if (typeof value === 'number' || typeof value === 'bigint') return floatValue(Number(value));
  if (value instanceof Float) return value;
  if (value instanceof Decimal) return floatValue(value.value);
  if (value instanceof Timestamp) return floatValue(value.epochMs / 1000);
  throw new TypeError('a list or map cannot be converted to a float');
}

function parseLeadingFloat(text: string): number {
  const match = /^[\s\0]*([+-]?(?:\d+(?:_+\d+)*(?:\.\d+(?:_+\d+)*)?|\.\d+)(?:[eE][+-]?\d+)?)/.exec(text);
  return match === null ? 0 : Number((match[1] as string).replaceAll('_', ''));
}

/** The dot of `1.0` is a wildcard in Logstash's pattern; `^` and `$` are line anchors in Ruby. */
const TRUE = /^(true|t|yes|y|1|1.0)$/im;
const FALSE = /^(false|f|no|n|0|0.0)$/im;

function toBoolean(value: Value): Value {
  const text = rubyText(value);
  if (TRUE.test(text)) return true;
  return text === '' || FALSE.test(text) ? false : value;
}

export function isConvertible(value: Value): boolean {
  return typeof value !== 'object' || value instanceof Scalar;
}

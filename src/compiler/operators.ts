/** What conditions do at run time. None of them throws: where Logstash's worker dies, the answer is false and counted. */
import { javaText } from '../event/text.ts';
import {
  type Decimal,
  type Float,
  isMap,
  isNumeric,
  Scalar,
  Timestamp,
  type Value,
  valuesEqual,
} from '../event/value.ts';

type Operand = Value | undefined;

/** Called when two values cannot be compared, once an event. */
export type OnIncomparable = () => void;

export function isTruthy(value: Operand): boolean {
  return value !== undefined && value !== null && value !== false && value !== '' && value !== 'false';
}

/** Missing equals missing, and null equals null, but not each other. */
export function equals(left: Operand, right: Operand): boolean {
  return left === right || valuesEqual(left, right);
}

/** Negative, zero or positive; `undefined` when the answer is plainly no, after `onIncomparable` where Logstash crashes. */
export function compare(left: Operand, right: Operand, onIncomparable: OnIncomparable): number | undefined {
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right);
  if (isNumeric(left) && isNumeric(right)) return compareNumbers(left, right);
  if (left instanceof Timestamp && right instanceof Timestamp) return left.epochMs - right.epochMs;
  const quiet = left === null || typeof left === 'boolean' || left instanceof Timestamp;
  if (!quiet) onIncomparable();
  return undefined;
}

type Numeric = number | bigint | Float | Decimal;

/** Two integers compare exactly; with a double among them both are doubles, as in Java. */
function compareNumbers(left: Numeric, right: Numeric): number {
  if (typeof left === 'bigint' && typeof right === 'bigint') return left < right ? -1 : left > right ? 1 : 0;
  return doubleOf(left) - doubleOf(right);
}

function doubleOf(value: Numeric): number {
  return value instanceof Scalar ? value.value : Number(value);
}

/** By bytes of UTF-8, which is not the order of UTF-16 where surrogates take part. */
function compareTexts(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** `[field] in "constant"`: the constant contains the field's text. */
export function isPartOf(field: Operand, constant: string): boolean {
  return typeof field === 'string' && constant.includes(field);
}

/** `[field] in ["a", 1]`: text equality with an element; null counts as the empty text. */
export function isOneOf(field: Operand, texts: ReadonlySet<string>): boolean {
  if (field === undefined) return false;
  if (typeof field === 'string') return texts.has(field);
  return texts.has(field === null ? '' : javaText(field));
}

/** `"constant" in [field]`: part of a text, or an element of a list. */
export function containsText(field: Operand, constant: string): boolean {
  if (typeof field === 'string') return field.includes(constant);
  return Array.isArray(field) && field.includes(constant);
}

/** `5 in [field]`: an element of a list; a scalar field never contains a number. */
export function containsNumber(field: Operand, constant: Value): boolean {
  return Array.isArray(field) && field.some((element) => valuesEqual(element, constant));
}

/** `[a] in [b]` */
export function fieldInField(left: Operand, right: Operand, onIncomparable: OnIncomparable): boolean {
  if (Array.isArray(left) || isMap(left)) return false;
  if (Array.isArray(right)) {
    if (left === undefined) {
      onIncomparable();
      return false;
    }
    return right.some((element) => equals(element, left));
  }
  if (typeof left === 'string' && typeof right === 'string') return right.includes(left);
  return left !== undefined && right !== undefined && equals(left, right);
}

/** `[a] =~ /re/`: only texts can match. Going back and forth in many megabytes may use up the stack, which is no match either. */
export function matches(value: Operand, regex: RegExp, onIncomparable: OnIncomparable): boolean {
  if (typeof value !== 'string') return false;
  try {
    return regex.test(value);
  } catch {
    onIncomparable();
    return false;
  }
}

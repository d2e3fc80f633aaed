/**
 * The values an event holds. JSON numbers keep their form: a `number` that is a safe integer is an integer, any other
 * `number` is a double that prints with a fraction, and the boxed kinds below hold what a plain `number` cannot say.
 * Larger integers are `bigint`.
 */

import { formatIso8601 } from './isoTimestamp.ts';
import { bigDecimalText, javaDoubleText } from './numberText.ts';

/** A value that is a scalar to the user but an object to JavaScript. Immutable, so that copies may share it. */
export abstract class Scalar {
  abstract toJSON(): unknown;
  abstract toString(): string;
}

/** A double that a plain `number` would print wrongly. A whole one: `1.0` stays `1.0` on its way to Elasticsearch, which maps by the form. */
export class Float extends Scalar {
  readonly value: number;

  constructor(value: number) {
    super();
    this.value = value;
  }

  /** JSON has no infinity: Logstash prints a text. */
  override toJSON(): unknown {
    const text = javaDoubleText(this.value);
    return Number.isFinite(this.value) ? JSON.rawJSON(text) : text;
  }

  override toString(): string {
    return javaDoubleText(this.value);
  }
}

/** A decimal of any precision, as the json filter makes of every number with a fraction or an exponent. */
export class Decimal extends Scalar {
  /** Digits of the unscaled value with its sign; the value is `unscaled * 10 ** -scale`. */
  readonly unscaled: string;
  readonly scale: number;

  constructor(unscaled: string, scale: number) {
    super();
    this.unscaled = unscaled;
    this.scale = scale;
  }

  get value(): number {
    return Number(`${this.unscaled}e${-this.scale}`);
  }

  override toJSON(): unknown {
    return JSON.rawJSON(this.toString());
  }

  override toString(): string {
    return bigDecimalText(this.unscaled, this.scale);
  }
}

/** An instant in milliseconds since 1970, UTC. */
export class Timestamp extends Scalar {
  readonly epochMs: number;
  #iso: string | undefined;

  constructor(epochMs: number) {
    super();
    this.epochMs = epochMs;
  }

  override toJSON(): string {
    return this.toString();
  }

  override toString(): string {
    this.#iso ??= formatIso8601(this.epochMs);
    return this.#iso;
  }
}

export type Value = string | number | bigint | boolean | null | Scalar | Value[] | ValueMap;

export interface ValueMap {
  [key: string]: Value;
}

export function isMap(value: Value | undefined): value is ValueMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Scalar);
}

export function isNumeric(value: Value | undefined): value is number | bigint | Float | Decimal {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Float || value instanceof Decimal;
}

/** The double for `value`: a plain `number` when that prints with a fraction, else boxed. */
export function floatValue(value: number): number | Float {
  return Number.isInteger(value) || !Number.isFinite(value) ? new Float(value) : value;
}

/** The integer for `value`: a plain `number` as long as that is exact. */
export function integerValue(value: bigint): number | bigint {
  return value >= -MAX_SAFE && value <= MAX_SAFE ? Number(value) : value;
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** An independent copy of maps and lists; scalars are shared. */
export function copyValue(value: Value): Value {
  if (typeof value !== 'object' || value === null || value instanceof Scalar) return value;
  if (Array.isArray(value)) return value.map(copyValue);
  return copyMap(value);
}

export function copyMap(map: ValueMap): ValueMap {
  const copy: ValueMap = {};
  for (const key of Object.keys(map)) setKey(copy, key, copyValue(map[key] as Value));
  return copy;
}

/** Assigns an own property. A log may hold the key `__proto__`, which plain assignment would not store. */
export function setKey(map: ValueMap, key: string, value: Value): void {
  if (key === '__proto__') {
    Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    map[key] = value;
  }
}

export function hasKey(map: ValueMap, key: string): boolean {
  return Object.hasOwn(map, key);
}

/** The own property, or `undefined`: names such as `constructor` are never looked up on the prototype. */
export function getKey(map: ValueMap, key: string): Value | undefined {
  const value = map[key];
  if (value === undefined || typeof value === 'function' || key === '__proto__') {
    return Object.hasOwn(map, key) ? (map[key] as Value) : undefined;
  }
  return value;
}

/** Equality of two values of the same kind: `1` is not `1.0`, and a text is never a number. */
export function valuesEqual(left: Value | undefined, right: Value | undefined): boolean {
  if (left === right) return left !== undefined;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (left instanceof Scalar || right instanceof Scalar) return scalarsEqual(left, right);
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((element, index) => valuesEqual(element, right[index]));
  }
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => hasKey(right, key) && valuesEqual(left[key], right[key]));
}

function scalarsEqual(left: Value, right: Value): boolean {
  if (left instanceof Float && right instanceof Float) return left.value === right.value;
  if (left instanceof Timestamp && right instanceof Timestamp) return left.epochMs === right.epochMs;
  if (left instanceof Decimal && right instanceof Decimal) {
    return left.unscaled === right.unscaled && left.scale === right.scale;
  }
  return false;
}

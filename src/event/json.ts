/**
 * JSON in and out without loss: integers beyond 2^53, and doubles that are whole numbers, keep their form. A scan finds
 * the rare text that needs it; every other text takes the engine's own `JSON.parse`.
 */
import { splitSegments } from './fieldReference.ts';
import { javaDoubleText } from './numberText.ts';
import { Decimal, floatValue, integerValue, isMap, setKey, type Value, type ValueMap } from './value.ts';

/** Numbers outside quotes that `JSON.parse` alone would change. A match inside a text only costs time. */
const CARE_AS_DOUBLE = /(?:^|[:,[])\s*-?(?:\d{16}|\d{10,}\.|\d+\.0*(?!\d)|\d+\.\d{7}|\d+(?:\.\d+)?[eE])/;
const CARE_AS_DECIMAL = /(?:^|[:,[])\s*-?(?:\d{16}|\d+[.eE])/;

/**
 * - `double`: a number with a fraction or exponent is a double, as the json codec makes it.
 * - `decimal`: it keeps all its digits, as the json filter makes it.
 */
export type NumberForm = 'double' | 'decimal';

/**
 * @throws SyntaxError when `text` is not exactly one JSON value
 * @throws RangeError when it nests deeper than what can be written again
 */
export function parseJson(text: string, form: NumberForm): Value {
  if (nestsTooDeep(text)) throw new RangeError(`JSON that nests deeper than ${NESTING_MAX} levels`);
  const value = parseNumbers(text, form);
  return needsStringCare(text) ? wellFormed(value) : value;
}

/** Of a text that `encodeJson` has made: texts and depth are those of the value that was encoded. */
export function parseEncodedJson(text: string, form: NumberForm = 'double'): Value {
  return parseNumbers(text, form);
}

function parseNumbers(text: string, form: NumberForm): Value {
  const care = form === 'double' ? CARE_AS_DOUBLE : CARE_AS_DECIMAL;
  return (care.test(text) ? JSON.parse(text, numberReviver(form)) : JSON.parse(text)) as Value;
}

/** The engine parses any depth, but writes only some thousand levels. Later versions of Logstash's own parser stop here too. */
const NESTING_MAX = 1000;

function nestsTooDeep(text: string): boolean {
  if (text.length < 2 * NESTING_MAX || !hasManyOpenings(text)) return false;
  return walkStructure(text, 0, (depth) => depth > NESTING_MAX) !== undefined;
}

/**
 * Calls `isFound` with the depth behind each bracket outside quotes and each closing quote, and gives the offset behind the
 * one where it says yes.
 */
function walkStructure(text: string, start: number, isFound: (depth: number) => boolean): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let i = start; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '\\') i++;
      if (c !== '"') continue;
      quoted = false;
    } else if (c === '"') {
      quoted = true;
      continue;
    } else if (c === '{' || c === '[') {
      depth++;
    } else if (c === '}' || c === ']') {
      depth--;
    } else {
      continue;
    }
    if (isFound(depth)) return i + 1;
  }
  return undefined;
}

/** Nearly every text has few, and hopping from one to the next costs almost nothing. */
function hasManyOpenings(text: string): boolean {
  let count = 0;
  for (const opening of '{[') {
    for (let i = text.indexOf(opening); i >= 0; i = text.indexOf(opening, i + 1)) {
      if (++count > NESTING_MAX) return true;
    }
  }
  return false;
}

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;

function numberReviver(form: NumberForm): Reviver {
  const parse = form === 'double' ? parseDouble : parseDecimal;
  return (_key, value, context) => (typeof value === 'number' ? parse(context.source ?? String(value)) : value);
}

const INTEGER = /^-?\d+$/;

function parseDouble(source: string): Value {
  if (INTEGER.test(source)) return integerValue(BigInt(source));
  return floatValue(Number(source));
}

/** Java's BigDecimal drops the sign of zero. */
function parseDecimal(source: string): Value {
  if (INTEGER.test(source)) return integerValue(BigInt(source));
  const [, sign = '', whole = '0', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(source) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+(?=\d)/, '');
  const negative = sign === '-' && /[1-9]/.test(digits);
  return new Decimal(`${negative ? '-' : ''}${digits}`, fraction.length - Number(exponent));
}

function needsStringCare(text: string): boolean {
  return text.includes('\\u') ? /\\u[dD][89a-fA-F]/.test(text) : !text.isWellFormed();
}

/** Logstash cuts a text at its first lone surrogate. */
function wellFormed(value: Value): Value {
  if (typeof value === 'string') return cutAtLoneSurrogate(value);
  if (Array.isArray(value)) return value.map(wellFormed);
  if (!isMap(value)) return value;
  const map: ValueMap = {};
  for (const key of Object.keys(value)) setKey(map, cutAtLoneSurrogate(key), wellFormed(value[key] as Value));
  return map;
}

function cutAtLoneSurrogate(text: string): string {
  if (text.isWellFormed()) return text;
  const repaired = text.toWellFormed();
  let i = 0;
  while (repaired[i] === text[i]) i++;
  return text.slice(0, i);
}

/**
 * A copy with plain keys. Keys with brackets are field references to Logstash: of `[x][y]` only the last segment stays.
 * @throws InvalidFieldReference for a key such as `a[b]`
 */
export function resolveKeys(value: Value): Value {
  if (Array.isArray(value)) return value.map(resolveKeys);
  if (!isMap(value)) return value;
  const map: ValueMap = {};
  for (const key of Object.keys(value)) {
    const name = key.includes('[') || key.includes(']') ? (splitSegments(key).at(-1) ?? key) : key;
    setKey(map, name, resolveKeys(value[key] as Value));
  }
  return map;
}

/**
 * Whether a key of this text could hold a bracket; most texts have none at all. The run behind a bracket ends at the next
 * one, so that the search stays linear.
 */
export function mayHaveBracketKeys(text: string): boolean {
  return /[[\]][^"\\[\]]*(?:\\.[^"\\[\]]*)*"\s*:/.test(text) || text.includes('\\u005');
}

/** The compact JSON text of a value, key order as in the map. */
export function encodeJson(value: Value): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // The engine refuses big integers; looking for them beforehand would cost every other event a walk.
    if (error instanceof TypeError) return JSON.stringify(value, bigintAsNumber);
    throw error;
  }
}

/** As a map prints inside a text: doubles in Java's form, which another reader of JSON would not see. */
export function encodeJavaJson(value: Value): string {
  return JSON.stringify(value, (key, item) =>
    typeof item === 'number' && !Number.isInteger(item)
      ? JSON.rawJSON(javaDoubleText(item))
      : bigintAsNumber(key, item),
  );
}

function bigintAsNumber(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? JSON.rawJSON(value.toString()) : value;
}

/** Cuts concatenated or newline-separated JSON values apart. `rest` is what follows the last whole one. */
export function splitDocuments(text: string): { documents: string[]; rest: string } {
  const documents: string[] = [];
  let position = skipBlanks(text, 0);
  while (position < text.length) {
    const end = documentEnd(text, position);
    if (end === undefined) break;
    documents.push(text.slice(position, end));
    position = skipBlanks(text, end);
  }
  return { documents, rest: text.slice(position) };
}

function skipBlanks(text: string, start: number): number {
  let i = start;
  while (i < text.length && ' \t\r\n'.includes(text[i] as string)) i++;
  return i;
}

const SCALAR = /-?\d[\d.eE+-]*|true|false|null/y;

function documentEnd(text: string, start: number): number | undefined {
  const first = text[start];
  if (first !== '{' && first !== '[' && first !== '"') {
    SCALAR.lastIndex = start;
    return SCALAR.test(text) ? SCALAR.lastIndex : undefined;
  }
  return walkStructure(text, start, (depth) => depth === 0);
}

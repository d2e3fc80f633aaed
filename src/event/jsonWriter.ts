/** JSON text as bytes, with the same result as `encodeJson`. */
import type { TextBuffer } from '../util/textBuffer.ts';
import { EncodedMap } from './encodedMap.ts';
import { encodeJson } from './json.ts';
import { Timestamp, type Value } from './value.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;
const FIRST_BEYOND_ASCII = 0x7f;
/** A longer text is faster written by the engine. */
const SHORT_MAX = 48;

export function writeJson(out: TextBuffer, value: Value | EncodedMap): void {
  if (typeof value === 'string') writeText(out, value);
  else if (typeof value === 'number') writeNumber(out, value);
  else if (typeof value === 'boolean' || value === null) out.appendAscii(String(value));
  else if (value instanceof EncodedMap) value.write(out);
  else if (value instanceof Timestamp) writePlainText(out, value.toString());
  else out.append(encodeJson(value));
}

/** The same as a text. */
export function jsonText(value: Value): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '0' : String(value);
  return typeof value === 'string' && isPlain(value) ? `"${value}"` : encodeJson(value);
}

/** Writes `,"key":`. */
export function writeKey(out: TextBuffer, key: string): void {
  const text = keyText(key);
  out.appendBytes(text, 0, text.length);
}

/** `,"key":` of fields that filters add: few, unless they are made of values. */
const keyTexts = new Map<string, Buffer>();
const KEY_TEXTS_MAX = 1000;

function keyText(key: string): Buffer {
  let text = keyTexts.get(key);
  if (text === undefined) {
    text = Buffer.from(`,${JSON.stringify(key)}:`);
    if (keyTexts.size >= KEY_TEXTS_MAX) keyTexts.clear();
    keyTexts.set(key, text);
  }
  return text;
}

function writeNumber(out: TextBuffer, value: number): void {
  if (value >>> 0 === value) out.appendInteger(value);
  else out.appendAscii(String(value));
}

function writeText(out: TextBuffer, text: string): void {
  if (text.length <= SHORT_MAX && isPlain(text)) writePlainText(out, text);
  else out.append(JSON.stringify(text));
}

/** A text of printable ASCII without quotes and backslashes. */
function writePlainText(out: TextBuffer, text: string): void {
  out.appendByte(QUOTE);
  out.appendAscii(text);
  out.appendByte(QUOTE);
}

function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < FIRST_PRINTABLE || code >= FIRST_BEYOND_ASCII || code === QUOTE || code === BACKSLASH) return false;
  }
  return true;
}

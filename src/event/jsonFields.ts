/**
 * The fields of a JSON object as bytes that are decoded when they are asked for. What nobody asks for is written as it
 * came. Everything else is as with the map that a full parse would give, to the order of the keys.
 */
import { digitsValue } from '../util/digits.ts';
import type { TextBuffer } from '../util/textBuffer.ts';
import { type AddedField, AddedFields } from './addedFields.ts';
import type { EncodedFields } from './encodedFields.ts';
import { EncodedMap } from './encodedMap.ts';
import type { FieldName } from './fieldReference.ts';
import { encodeJson, parseJson } from './json.ts';
import type { JsonShape } from './jsonShape.ts';
import { writeJson, writeKey } from './jsonWriter.ts';
import { Scalar, type Value, type ValueMap } from './value.ts';

/**
 * What stands on the tape for each field: where its value begins, then where it ends, shifted by `FLAG_BITS`, with flags of
 * the scanner and of this class.
 */
export const FLAG_BITS = 5;
/** Has an escape. */
export const ESCAPED = 1;
/** Has a character beyond ASCII. */
export const WIDE = 2;
/** Would be written in another way than it stands here. */
export const REWRITTEN = 4;
/** Was set, or given to somebody who may have changed it: `#values` holds it. */
const HELD = 8;
const REMOVED = 16;

const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;

type Held = Value | EncodedMap;

/** A text between its quotes, which stand in front of it and behind it. */
export interface PlainText {
  bytes: Buffer;
  start: number;
  end: number;
}

export class JsonFields {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;
  readonly #tape: Int32Array;
  readonly #at: number;
  readonly #shape: JsonShape;
  /** Blanks stand between the fields, which do not stay. */
  readonly #isSpaced: boolean;
  /** Decoded ones. */
  #values: (Held | undefined)[] | undefined;
  /** Fields that came behind those of the text, as long as they are as they came; then those of `#added`. */
  #first: EncodedFields | undefined;
  #added: AddedFields | undefined;

  /** The object is at `start` to `end` of the bytes; its fields stand on the tape from `at` on, which is theirs alone. */
  constructor(
    bytes: Buffer,
    start: number,
    end: number,
    tape: Int32Array,
    at: number,
    shape: JsonShape,
    isSpaced: boolean,
  ) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#tape = tape;
    this.#at = at;
    this.#shape = shape;
    this.#isSpaced = isSpaced;
  }

  /** Appends fields that the object does not have, before any other is added. */
  append(fields: EncodedFields): void {
    this.#first = fields;
  }

  has(name: FieldName): boolean {
    if (this.#indexOf(name) >= 0 || this.#first?.get(name.text) !== undefined) return true;
    return this.#added?.find(name.text) !== undefined;
  }

  get(name: FieldName): Value | undefined {
    const index = this.#indexOf(name);
    if (index >= 0) return this.#valueAt(index);
    const first = this.#first?.get(name.text);
    if (first !== undefined) return first;
    const added = this.#added?.find(name.text);
    return added === undefined ? undefined : ownValue(added);
  }

  /** Tells where a text of ASCII without escapes stands. False for anything else, and for a field that was set: `get` gives it. */
  findText(name: FieldName, found: PlainText): boolean {
    const index = this.#indexOf(name);
    if (index < 0) return false;
    const at = this.#at + 2 * index;
    const start = this.#tape[at] as number;
    const last = this.#tape[at + 1] as number;
    if ((last & (ESCAPED | WIDE | HELD)) !== 0 || this.#bytes[start] !== QUOTE) return false;
    found.bytes = this.#bytes;
    found.start = start + 1;
    found.end = (last >> FLAG_BITS) - 1;
    return true;
  }

  /** False when only a map can hold such a key in its place: nothing was set. */
  set(name: FieldName, value: Held): boolean {
    const index = this.#indexOf(name);
    if (index >= 0) {
      this.#hold(index, value);
      return true;
    }
    const key = name.text;
    if (!hasPlaceBehind(key)) return false;
    const added = this.#mayAdd(key);
    if (added.isFull && added.find(key) === undefined) return false;
    added.set(key, value);
    return true;
  }

  /** Sets a field that is not there. False when it is or may be: nothing was set. */
  add(name: FieldName, value: Held): boolean {
    const key = name.text;
    if (this.#indexOf(name) >= 0 || this.#first?.get(key) !== undefined || !hasPlaceBehind(key)) return false;
    this.#added ??= new AddedFields();
    const added = this.#added;
    if (added.isFull || added.find(key) !== undefined) return false;
    added.append(key, value);
    return true;
  }

  remove(name: FieldName): Value | undefined {
    const value = this.get(name);
    const index = this.#indexOf(name);
    if (index >= 0) this.#mark(index, REMOVED);
    else if (value !== undefined) this.#mayAdd(name.text).remove(name.text);
    return value;
  }

  /** Added fields, of which that one is about to be changed. */
  #mayAdd(key: string): AddedFields {
    if (this.#first?.get(key) !== undefined) {
      const added = new AddedFields();
      for (const [name, value] of Object.entries(this.#first.values)) added.set(name, value);
      for (let field = this.#added?.first; field !== undefined; field = field.next) added.set(field.key, field.value);
      this.#added = added;
      this.#first = undefined;
    }
    this.#added ??= new AddedFields();
    return this.#added;
  }

  /**
   * Makes a text of some digits and nothing else a number. False when it is anything else, but for a number that is such digits
   * already.
   */
  makeInteger(name: FieldName): boolean {
    const index = this.#indexOf(name);
    if (index < 0 || (this.#flags(index) & HELD) !== 0) return false;
    const start = this.#tape[this.#at + 2 * index] as number;
    const end = this.#flags(index) >> FLAG_BITS;
    if (this.#bytes[start] !== QUOTE) return digitsValue(this.#bytes, start, end) !== undefined;
    const value = digitsValue(this.#bytes, start + 1, end - 1);
    if (value !== undefined) this.#hold(index, value);
    return value !== undefined;
  }

  /** All of it decoded. */
  toMap(): ValueMap {
    const map = parseJson(this.#bytes.utf8Slice(this.#start, this.#end), 'double') as ValueMap;
    for (const [index, key] of this.#shape.keys().entries()) {
      const flags = this.#flags(index);
      if ((flags & REMOVED) !== 0) delete map[key];
      else if ((flags & HELD) !== 0) map[key] = this.#valueAt(index);
    }
    Object.assign(map, this.#first?.values);
    for (let field = this.#added?.first; field !== undefined; field = field.next) map[field.key] = ownValue(field);
    return map;
  }

  /** The JSON text of `toMap`. */
  write(out: TextBuffer): void {
    const start = out.length;
    if (this.#isSpaced) this.#writeFields(out);
    else this.#writeRuns(out);
    this.#writeFirst(out);
    this.#writeAdded(out);
    if (out.length === start) out.appendByte(OPEN_OBJECT);
    else out.setByte(start, OPEN_OBJECT);
    out.appendByte(CLOSE_OBJECT);
  }

  /** Fields that stay as they are go in one piece with their neighbours, commas included. */
  #writeRuns(out: TextBuffer): void {
    const { count } = this.#shape;
    const tape = this.#tape;
    let run = this.#start;
    let end = this.#start;
    for (let index = 0, at = this.#at; index < count; index++, at += 2) {
      const before = end;
      const last = tape[at + 1] as number;
      end = last >> FLAG_BITS;
      if ((last & (REWRITTEN | HELD | REMOVED)) === 0) continue;
      const isRemoved = (last & REMOVED) !== 0;
      const until = isRemoved ? before : (tape[at] as number);
      // Nothing stands between the brace and the first field.
      if (until > run) out.appendBytes(this.#bytes, run, until);
      if (!isRemoved) this.#writeValue(out, index);
      run = end;
    }
    if (end > run) out.appendBytes(this.#bytes, run, end);
  }

  #writeFields(out: TextBuffer): void {
    const texts = this.#shape.texts();
    for (let index = 0; index < this.#shape.count; index++) {
      if ((this.#flags(index) & REMOVED) !== 0) continue;
      const text = texts[index] as Buffer;
      out.appendBytes(text, 0, text.length);
      this.#writeValue(out, index);
    }
  }

  #writeValue(out: TextBuffer, index: number): void {
    const flags = this.#flags(index);
    const at = this.#at + 2 * index;
    if ((flags & HELD) !== 0) writeJson(out, this.#values?.[index] as Held);
    else if ((flags & REWRITTEN) !== 0) out.append(encodeJson(this.#decode(index)));
    else out.appendBytes(this.#bytes, this.#tape[at] as number, (this.#tape[at + 1] as number) >> FLAG_BITS);
  }

  #writeFirst(out: TextBuffer): void {
    if (this.#first === undefined) return;
    const { text } = this.#first;
    out.appendBytes(text, 0, text.length);
  }

  #writeAdded(out: TextBuffer): void {
    for (let field = this.#added?.first; field !== undefined; field = field.next) {
      writeKey(out, field.key);
      writeJson(out, field.value);
    }
  }

  /** -1 for a field that is not in the text or was removed. */
  #indexOf(name: FieldName): number {
    const index = this.#shape.indexOf(name);
    return index >= 0 && (this.#flags(index) & REMOVED) === 0 ? index : -1;
  }

  #flags(index: number): number {
    return this.#tape[this.#at + 2 * index + 1] as number;
  }

  #mark(index: number, flag: number): void {
    const at = this.#at + 2 * index + 1;
    this.#tape[at] = (this.#tape[at] as number) | flag;
  }

  #hold(index: number, value: Held): void {
    this.#mark(index, HELD);
    this.#values ??= new Array<Held | undefined>(this.#shape.count);
    this.#values[index] = value;
  }

  #valueAt(index: number): Value {
    const known = this.#values?.[index];
    if (known instanceof EncodedMap) {
      const map = known.toMap();
      this.#hold(index, map);
      return map;
    }
    if (known !== undefined) return known;
    const value = this.#decode(index);
    this.#values ??= new Array<Held | undefined>(this.#shape.count);
    this.#values[index] = value;
    // A map or a list may be changed in place by whoever asked for it.
    if (typeof value === 'object' && value !== null && !(value instanceof Scalar)) this.#mark(index, HELD);
    return value;
  }

  #decode(index: number): Value {
    const at = this.#at + 2 * index;
    const start = this.#tape[at] as number;
    const last = this.#tape[at + 1] as number;
    const end = last >> FLAG_BITS;
    const first = this.#bytes[start];
    if (first === QUOTE && (last & ESCAPED) === 0) {
      return (last & WIDE) === 0
        ? this.#shape.memory.ascii(index, this.#bytes, start + 1, end - 1)
        : this.#bytes.utf8Slice(start + 1, end - 1);
    }
    const text = this.#bytes.utf8Slice(start, end);
    const isSimple = first !== OPEN_OBJECT && first !== OPEN_LIST && (last & REWRITTEN) === 0;
    return isSimple ? JSON.parse(text) : parseJson(text, 'double');
  }
}

/** Of a map that was encoded, one of the event's own from now on. */
function ownValue(field: AddedField): Value {
  const { value } = field;
  if (!(value instanceof EncodedMap)) return value;
  const map = value.toMap();
  field.value = map;
  return map;
}

/** A map has keys that are numbers in front of others. */
function hasPlaceBehind(key: string): boolean {
  const first = key.charCodeAt(0);
  return (first < 0x30 || first > 0x39) && key !== '__proto__';
}

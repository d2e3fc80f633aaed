import type { TextBuffer, TextPlace } from '../util/textBuffer.ts';
import { getAt, hasAt, removeAt, setAt } from './accessors.ts';
import type { Arrival } from './encodedFields.ts';
import { EncodedMap } from './encodedMap.ts';
import { type FieldName, type FieldReference, fieldName } from './fieldReference.ts';
import { parseIso8601 } from './isoTimestamp.ts';
import { encodeJson } from './json.ts';
import { JsonFields, type PlainText } from './jsonFields.ts';
import { SourceBatch } from './sourceBatch.ts';
import { copyMap, getKey, hasKey, isMap, Scalar, setKey, Timestamp, type Value, type ValueMap } from './value.ts';

const VERSION = fieldName('@version');
const TIMESTAMP = fieldName('@timestamp');

export const TIMESTAMP_FAILURE_TAG = '_timestampparsefailure';

/** Thrown where Logstash refuses a value; a filter turns it into its failure tag. */
export class InvalidEventField extends Error {
  override name = 'InvalidEventField';
}

/**
 * One log event: a map of fields with `@timestamp` and `@version`, and `@metadata` beside it, which no codec encodes. The
 * fields of an event that was read from JSON text are decoded when they are asked for.
 */
export class Event {
  /** Where settlement is reported. */
  batch: SourceBatch;
  /** Names the record this event came from, the same on every replay; `undefined` for sources that cannot replay. */
  origin: string | undefined;
  cancelled = false;
  /** Exactly one of these two is there. */
  #fields: JsonFields | undefined;
  #data: ValueMap | undefined;
  #metadata: ValueMap | undefined;
  /** Where the fields were written last, if they have not changed since: several outputs may want the same text. */
  #written: TextPlace | undefined;

  constructor(data: ValueMap | JsonFields, metadata?: ValueMap, batch: SourceBatch = new SourceBatch()) {
    this.batch = batch;
    this.origin = undefined;
    if (data instanceof JsonFields) this.#fields = data;
    else this.#data = data;
    this.#metadata = metadata;
  }

  /**
   * The event of a decoded map, which it takes over: adds `@version`, reads `@timestamp` (ISO 8601 text; anything else is
   * kept in `_@timestamp` and tagged), lifts `@metadata`.
   * @param arrivalMs `@timestamp` of an event that brings none, in milliseconds since 1970
   * @throws InvalidEventField when `@metadata` is not a map, or a bad `@timestamp` meets `tags` that take no tag
   */
  static fromMap(data: ValueMap, arrivalMs: number): Event {
    let metadata: ValueMap | undefined;
    if (hasKey(data, '@metadata')) {
      const given = data['@metadata'] as Value;
      if (!isMap(given)) throw new InvalidEventField('@metadata is not a map');
      metadata = given;
      delete data['@metadata'];
    }
    if (!hasKey(data, '@version')) data['@version'] = '1';
    const event = new Event(data, metadata);
    event.#initTimestamp(data, arrivalMs);
    return event;
  }

  /** The event of an object that brings neither `@timestamp` nor `@metadata`. */
  static fromFields(fields: JsonFields, arrival: Arrival): Event {
    fields.append(arrival.fields(fields.has(VERSION)));
    return new Event(fields);
  }

  #initTimestamp(data: ValueMap, arrivalMs: number): void {
    const given = getKey(data, '@timestamp');
    if (given instanceof Timestamp) return;
    const parsed = typeof given === 'string' ? parseIso8601(given) : undefined;
    data['@timestamp'] = new Timestamp(parsed ?? arrivalMs);
    if (parsed !== undefined || given === undefined || given === null) return;
    const tags = getKey(data, 'tags');
    if (tags !== undefined && tags !== null && typeof tags !== 'string' && !Array.isArray(tags)) {
      throw new InvalidEventField('tags cannot take a tag');
    }
    this.tag(TIMESTAMP_FAILURE_TAG);
    data['_@timestamp'] = given;
  }

  /** All fields as a map. Asking for one field costs less. */
  get data(): ValueMap {
    this.#data ??= this.#fields?.toMap() ?? {};
    this.#fields = undefined;
    this.#written = undefined;
    return this.#data;
  }

  /** Without making one: `undefined` when nobody has asked for it. */
  get metadataIfAny(): ValueMap | undefined {
    return this.#metadata;
  }

  get metadata(): ValueMap {
    this.#metadata ??= {};
    return this.#metadata;
  }

  set metadata(metadata: ValueMap) {
    this.#metadata = metadata;
  }

  /** `undefined` when the field was removed. */
  get timestamp(): Timestamp | undefined {
    const value = this.#look(TIMESTAMP);
    return value instanceof Timestamp ? value : undefined;
  }

  /** The field of that name, which is no reference. */
  getField(name: string): Value | undefined {
    return this.#get(fieldName(name));
  }

  #get(name: FieldName): Value | undefined {
    const value = this.#look(name);
    // A map or a list may be changed in place.
    if (typeof value === 'object' && !(value instanceof Scalar)) this.#written = undefined;
    return value;
  }

  #look(name: FieldName): Value | undefined {
    return this.#fields === undefined ? getKey(this.#data as ValueMap, name.text) : this.#fields.get(name);
  }

  hasField(name: string): boolean {
    return this.#has(fieldName(name));
  }

  #has(name: FieldName): boolean {
    return this.#fields === undefined ? hasKey(this.#data as ValueMap, name.text) : this.#fields.has(name);
  }

  /** Any value is taken, also for `@timestamp`. */
  setField(name: string, value: Value | EncodedMap): void {
    this.#set(fieldName(name), value);
  }

  #set(name: FieldName, value: Value | EncodedMap): void {
    this.#written = undefined;
    if (this.#fields?.set(name, value)) return;
    setKey(this.data, name.text, value instanceof EncodedMap ? value.toMap() : value);
  }

  /**
   * Makes a number of a text of digits alone. False when the field is anything else, but for a number that is such digits already,
   * or when that is not known without more ado: nothing was changed then.
   */
  makeInteger({ first, path, inMetadata }: FieldReference): boolean {
    if (path.length > 1 || inMetadata || this.#fields?.makeInteger(first) !== true) return false;
    this.#written = undefined;
    return true;
  }

  /** Sets a field that is missing or null. */
  setDefault(name: string, value: Value): void {
    const field = fieldName(name);
    if ((this.#get(field) ?? null) === null) this.#set(field, value);
  }

  get({ first, path, inMetadata }: FieldReference): Value | undefined {
    if (inMetadata) return path.length === 0 ? this.metadata : this.#metadata && getAt(this.#metadata, path);
    const value = this.#get(first);
    return path.length === 1 || value === undefined ? value : getAt(value, path, 1);
  }

  /** As `JsonFields.findText`. False also where `get` would find a text. */
  findText({ first, path, inMetadata }: FieldReference, found: PlainText): boolean {
    return path.length === 1 && !inMetadata && this.#fields?.findText(first, found) === true;
  }

  has({ first, path, inMetadata }: FieldReference): boolean {
    if (inMetadata) return path.length === 0 || hasAt(this.metadata, path);
    if (path.length === 1) return this.#has(first);
    const value = this.#get(first);
    return value !== undefined && hasAt(value, path, 1);
  }

  /**
   * Missing parents become maps; a list index beyond the end pads with nulls.
   * @throws InvalidEventField when a parent is a scalar, or for a `@timestamp` that is no timestamp
   */
  set(reference: FieldReference, value: Value): void {
    const { first, path, inMetadata, text } = reference;
    if (inMetadata) {
      this.#setMetadata(reference, value);
      return;
    }
    if (path.length === 1) {
      if (first.text === '@timestamp' && !(value instanceof Timestamp)) {
        throw new InvalidEventField('wrong argument type for @timestamp (expected LogStash::Timestamp)');
      }
      this.#set(first, value);
      return;
    }
    let parent = this.#get(first);
    if (parent === undefined) {
      parent = {};
      this.#set(first, parent);
    }
    setAt(parent, path, value, text, 1);
  }

  /** As `set` of the map it stands for, which it costs less than. */
  setEncoded(reference: FieldReference, map: EncodedMap): void {
    const { first, path, inMetadata } = reference;
    if (inMetadata || path.length > 1 || first.text === '@timestamp') this.set(reference, map.toMap());
    else this.#set(first, map);
  }

  /** As `setEncoded`, of a field that is not there. False when it is or may be: nothing was set. */
  addEncoded({ first, path, inMetadata }: FieldReference, map: EncodedMap): boolean {
    const isPlain = !inMetadata && path.length === 1 && first.text !== '@timestamp';
    if (!isPlain || this.#fields?.add(first, map) !== true) return false;
    this.#written = undefined;
    return true;
  }

  #setMetadata({ path, text }: FieldReference, value: Value): void {
    if (path.length > 0) setAt(this.metadata, path, value, text);
    else if (isMap(value)) this.#metadata = value;
    else throw new InvalidEventField('@metadata cannot be set to anything but a map');
  }

  /** Gives the removed value, or `undefined` when there was none. */
  remove({ first, path, inMetadata }: FieldReference): Value | undefined {
    if (inMetadata) {
      if (path.length > 0) return removeAt(this.metadata, path);
      const removed = this.metadata;
      this.#metadata = undefined;
      return removed;
    }
    this.#written = undefined;
    if (path.length === 1) return this.#fields === undefined ? removeAt(this.data, path) : this.#fields.remove(first);
    const value = this.#get(first);
    return value === undefined ? undefined : removeAt(value, path, 1);
  }

  /**
   * Adds a tag once; a scalar `tags` is wrapped. Logstash's worker dies when `tags` is a map, a number or a boolean: here
   * it gives way to the tag.
   */
  tag(name: string): void {
    const tags = this.getField('tags');
    if (Array.isArray(tags)) {
      if (!tags.includes(name)) tags.push(name);
    } else if (typeof tags === 'string' || tags === null) {
      if (tags !== name) this.setField('tags', [tags, name]);
    } else {
      this.setField('tags', [name]);
    }
  }

  /** Writes the fields as JSON. */
  writeJson(out: TextBuffer): void {
    if (this.#written?.copyTo(out)) return;
    const start = out.length;
    if (this.#fields === undefined) out.append(encodeJson(this.#data as ValueMap));
    else this.#fields.write(out);
    this.#written = out.placeFrom(start);
  }

  /** A deep copy with the same batch; the caller gives it an `origin` of its own and holds the batch. */
  clone(): Event {
    const copy = new Event(copyMap(this.data), copyMap(this.metadata), this.batch);
    copy.origin = this.origin;
    return copy;
  }
}

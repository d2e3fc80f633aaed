import { getAt, hasAt, removeAt, setAt } from './accessors.ts';
import { type FieldReference, parseFieldReference } from './fieldReference.ts';
import { parseIso8601 } from './isoTimestamp.ts';
import { SourceBatch } from './sourceBatch.ts';
import { copyMap, getKey, hasKey, isMap, Timestamp, type Value, type ValueMap } from './value.ts';

export const TIMESTAMP_FAILURE_TAG = '_timestampparsefailure';

/** Thrown where Logstash refuses a value; a filter turns it into its failure tag. */
export class InvalidEventField extends Error {
  override name = 'InvalidEventField';
}

const TAGS = parseFieldReference('tags');

/**
 * One log event: a map of fields with `@timestamp` and `@version`, and `@metadata` beside it, which no codec encodes.
 */
export class Event {
  data: ValueMap;
  metadata: ValueMap;
  /** Where settlement is reported. */
  batch: SourceBatch;
  /** Names the record this event came from, the same on every replay; `undefined` for sources that cannot replay. */
  origin: string | undefined;
  cancelled = false;

  constructor(data: ValueMap, metadata: ValueMap, batch: SourceBatch = new SourceBatch()) {
    this.data = data;
    this.metadata = metadata;
    this.batch = batch;
    this.origin = undefined;
  }

  /**
   * The event of a decoded map, which it takes over: adds `@version`, reads `@timestamp` (ISO 8601 text; anything else is
   * kept in `_@timestamp` and tagged), lifts `@metadata`.
   * @param arrivalMs `@timestamp` of an event that brings none, in milliseconds since 1970
   * @throws InvalidEventField when `@metadata` is not a map, or a bad `@timestamp` meets `tags` that take no tag
   */
  static fromMap(data: ValueMap, arrivalMs: number): Event {
    let metadata: ValueMap = {};
    if (hasKey(data, '@metadata')) {
      const given = data['@metadata'] as Value;
      if (!isMap(given)) throw new InvalidEventField('@metadata is not a map');
      metadata = given;
      delete data['@metadata'];
    }
    if (!hasKey(data, '@version')) data['@version'] = '1';
    const event = new Event(data, metadata);
    event.#initTimestamp(arrivalMs);
    return event;
  }

  #initTimestamp(arrivalMs: number): void {
    const given = getKey(this.data, '@timestamp');
    if (given instanceof Timestamp) return;
    const parsed = typeof given === 'string' ? parseIso8601(given) : undefined;
    this.data['@timestamp'] = new Timestamp(parsed ?? arrivalMs);
    if (parsed !== undefined || given === undefined || given === null) return;
    const tags = getKey(this.data, 'tags');
    if (tags !== undefined && tags !== null && typeof tags !== 'string' && !Array.isArray(tags)) {
      throw new InvalidEventField('tags cannot take a tag');
    }
    this.tag(TIMESTAMP_FAILURE_TAG);
    this.data['_@timestamp'] = given;
  }

  /** `undefined` when the field was removed. */
  get timestamp(): Timestamp | undefined {
    const value = this.data['@timestamp'];
    return value instanceof Timestamp ? value : undefined;
  }

  get(reference: FieldReference): Value | undefined {
    const { path } = reference;
    if (path.length === 1 && !reference.inMetadata) return getKey(this.data, path[0] as string);
    const root = reference.inMetadata ? this.metadata : this.data;
    return path.length === 0 ? root : getAt(root, path);
  }

  has(reference: FieldReference): boolean {
    if (reference.path.length === 0) return true;
    return hasAt(reference.inMetadata ? this.metadata : this.data, reference.path);
  }

  /**
   * Missing parents become maps; a list index beyond the end pads with nulls.
   * @throws InvalidEventField when a parent is a scalar, or for a `@timestamp` that is no timestamp
   */
  set(reference: FieldReference, value: Value): void {
    const { path, inMetadata } = reference;
    if (path.length === 0) {
      if (!isMap(value)) throw new InvalidEventField('@metadata cannot be set to anything but a map');
      this.metadata = value;
      return;
    }
    if (!inMetadata && path.length === 1 && path[0] === '@timestamp' && !(value instanceof Timestamp)) {
      throw new InvalidEventField('wrong argument type for @timestamp (expected LogStash::Timestamp)');
    }
    setAt(inMetadata ? this.metadata : this.data, path, value, reference.text);
  }

  /** Gives the removed value, or `undefined` when there was none. */
  remove(reference: FieldReference): Value | undefined {
    if (reference.path.length > 0) return removeAt(reference.inMetadata ? this.metadata : this.data, reference.path);
    const removed = this.metadata;
    this.metadata = {};
    return removed;
  }

  /**
   * Adds a tag once; a scalar `tags` is wrapped. Logstash's worker dies when `tags` is a map, a number or a boolean: here
   * it gives way to the tag.
   */
  tag(name: string): void {
    const tags = this.get(TAGS);
    if (Array.isArray(tags)) {
      if (!tags.includes(name)) tags.push(name);
    } else if (typeof tags === 'string' || tags === null) {
      if (tags !== name) this.data['tags'] = [tags, name];
    } else {
      this.data['tags'] = [name];
    }
  }

  /** A deep copy with the same batch; the caller gives it an `origin` of its own and holds the batch. */
  clone(): Event {
    const copy = new Event(copyMap(this.data), copyMap(this.metadata), this.batch);
    copy.origin = this.origin;
    return copy;
  }
}

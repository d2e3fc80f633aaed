/**
 * The keys of JSON objects in the order in which they come, learned from the objects themselves: those of one source mostly
 * have the same keys in the same order, so that a reader compares bytes with what came last time in place of decoding keys.
 */

import type { FieldName } from './fieldReference.ts';

/** Of all shapes of one reader. Keys made of values, such as ids, would go on for ever; beyond it objects are parsed in full. */
const SHAPES_MAX = 4096;
/** A longer object costs more to look through than to parse. */
export const KEYS_MAX = 64;

/** One key behind those of `before`. The first of all has no key: it stands for the empty object. */
export class JsonShape {
  readonly key: string;
  /** Keys up to this one. */
  readonly count: number;
  /** The key's bytes with the quote behind it. */
  readonly quotedEnd: Buffer;
  /** False for an object that has to be parsed in full: a key twice, or one that is more than a name. */
  readonly isPlain: boolean;
  /** What came behind this key last time. */
  next: JsonShape | undefined;
  readonly #before: JsonShape | undefined;
  readonly #registry: Registry;
  readonly #after = new Map<string, JsonShape>();
  #nested: JsonShape | undefined;
  #indices: Map<string, number> | undefined;
  #keys: readonly string[] | undefined;
  #texts: Buffer[] | undefined;
  #memory: TextMemory | undefined;

  private constructor(key: string, before: JsonShape | undefined, registry: Registry) {
    this.key = key;
    this.count = before === undefined ? 0 : before.count + 1;
    this.quotedEnd = Buffer.from(`${key}"`);
    this.isPlain = before === undefined || (before.isPlain && isPlainKey(key) && !before.#has(key));
    this.#before = before;
    this.#registry = registry;
    registry.count += 1;
  }

  static empty(): JsonShape {
    return new JsonShape('', undefined, { count: 0 });
  }

  /** The shape with one key more; `undefined` when there are too many. */
  with(key: string): JsonShape | undefined {
    let shape = this.#after.get(key);
    if (shape === undefined) {
      if (this.#registry.count >= SHAPES_MAX || this.count >= KEYS_MAX) return undefined;
      shape = new JsonShape(key, this, this.#registry);
      this.#after.set(key, shape);
    }
    this.next = shape;
    return shape;
  }

  /** Where objects begin that are the value of this key, or of elements of it. */
  get nested(): JsonShape {
    this.#nested ??= new JsonShape('', undefined, this.#registry);
    return this.#nested;
  }

  /** Which key of an object of this shape it is; -1 for none. */
  indexOf(name: FieldName): number {
    if (name.shape !== this) {
      this.#indices ??= new Map(this.keys().map((key, index) => [key, index]));
      name.index = this.#indices.get(name.text) ?? -1;
      name.shape = this;
    }
    return name.index;
  }

  keys(): readonly string[] {
    this.#keys ??= this.#path();
    return this.#keys;
  }

  /** `,"key":` of each key. */
  texts(): readonly Buffer[] {
    this.#texts ??= this.keys().map((key) => Buffer.from(`,${JSON.stringify(key)}:`));
    return this.#texts;
  }

  /** Texts of the last object of this shape. */
  get memory(): TextMemory {
    this.#memory ??= new TextMemory(this.count);
    return this.#memory;
  }

  #has(key: string): boolean {
    if (this.#before === undefined) return false;
    return this.key === key || this.#before.#has(key);
  }

  #path(): string[] {
    const keys: string[] = [];
    for (let shape: JsonShape | undefined = this; shape !== undefined && shape.count > 0; shape = shape.#before) {
      keys.unshift(shape.key);
    }
    return keys;
  }
}

/** Longer ones rarely come again. */
const REMEMBERED_MAX = 24;

/** The text that each field had last: many have the same again and again, and comparing costs less than decoding. */
class TextMemory {
  readonly #texts: string[];

  constructor(count: number) {
    this.#texts = new Array<string>(count).fill('');
  }

  /** The text of these bytes, which are ASCII. */
  ascii(index: number, bytes: Buffer, start: number, end: number): string {
    const last = this.#texts[index] as string;
    if (last.length === end - start && isSame(last, bytes, start)) return last;
    const text = bytes.latin1Slice(start, end);
    if (text.length <= REMEMBERED_MAX) this.#texts[index] = text;
    return text;
  }
}

function isSame(text: string, bytes: Buffer, start: number): boolean {
  for (let n = 0; n < text.length; n++) if (text.charCodeAt(n) !== bytes[start + n]) return false;
  return true;
}

interface Registry {
  count: number;
}

/**
 * Brackets are references to Logstash, `@timestamp` and `@metadata` are no fields, an object puts keys that are numbers in
 * front, and `__proto__` is no key to it at all.
 */
function isPlainKey(key: string): boolean {
  return !/[[\]]|^\d/.test(key) && key !== '@timestamp' && key !== '@metadata' && key !== '__proto__';
}

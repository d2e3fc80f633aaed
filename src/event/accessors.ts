/** Reads and writes along a path through maps and lists, by the rules of Logstash's `Accessors`. */
import { getKey, hasKey, isMap, setKey, type Value } from './value.ts';

export class InvalidFieldSet extends Error {
  constructor(reference: string, parent: Value) {
    super(`Could not set field '${reference}': its parent is neither a map nor a list but ${typeof parent}`);
    this.name = 'InvalidFieldSet';
  }
}

const INDEX = /^[+-]?\d{1,9}$/;

/** The element a numeric segment addresses; negative counts from the end. `undefined` when it is none or out of range. */
function elementIndex(list: readonly Value[], segment: string): number | undefined {
  if (!INDEX.test(segment)) return undefined;
  const index = Number(segment);
  const absolute = index < 0 ? list.length + index : index;
  return absolute >= 0 && absolute < list.length ? absolute : undefined;
}

function child(parent: Value | undefined, segment: string): Value | undefined {
  if (Array.isArray(parent)) {
    const index = elementIndex(parent, segment);
    return index === undefined ? undefined : parent[index];
  }
  return isMap(parent) ? getKey(parent, segment) : undefined;
}

/** The value below `root` that the path leads to, or that its segments from `from` up to `to` do. */
export function getAt(root: Value, path: readonly string[], from = 0, to = path.length): Value | undefined {
  let current: Value | undefined = root;
  for (let i = from; i < to; i++) {
    current = child(current, path[i] as string);
    if (current === undefined) return undefined;
  }
  return current;
}

export function hasAt(root: Value, path: readonly string[], from = 0): boolean {
  const parent = getAt(root, path, from, path.length - 1);
  const last = path.at(-1) as string;
  if (Array.isArray(parent)) return elementIndex(parent, last) !== undefined;
  return isMap(parent) && hasKey(parent, last);
}

export function removeAt(root: Value, path: readonly string[], from = 0): Value | undefined {
  const parent = getAt(root, path, from, path.length - 1);
  const last = path.at(-1) as string;
  if (Array.isArray(parent)) {
    const index = elementIndex(parent, last);
    return index === undefined ? undefined : parent.splice(index, 1)[0];
  }
  if (!isMap(parent)) return undefined;
  const removed = getKey(parent, last);
  delete parent[last];
  return removed;
}

export function setAt(root: Value, path: readonly string[], value: Value, reference: string, from = 0): void {
  let parent: Value = root;
  for (let i = from; i < path.length - 1; i++) {
    const segment = path[i] as string;
    let next: Value | undefined = child(parent, segment);
    if (next === undefined) {
      next = {};
      if (!setChild(parent, segment, next, reference)) return;
    }
    parent = next;
  }
  setChild(parent, path.at(-1) as string, value, reference);
}

/** False when nothing was set: Logstash silently ignores a named key on a list. */
function setChild(parent: Value, segment: string, value: Value, reference: string): boolean {
  if (Array.isArray(parent)) return setElement(parent, segment, value, reference);
  if (!isMap(parent)) throw new InvalidFieldSet(reference, parent);
  setKey(parent, segment, value);
  return true;
}

/** A list longer than this can only come from a hostile index such as `[a][999999999]`. */
const PADDING_MAX = 10_000;

function setElement(list: Value[], segment: string, value: Value, reference: string): boolean {
  if (!INDEX.test(segment)) return false;
  const index = Number(segment) < 0 ? list.length + Number(segment) : Number(segment);
  if (index < 0 || index > list.length + PADDING_MAX) {
    throw new RangeError(`Could not set field '${reference}': index out of range`);
  }
  while (list.length < index) list.push(null);
  list[index] = value;
  return true;
}

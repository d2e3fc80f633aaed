/**
 * Field references: `name`, `[a][b]`, `[[a][b]][c]`, `[@metadata][x]`. Strict mode, the only one in Logstash 7: anything
 * else, such as `a[b]` or `[a`, is illegal.
 */

export class InvalidFieldReference extends Error {
  constructor(text: string) {
    super(`Invalid FieldReference: \`${text}\``);
    this.name = 'InvalidFieldReference';
  }
}

/** The name of a field at the top of events, with the place at which it was found last. */
export class FieldName {
  readonly text: string;
  /** What the place is in. */
  shape: object | undefined = undefined;
  /** -1 for none. */
  index = -1;

  constructor(text: string) {
    this.text = text;
  }
}

export interface FieldReference {
  /** As written. */
  readonly text: string;
  /** Of the first segment of the path. */
  readonly first: FieldName;
  /** At least one segment; without `@metadata` in front where `inMetadata` is set. Empty only for `[@metadata]` itself. */
  readonly path: readonly string[];
  readonly inMetadata: boolean;
}

/** References built by sprintf may be as many as there are values, so the cache is bounded. */
const CACHE_MAX = 10_000;
/** A longer one, made of an event's own text, would nest deeper than can be written out. */
const SEGMENTS_MAX = 1000;
const cache = new Map<string, FieldReference>();
const names = new Map<string, FieldName>();

/** Any text is a name. */
export function fieldName(text: string): FieldName {
  let name = names.get(text);
  if (name === undefined) {
    name = new FieldName(text);
    if (names.size >= CACHE_MAX) names.clear();
    names.set(text, name);
  }
  return name;
}

/** @throws InvalidFieldReference */
export function parseFieldReference(text: string): FieldReference {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const segments = splitSegments(text);
  if (segments.length > SEGMENTS_MAX) throw new InvalidFieldReference(`${text.slice(0, 40)}…`);
  const inMetadata = segments[0] === '@metadata';
  const path = inMetadata ? segments.slice(1) : segments;
  const reference = { text, first: fieldName(path[0] ?? ''), path, inMetadata };
  if (cache.size >= CACHE_MAX) cache.clear();
  cache.set(text, reference);
  return reference;
}

/** @throws InvalidFieldReference */
export function splitSegments(text: string): string[] {
  if (!text.includes('[') && !text.includes(']')) return [text];
  const segments: string[] = [];
  let depth = 0;
  let segmentStart = 0;
  let previous = '';
  for (let i = 0; i < text.length; i++) {
    const current = text[i] as string;
    if (current === '[') {
      if (segmentStart !== i) throw new InvalidFieldReference(text);
      depth++;
      segmentStart = i + 1;
    } else if (current === ']') {
      if (depth === 0 || (segmentStart === i && previous !== ']')) throw new InvalidFieldReference(text);
      if (segmentStart < i) segments.push(text.slice(segmentStart, i));
      depth--;
      segmentStart = i + 1;
    } else if (previous === ']') {
      throw new InvalidFieldReference(text);
    }
    previous = current;
  }
  if (depth > 0) throw new InvalidFieldReference(text);
  return segments;
}

/** Whether a path of an index holds objects or values: the part of dynamic mapping on which documents are refused. */
export type Mapping = Map<string, 'object' | 'value'>;

const LONG_MAX = 2n ** 63n - 1n;
/** Cheap test for what the exact one must look at: a number of many digits, or with an exponent. */
const MAY_BE_TOO_LARGE = /\d{18}|\d[eE]\+?\d{3}/;

/** Adds the document's paths to the mapping, or gives the reason for which Elasticsearch refuses it and adds nothing. */
export function mapDocument(
  mapping: Mapping,
  source: string,
  document: Readonly<Record<string, unknown>>,
): string | undefined {
  if (MAY_BE_TOO_LARGE.test(source) && hasUnmappableNumber(source)) return 'failed to parse: number out of range';
  const additions: Mapping = new Map();
  for (const [path, kind] of pathsOf(document, '')) {
    const known = mapping.get(path) ?? additions.get(path);
    if (known === undefined) additions.set(path, kind);
    else if (known !== kind)
      return `object mapping for [${path}] tried to parse field [${path}] as object, or the reverse`;
  }
  for (const [path, kind] of additions) mapping.set(path, kind);
  return undefined;
}

/** A key with dots stands for nested objects; an array for each of its elements. */
function* pathsOf(value: unknown, path: string): Generator<[string, 'object' | 'value']> {
  if (value === null || value === undefined) return;
  if (Array.isArray(value)) {
    for (const element of value) yield* pathsOf(element, path);
  } else if (typeof value === 'object') {
    if (path !== '') yield [path, 'object'];
    for (const [key, inner] of Object.entries(value)) yield* keyPaths(key.split('.'), inner, path);
  } else {
    yield [path, 'value'];
  }
}

function* keyPaths(
  [first = '', ...rest]: string[],
  value: unknown,
  parent: string,
): Generator<[string, 'object' | 'value']> {
  const path = parent === '' ? first : `${parent}.${first}`;
  if (rest.length === 0) return yield* pathsOf(value, path);
  yield [path, 'object'];
  yield* keyPaths(rest, value, path);
}

function hasUnmappableNumber(source: string): boolean {
  let found = false;
  JSON.parse(source, (_key, value: unknown, context?: { source?: string }) => {
    if (typeof value === 'number') found ||= isUnmappable(value, context?.source ?? '');
    return value;
  });
  return found;
}

function isUnmappable(value: number, text: string): boolean {
  if (!/^-?\d+$/.test(text)) return !Number.isFinite(value);
  const integer = BigInt(text);
  return integer > LONG_MAX || integer < -LONG_MAX - 1n;
}

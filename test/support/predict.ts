import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';

/**
 * Where the user's pipeline takes an event, worked out from the raw record by rules written down apart from the product's code: an oracle
 * for tests and the demo. It knows routing, month and S3 line, not the whole document.
 */
export interface Prediction {
  /** `accesslog-202611` and the like; undefined when the event reaches no output. */
  readonly index: string | undefined;
  /** The `test-accesslog/2026/11/22/` of an event that becomes a line of an S3 object. */
  readonly s3Prefix: string | undefined;
  /** Why Elasticsearch refuses the document, whatever came before it: the event is then in the dead letter queue, and still in S3. */
  readonly refused: string | undefined;
  readonly logtype: unknown;
  readonly timestamp: Date;
}

export interface Totals {
  readonly events: number;
  /** Documents by index. */
  readonly indices: Readonly<Record<string, number>>;
  readonly s3Lines: number;
  /** Events that reach no output. */
  readonly unrouted: number;
  readonly refused: number;
}

type Fields = Map<string, unknown>;

const ROUTES = ['accesslog', 'api-responselog', 'api-requestlog'] as const;
const LONG_MAX = 2n ** 63n - 1n;
const GZIP = 0x1f8b;
const ZSTD = 0x28b52ffd;

export function predict(record: Uint8Array, arrival: Date): Prediction[] {
  const text = inflate(Buffer.from(record)).toString('utf8');
  return decode(text).map((fields) => route(fields, arrival));
}

export function addUp(predictions: Iterable<Prediction>): Totals {
  const indices: Record<string, number> = {};
  let [events, s3Lines, unrouted, refused] = [0, 0, 0, 0];
  for (const prediction of predictions) {
    events += 1;
    if (prediction.s3Prefix !== undefined) s3Lines += 1;
    if (prediction.index === undefined) unrouted += 1;
    else if (prediction.refused !== undefined) refused += 1;
    else indices[prediction.index] = (indices[prediction.index] ?? 0) + 1;
  }
  return { events, indices, s3Lines, unrouted, refused };
}

function inflate(bytes: Buffer): Buffer {
  if (bytes.length < 4) return bytes;
  if (bytes.readUInt16BE() === GZIP) return gunzipSync(bytes);
  if (bytes.readUInt32BE() === ZSTD) return zstdDecompressSync(bytes);
  const isZlib = bytes[0] === 0x78 && bytes.readUInt16BE() % 31 === 0;
  return isZlib ? inflateSync(bytes) : bytes;
}

/** Codec json: an event for an object or an array's elements, none for blank text, one without `logtype` for what is no JSON. */
function decode(text: string): Fields[] {
  if (text.trim() === '') return [];
  const documents = parseDocuments(text);
  if (documents === undefined) return [new Map()];
  return documents.flatMap((document) => (Array.isArray(document) ? document : [document])).map(toFields);
}

function toFields(document: unknown): Fields {
  return isObject(document) ? new Map(Object.entries(document)) : new Map();
}

function route(fields: Fields, arrival: Date): Prediction {
  let timestamp = timestampOf(fields.get('@timestamp')) ?? arrival;
  const numbers: unknown[] = [...fields.values()];
  if (firstRoute(fields.get('logtype')) === 'accesslog') {
    numbers.push(converted(fields.get('size')), converted(fields.get('code')));
  } else if (isPartOf(fields.get('logtype'), 'api-responselog')) {
    mergeLogdata(fields);
    if (typeof fields.get('@timestamp') === 'string') timestamp = timestampOf(fields.get('@timestamp')) ?? arrival;
    numbers.push(...fields.values());
  }
  const logtype = fields.get('logtype');
  const target = firstRoute(logtype);
  const [year = '', month = '', day = ''] = timestamp.toISOString().slice(0, 10).split('-');
  return {
    index: target && `${target}-${year}${month}`,
    s3Prefix: target === 'accesslog' ? `test-accesslog/${year}/${month}/${day}/` : undefined,
    refused: refusal(fields, numbers),
    logtype,
    timestamp,
  };
}

/** `if [logtype] in "accesslog"` is true for every part of that text; the three branches are tried in this order. */
function firstRoute(logtype: unknown): string | undefined {
  return ROUTES.find((name) => isPartOf(logtype, name));
}

function isPartOf(value: unknown, text: string): boolean {
  return typeof value === 'string' && text.includes(value);
}

/** `json { source => "logdata" }`: keys are field references; the first that is none ends the merge. */
function mergeLogdata(fields: Fields): void {
  const source = fields.get('logdata');
  const documents = typeof source === 'string' ? parseDocuments(source.replace(/^\uFEFF/, '')) : undefined;
  const first = documents?.[0];
  if (!isObject(first)) return;
  for (const [key, value] of Object.entries(first)) {
    const path = toPath(key);
    if (path === undefined || (key === '@metadata' && !isObject(value))) return;
    setPath(fields, path, value);
  }
}

function toPath(key: string): string[] | undefined {
  if (!/[[\]]/.test(key)) return [key];
  return /^(\[[^[\],]+\])+$/.test(key) ? key.slice(1, -1).split('][') : undefined;
}

function setPath(fields: Fields, [root = '', ...rest]: readonly string[], value: unknown): void {
  const nested = rest.reduceRight((inner, name) => ({ [name]: inner }), value);
  fields.set(root, nested);
}

/** Elasticsearch refuses numbers it has no type for, and a key with a dot whose first part is itself a field with a value. */
function refusal(fields: Fields, values: readonly unknown[]): string | undefined {
  if (values.some(isUnmappable)) return 'a number beyond the range of a long or a double';
  const dotted = [...fields.keys()].find((key) => key.includes('.') && isConcrete(fields.get(key.split('.')[0] ?? '')));
  return dotted && `[${dotted}] needs an object where there is a value`;
}

function isConcrete(value: unknown): boolean {
  return value !== undefined && value !== null && !isObject(value);
}

function isUnmappable(value: unknown): boolean {
  if (typeof value === 'bigint') return value > LONG_MAX || value < -LONG_MAX - 1n;
  if (typeof value === 'number') return !Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(isUnmappable);
}

/** `mutate { convert => integer }` of text: the digits it begins with. */
function converted(value: unknown): unknown {
  const digits = typeof value === 'string' ? /^\s*(-?\d+)/.exec(value)?.[1] : undefined;
  return digits === undefined ? value : BigInt(digits);
}

/** ISO 8601 as Logstash reads it, UTC when it names no zone. */
function timestampOf(value: unknown): Date | undefined {
  const match = /^\d{4}-\d\d-\d\d(T\d\d(:\d\d(:\d\d([.,]\d+)?)?)?(Z|[+-]\d\d:?\d\d)?)?$/.exec(String(value));
  if (typeof value !== 'string' || match === null) return undefined;
  const date = new Date(match[1] && !match[5] ? `${value.replace(',', '.')}Z` : value.replace(',', '.'));
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** One or more JSON values one after another; undefined when a part of the text is no JSON. */
function parseDocuments(text: string): unknown[] | undefined {
  try {
    return [parseJson(text)];
  } catch {
    const parts = splitDocuments(text);
    if (parts.length < 2) return undefined;
    try {
      return parts.map(parseJson);
    } catch {
      return undefined;
    }
  }
}

/** Integers beyond 2^53 come as bigint, so that their size is known. */
function parseJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    const isLarge = typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '');
    return isLarge ? BigInt(context?.source ?? 0) : value;
  });
}

/** Cuts after each bracket that closes the outermost one; strings are passed over. */
function splitDocuments(text: string): string[] {
  const parts: string[] = [];
  let [depth, start] = [0, 0];
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '{' || token === '[') depth += 1;
    if (token === '}' || token === ']') depth -= 1;
    if (depth > 0 || token.startsWith('"')) continue;
    parts.push(text.slice(start, index + 1));
    start = index + 1;
  }
  const rest = text.slice(start).trim();
  return rest === '' ? parts : [...parts, rest];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Events on disk as they are in memory, but for the batch they belong to: a line of JSON each, and beside it what JSON
 * cannot say of their values, so that what a later reader writes of them has the same bytes.
 */
import { Event } from '../event/event.ts';
import { encodeJson, parseEncodedJson } from '../event/json.ts';
import { Decimal, Float, getKey, isMap, Scalar, setKey, Timestamp, type Value, type ValueMap } from '../event/value.ts';

export function encodeEvents(events: readonly Event[]): Buffer {
  return Buffer.from(events.map(encodeLine).join('\n'));
}

/** Those that cannot be encoded go to `refuse`, and are not counted. */
export function encodeSound(
  events: readonly Event[],
  refuse: (event: Event, error: unknown) => void,
): { readonly payload: Buffer; readonly count: number } {
  try {
    return { payload: encodeEvents(events), count: events.length };
  } catch {
    const sound = events.filter((event) => {
      try {
        return encodeLine(event) !== '';
      } catch (error) {
        refuse(event, error);
        return false;
      }
    });
    return { payload: encodeEvents(sound), count: sound.length };
  }
}

/** They stand in a batch each of their own. */
export function decodeEvents(bytes: Uint8Array): Event[] {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8').split('\n').map(decodeLine);
}

const NEWLINE = 0x0a;

/** How many events `bytes` has, without decoding them. */
export function countEvents(bytes: Uint8Array): number {
  let count = 1;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

function encodeLine({ data, metadata, origin }: Event): string {
  const line: ValueMap = { event: data, metadata };
  const scalars: Value[] = [];
  findScalars(line, [], scalars);
  if (scalars.length > 0) line['scalars'] = scalars;
  if (origin !== undefined) line['origin'] = origin;
  return encodeJson(line);
}

function decodeLine(text: string): Event {
  const line = mapOf(parseEncodedJson(text));
  for (const scalar of listOf(line['scalars'])) restoreScalar(line, listOf(scalar));
  const event = new Event(mapOf(line['event']), mapOf(line['metadata']));
  if (typeof line['origin'] === 'string') event.origin = line['origin'];
  return event;
}

/** Adds those that JSON alone would not bring back, each as `[kind, what it is made of, its path]`. */
function findScalars(value: Value, path: (string | number)[], found: Value[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof Scalar) {
    const parts = partsOf(value);
    if (parts !== undefined) found.push([...parts, [...path]]);
    return;
  }
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    path.push(key);
    findScalars(
      Array.isArray(value) ? (value[Number(key)] ?? null) : (getKey(value, String(key)) ?? null),
      path,
      found,
    );
    path.pop();
  }
}

function partsOf(value: Scalar): [kind: string, of: Value] | undefined {
  if (value instanceof Timestamp) return ['time', value.epochMs];
  if (value instanceof Decimal) return ['decimal', [value.unscaled, value.scale]];
  // A finite one is known by the form of its number.
  if (value instanceof Float && !Number.isFinite(value.value)) return ['float', String(value.value)];
  return undefined;
}

function restoreScalar(root: ValueMap, [kind, of = null, path]: readonly Value[]): void {
  const keys = listOf(path);
  const last = keys.at(-1);
  const parent = keys.slice(0, -1).reduce<Value>(childOf, root);
  const value = scalarOf(kind, of);
  if (Array.isArray(parent)) parent[Number(last)] = value;
  else setKey(mapOf(parent), String(last), value);
}

function childOf(parent: Value, key: Value): Value {
  return (Array.isArray(parent) ? parent[Number(key)] : getKey(mapOf(parent), String(key))) ?? null;
}

function scalarOf(kind: Value | undefined, of: Value): Scalar {
  if (kind === 'time') return new Timestamp(Number(of));
  if (kind === 'float') return new Float(Number(of));
  const [unscaled = '0', scale = 0] = listOf(of);
  return new Decimal(String(unscaled), Number(scale));
}

function listOf(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? value : [];
}

function mapOf(value: Value | undefined): ValueMap {
  return value !== undefined && isMap(value) ? value : {};
}

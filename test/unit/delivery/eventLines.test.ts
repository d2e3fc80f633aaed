import { describe, expect, test } from 'vitest';
import { countEvents, decodeEvents, encodeEvents } from '../../../src/delivery/eventLines.ts';
import { Event } from '../../../src/event/event.ts';
import { encodeJson, parseJson } from '../../../src/event/json.ts';
import { Decimal, Float, setKey, Timestamp, type Value, type ValueMap } from '../../../src/event/value.ts';

function eventOf(data: ValueMap, metadata: ValueMap = {}): Event {
  return Event.fromMap({ ...data, '@metadata': metadata }, Date.UTC(2020, 9, 20, 3, 56, 0, 7));
}

function again(event: Event): Event {
  const [decoded] = decodeEvents(encodeEvents([event]));
  if (decoded === undefined) throw new Error('no event');
  return decoded;
}

function nested(depth: number): Value {
  let value: Value = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

const hostile: ValueMap = {};
setKey(hostile, '__proto__', new Decimal('15', 1));
setKey(hostile, 'constructor', { toString: 'x' });

describe('an event on disk', () => {
  test.each<[string, Value]>([
    ['text', 'a "quoted"\nline,   é 한국어 😀'],
    ['a lone surrogate', 'a\ud800b'],
    ['integers', [0, -5, Number.MAX_SAFE_INTEGER, 12345678901234567890n]],
    ['doubles', [0.5, 1e-7, 0.1 + 0.2, 1.5e-300, new Float(1), new Float(-0), new Float(1e300)]],
    ['doubles that JSON has not', [new Float(Number.POSITIVE_INFINITY), new Float(Number.NEGATIVE_INFINITY)]],
    ['decimals', { a: new Decimal('150', 2), b: [[new Decimal('-5', 0)], new Decimal('1', -30)] }],
    ['times', [{ at: new Timestamp(Date.UTC(2020, 1, 1)) }, new Timestamp(-62_200_000_000_000)]],
    ['a text that looks like a time', '2020-10-20T03:56:00.000Z'],
    ['null, booleans, empty things', [null, true, false, {}, [], '']],
    ['names of built-in properties', hostile],
    ['a thousand levels', nested(999)],
    ['a hostile name', { event: 1, scalars: [['time', 5, ['event', 'x']]], origin: 'not mine' }],
  ])('%s comes back as it was', (_name, value) => {
    const event = eventOf({ field: value }, { meta: value });
    const decoded = again(event);
    expect(decoded.data).toEqual(event.data);
    expect(decoded.metadata).toEqual(event.metadata);
    expect(encodeJson(decoded.data)).toBe(encodeJson(event.data));
    expect(Object.keys(decoded.data)).toEqual(Object.keys(event.data));
    expect(decoded.timestamp).toEqual(new Timestamp(Date.UTC(2020, 9, 20, 3, 56, 0, 7)));
  });

  test('numbers of both readers of JSON keep their kind', () => {
    const text = '{"a":1.0,"b":1.50,"c":1e3,"d":123456789012345678,"e":0.1234567890123456789}';
    for (const form of ['double', 'decimal'] as const) {
      const event = eventOf({ read: parseJson(text, form) });
      expect(again(event).data['read']).toEqual(event.data['read']);
    }
  });

  test('a removed timestamp stays away, and the origin stays', () => {
    const event = eventOf({ n: 1 });
    delete event.data['@timestamp'];
    event.origin = 'stream/shard-0/49';
    const decoded = again(event);
    expect(decoded.data).toEqual({ n: 1, '@version': '1' });
    expect(decoded.origin).toBe('stream/shard-0/49');
    expect(again(eventOf({})).origin).toBeUndefined();
  });

  test('many keep their order, and are counted without decoding', () => {
    const events = ['a\nb', 'c', 'd'].map((message) => eventOf({ message }));
    const bytes = encodeEvents(events);
    expect(decodeEvents(bytes).map(({ data }) => data['message'])).toEqual(['a\nb', 'c', 'd']);
    expect(countEvents(bytes)).toBe(3);
    expect(countEvents(encodeEvents(events.slice(0, 1)))).toBe(1);
  });
});

import { describe, expect, it } from 'vitest';
import { pick, type Random, seededRandom } from '../../../scripts/geoip/random.ts';
import { EncodedMap } from '../../../src/event/encodedMap.ts';
import type { Event } from '../../../src/event/event.ts';
import { fieldName, parseFieldReference } from '../../../src/event/fieldReference.ts';
import { encodeJson } from '../../../src/event/json.ts';
import { JsonScanner } from '../../../src/event/jsonScanner.ts';
import { Float, isMap, Timestamp, type Value, type ValueMap } from '../../../src/event/value.ts';
import { decodeJsonEvents, JsonEventDecoder } from '../../../src/plugins/codecs/jsonEvents.ts';
import { convert } from '../../../src/plugins/filters/mutate/operations.ts';
import { TextBuffer } from '../../../src/util/textBuffer.ts';
import { FIELD_NAMES, randomBytes, randomDocument } from '../../support/jsonFuzz.ts';

/** `LOGSTASH_TS_FUZZ_EVENTS=1000000` looks longer. */
const FUZZ_EVENTS = Number(process.env['LOGSTASH_TS_FUZZ_EVENTS'] ?? 30_000);
const ARRIVAL_MS = Date.UTC(2026, 10, 26);

function counters() {
  return { failures: { value: 0 }, trailing: { value: 0 } };
}

function written(event: Event): string {
  const out = new TextBuffer();
  event.writeJson(out);
  return out.take().toString();
}

const reused = new TextBuffer();

/** Into a buffer in which other events stood before, and will. */
function writtenAgain(event: Event, isFirst: boolean): string {
  if (isFirst) reused.truncate(0);
  const start = reused.length;
  event.writeJson(reused);
  return reused.peek().toString('utf8', start);
}

function changeInPlace(value: Value | undefined): void {
  if (Array.isArray(value)) value.push('in place');
  else if (isMap(value)) value['in place'] = true;
}

class Place extends EncodedMap {
  override toMap(): ValueMap {
    return { ip: '1.2.3.4', location: { lat: 1.5, lon: 2 } };
  }

  override write(out: TextBuffer): void {
    out.append('{"ip":"1.2.3.4","location":{"lat":1.5,"lon":2}}');
  }
}

/** The fields of a text that has to be one the scanner knows. */
function scanned(text: string) {
  const bytes = Buffer.from(text);
  const fields = new JsonScanner().scan(bytes, 0, bytes.length);
  if (fields === undefined) throw new Error(`not scanned: ${text}`);
  return fields;
}

function writtenFields(text: string, change: (fields: ReturnType<typeof scanned>) => void): string {
  const fields = scanned(text);
  change(fields);
  const out = new TextBuffer();
  fields.write(out);
  return out.take().toString();
}

describe('fields that are decoded when they are asked for', () => {
  it.each<[title: string, text: string, change: (fields: ReturnType<typeof scanned>) => void, written: string]>([
    ['nothing changed', '{"a":1,"b":"x"}', () => {}, '{"a":1,"b":"x"}'],
    ['the first set', '{"a":1,"b":"x"}', (fields) => fields.set(fieldName('a'), 2), '{"a":2,"b":"x"}'],
    ['the last set', '{"a":1,"b":"x"}', (fields) => fields.set(fieldName('b'), 'y'), '{"a":1,"b":"y"}'],
    ['the first removed', '{"a":1,"b":"x","c":2}', (fields) => fields.remove(fieldName('a')), '{"b":"x","c":2}'],
    ['the last removed', '{"a":1,"b":"x"}', (fields) => fields.remove(fieldName('b')), '{"a":1}'],
    ['all removed', '{"a":1}', (fields) => fields.remove(fieldName('a')), '{}'],
    ['one added', '{"a":1}', (fields) => fields.set(fieldName('c'), true), '{"a":1,"c":true}'],
    ['one added to none', '{}', (fields) => fields.set(fieldName('c'), null), '{"c":null}'],
    [
      'one removed and set again',
      '{"a":1,"b":2}',
      (fields) => {
        fields.remove(fieldName('a'));
        fields.set(fieldName('a'), 3);
      },
      '{"b":2,"a":3}',
    ],
    [
      'a map changed in place',
      '{"a":{"b":1}}',
      (fields) => Object.assign(fields.get(fieldName('a')) as ValueMap, { c: 2 }),
      '{"a":{"b":1,"c":2}}',
    ],
    [
      'blanks',
      ' { "a" : 1 , "b" : [ 1 , 2 ] } '.trim(),
      (fields) => fields.set(fieldName('c'), 3),
      '{"a":1,"b":[1,2],"c":3}',
    ],
    ['escapes that JSON does not need', '{"a":"\\u0026\\/"}', () => {}, '{"a":"&/"}'],
    ['numbers in another form', '{"a":1.50,"b":1e2,"c":-0,"d":1.0}', () => {}, '{"a":1.5,"b":100.0,"c":0,"d":1.0}'],
  ])('%s', (_title, text, change, expected) => {
    expect(writtenFields(text, change)).toBe(expected);
  });

  it.each([
    ...[0, 9, 10, 99, 100, 65_535, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53, -0, -1, 1.5, 1e21, 1e-7],
    ...[new Float(1), 12n, 'a"b', true, null],
  ])('writes what was set as it is encoded elsewhere: %s', (value) => {
    expect(writtenFields('{"a":1}', (fields) => fields.set(fieldName('a'), value))).toBe(encodeJson({ a: value }));
  });

  it.each<[text: string, isDone: boolean, written: string]>([
    ['"200"', true, '200'],
    ['"0"', true, '0'],
    ['"007"', true, '7'],
    ['"123456789012345"', true, '123456789012345'],
    ['200', true, '200'],
    ['"1234567890123456"', false, '"1234567890123456"'],
    ['""', false, '""'],
    ['"-"', false, '"-"'],
    ['"1,2"', false, '"1,2"'],
    ['"\\u0031"', false, '"1"'],
    ['-1', false, '-1'],
    ['1.0', false, '1.0'],
    ['[1]', false, '[1]'],
    ['true', false, 'true'],
  ])('makes an integer of %s: %s', (text, isDone, expected) => {
    const answers: boolean[] = [];
    expect(writtenFields(`{"a":${text},"b":"x"}`, (fields) => answers.push(fields.makeInteger(fieldName('a'))))).toBe(
      `{"a":${expected},"b":"x"}`,
    );
    expect(answers).toEqual([isDone]);
  });

  it('makes no integer of a field that is not there, was removed or set', () => {
    const fields = scanned('{"a":"1","b":"2"}');
    fields.remove(fieldName('a'));
    fields.set(fieldName('b'), '3');
    expect([
      fields.makeInteger(fieldName('a')),
      fields.makeInteger(fieldName('b')),
      fields.makeInteger(fieldName('c')),
    ]).toEqual([false, false, false]);
  });

  it('gives each event the text that it has, whatever others of its shape had', () => {
    const decoder = new JsonEventDecoder(counters());
    const texts = ['on', 'on', 'off', 'on', '', 'no', 'long enough that nobody remembers it', 'é', 'é', 'on'];
    const lines = Buffer.from(texts.map((a) => `{"a":"${a}"}\n`).join(''));
    expect(decoder.decodeLines(lines, ARRIVAL_MS).map((event) => event.getField('a'))).toEqual(texts);
  });

  it.each([
    ['a key twice', '{"a":1,"a":2}'],
    ['a key twice deep inside', '{"a":[{"b":1,"b":2}]}'],
    ['a key that is a number', '{"1":1}'],
    ['a key that is a reference', '{"[a]":1}'],
    ['a key with an escape', '{"a\\n":1}'],
    ['a timestamp', '{"@timestamp":"2020-10-20T03:56:00Z"}'],
    ['no end', '{"a":1'],
    ['a comma before the end', '{"a":1,}'],
    ['a number with a leading zero', '{"a":01}'],
    ['a control character', '{"a":"\u0001"}'],
    ['no object', '[1]'],
  ])('leaves to the full parse: %s', (_title, text) => {
    const bytes = Buffer.from(text);
    expect(new JsonScanner().scan(bytes, 0, bytes.length)).toBeUndefined();
  });

  it('keeps to the bound on keys that never come again', () => {
    const scanner = new JsonScanner();
    const isScanned = (key: string) => {
      const bytes = Buffer.from(`{"${key}":1}`);
      return scanner.scan(bytes, 0, bytes.length) !== undefined;
    };
    const results = Array.from({ length: 10_000 }, (_, n) => isScanned(`key-${n}`));
    expect(results.slice(0, 1000)).not.toContain(false);
    expect(results.slice(-1000)).not.toContain(true);
    expect(isScanned('key-1')).toBe(true);
  });
});

const REFERENCES = [
  ...FIELD_NAMES,
  '[nested][a]',
  '[list][0]',
  '[a][b]',
  '[@metadata][x]',
  '[nested][list][1]',
  '7',
  '@timestamp',
];
const VALUES: readonly (() => Value)[] = [
  ...['x', 'é"\n', 5, -0, 1.5, null, true, new Timestamp(0)].map((value) => () => value),
  () => ['x', 1],
  () => ({ deep: { a: 1 } }),
];

/** Does something to an event, the same for the same seed, and gives what it answered. */
function act(seed: number, event: Event): unknown {
  const random = seededRandom(seed);
  const reference = parseFieldReference(pick(random, REFERENCES));
  const value = pick(random, VALUES)();
  const [toInteger] = convert(new Map([[reference.text, 'integer']]));
  const acts: (() => unknown)[] = [
    () => event.get(reference),
    () => toInteger?.(event),
    () => event.get(reference),
    () => event.set(reference, value),
    () => event.remove(reference),
    () => event.has(reference),
    () => event.tag(pick(random, ['_one', '_two'])),
    () => event.setEncoded(reference, new Place()),
    () => written(event),
    () => writtenAgain(event, random() < 0.3),
    () => changeInPlace(event.get(reference)),
    () => (random() < 0.2 ? encodeJson(event.data) : event.hasField('a')),
  ];
  try {
    return pick(random, acts)();
  } catch (error) {
    return error;
  }
}

function shown(answer: unknown): string {
  if (answer instanceof Error) return String(answer);
  return `${JSON.stringify(answer, (_key, item) => (typeof item === 'bigint' ? `${item}n` : item))}`;
}

function expectSame(actual: string, expected: string, where: string): void {
  if (actual !== expected) expect(actual, where).toBe(expected);
}

/** Decoding of one text, or of lines that hold it; either way by the full parse, and by what is faster. */
function decodeBoth(random: Random, bytes: Buffer, shared: JsonEventDecoder): [expected: Event[], actual: Event[]] {
  const [left, right] = [counters(), counters()];
  const decoder = random() < 0.3 ? new JsonEventDecoder(right) : shared;
  if (random() < 0.5) {
    return [decodeJsonEvents(bytes.toString('utf8'), ARRIVAL_MS, left), decoder.decode(bytes, ARRIVAL_MS)];
  }
  const lines = Buffer.concat([bytes, Buffer.from('\n'), bytes, Buffer.from('\n')]);
  const expected: Event[] = [];
  for (let start = 0, end = 0; start < lines.length; start = end + 1) {
    end = lines.indexOf('\n', start);
    expected.push(...decodeJsonEvents(lines.toString('utf8', start, end), ARRIVAL_MS, left));
  }
  const actual = decoder.decodeLines(lines, ARRIVAL_MS);
  if (decoder !== shared) expectSame(JSON.stringify(right), JSON.stringify(left), lines.toString());
  return [expected, actual];
}

describe(`${FUZZ_EVENTS} random texts`, () => {
  it('give the same events as a full parse, whatever is done to them', { timeout: 1_800_000 }, () => {
    const shared = new JsonEventDecoder(counters());
    for (let seed = 0; seed < FUZZ_EVENTS; seed++) {
      const random = seededRandom(seed);
      const bytes = randomBytes(random, randomDocument(random));
      const [expected, actual] = decodeBoth(random, bytes, shared);
      const where = `seed ${seed}: ${bytes.toString('utf8')}`;
      expectSame(String(actual.length), String(expected.length), where);
      for (const [index, one] of actual.entries()) {
        const other = expected[index] as Event;
        const steps = Math.floor(random() * 6);
        for (let step = 0; step < steps; step++) {
          const stepSeed = Math.floor(random() * 2 ** 32);
          expectSame(shown(act(stepSeed, one)), shown(act(stepSeed, other)), `${where}, step ${step}`);
        }
        expectSame(written(one), encodeJson(other.data), where);
        expectSame(encodeJson(one.data), encodeJson(other.data), where);
      }
    }
  });

  it('are nearly all read without a full parse', () => {
    const scanner = new JsonScanner();
    const texts = Array.from({ length: 1000 }, (_, seed) => Buffer.from(randomDocument(seededRandom(seed))));
    const known = texts.filter((bytes) => scanner.scan(bytes, 0, bytes.length) !== undefined);
    expect(known.length).toBeGreaterThan(500);
  });
});

describe('a text where it stands', () => {
  const found = { bytes: Buffer.alloc(0), start: 0, end: 0 };

  it('is found when it is ASCII without escapes', () => {
    const fields = scanned('{"a":1,"b":"1.2.3.4","c":""}');
    expect(fields.findText(fieldName('b'), found)).toBe(true);
    expect(found.bytes.toString('utf8', found.start - 1, found.end + 1)).toBe('"1.2.3.4"');
    expect(fields.findText(fieldName('c'), found)).toBe(true);
    expect(found.end).toBe(found.start);
  });

  it.each(['{"a":1}', '{"a":null}', '{"a":["x"]}', '{"a":{"a":"x"}}', '{"a":"x\\n"}', '{"a":"é"}', '{"b":"x"}'])(
    'is not found in %s',
    (text) => {
      expect(scanned(text).findText(fieldName('a'), found)).toBe(false);
    },
  );

  it('is not found in a field that was set or removed', () => {
    const fields = scanned('{"a":"x","b":"y"}');
    fields.set(fieldName('a'), 'z');
    fields.remove(fieldName('b'));
    fields.set(fieldName('c'), 'added');
    for (const key of ['a', 'b', 'c']) expect(fields.findText(fieldName(key), found)).toBe(false);
  });
});

describe('a field that is added', () => {
  it('comes behind the others when it is not there', () => {
    const add = (fields: ReturnType<typeof scanned>) => {
      expect(fields.add(fieldName('b'), new Place())).toBe(true);
      expect(fields.add(fieldName('b'), 2)).toBe(false);
    };
    expect(writtenFields('{"a":1}', add)).toBe('{"a":1,"b":{"ip":"1.2.3.4","location":{"lat":1.5,"lon":2}}}');
  });

  it('comes behind the others when it was removed', () => {
    const add = (fields: ReturnType<typeof scanned>) => {
      fields.remove(fieldName('a'));
      expect(fields.add(fieldName('a'), 3)).toBe(true);
    };
    expect(writtenFields('{"a":1,"b":2}', add)).toBe('{"b":2,"a":3}');
  });

  it.each(['a', '1', '__proto__'])('is not added as %s', (key) => {
    const add = (fields: ReturnType<typeof scanned>) => {
      expect(fields.add(fieldName(key), 1)).toBe(false);
    };
    expect(writtenFields('{"a":null}', add)).toBe('{"a":null}');
  });

  it('is not added to an event whose `@timestamp` it would be, nor below another or to metadata', () => {
    const [event] = new JsonEventDecoder(counters()).decode(Buffer.from('{"a":1}'), ARRIVAL_MS);
    event?.remove(parseFieldReference('@timestamp'));
    for (const reference of ['@timestamp', '[b][c]', '[@metadata][b]', '@version']) {
      expect(event?.addEncoded(parseFieldReference(reference), new Place())).toBe(false);
    }
    expect(event?.addEncoded(parseFieldReference('b'), new Place())).toBe(true);
    expect(event?.data).toEqual({ a: 1, '@version': '1', b: new Place().toMap() });
  });
});

import { describe, expect, it } from 'vitest';
import { Event, InvalidEventField } from '../../../src/event/event.ts';
import { parseFieldReference } from '../../../src/event/fieldReference.ts';
import { parseJson } from '../../../src/event/json.ts';
import { SourceBatch } from '../../../src/event/sourceBatch.ts';
import type { Value, ValueMap } from '../../../src/event/value.ts';
import { eventOf, jsonOf, WHEN_MS } from './support.ts';

const NOW = '"2020-10-20T03:06:08.009Z"';
const decoded = (json: string) => Event.fromMap(parseJson(json, 'double') as ValueMap, WHEN_MS);

describe('the event of a decoded map', () => {
  it.each([
    ['{}', `{"@version":"1","@timestamp":${NOW}}`],
    ['{"@version":"7"}', `{"@version":"7","@timestamp":${NOW}}`],
    ['{"@timestamp":"2019-01-02"}', '{"@timestamp":"2019-01-02T00:00:00.000Z","@version":"1"}'],
    ['{"@timestamp":null}', `{"@timestamp":${NOW},"@version":"1"}`],
    [
      '{"@timestamp":"2019-01-02 03:04:05"}',
      `{"@timestamp":${NOW},"@version":"1","tags":["_timestampparsefailure"],"_@timestamp":"2019-01-02 03:04:05"}`,
    ],
    [
      '{"@timestamp":1603163768,"tags":["a"]}',
      `{"@timestamp":${NOW},"tags":["a","_timestampparsefailure"],"@version":"1","_@timestamp":1603163768}`,
    ],
    [
      '{"@timestamp":"never","tags":"a"}',
      `{"@timestamp":${NOW},"tags":["a","_timestampparsefailure"],"@version":"1","_@timestamp":"never"}`,
    ],
  ])('%s', (json, event) => {
    expect(jsonOf(decoded(json))).toBe(event);
  });

  it('lifts @metadata', () => {
    const event = decoded('{"@metadata":{"a":1}}');
    expect(event.metadata).toEqual({ a: 1 });
    expect(event.data).not.toHaveProperty('@metadata');
  });

  it.each([
    '{"@metadata":1}',
    '{"@metadata":null}',
    '{"@metadata":[]}',
    '{"@timestamp":1,"tags":5}',
    '{"@timestamp":1,"tags":{}}',
  ])('%s is refused', (json) => {
    expect(() => decoded(json)).toThrow(InvalidEventField);
  });
});

describe('a tag', () => {
  it.each([
    ['{}', '{"tags":["t"]}'],
    ['{"tags":[]}', '{"tags":["t"]}'],
    ['{"tags":["t"]}', '{"tags":["t"]}'],
    ['{"tags":["a"]}', '{"tags":["a","t"]}'],
    ['{"tags":"a"}', '{"tags":["a","t"]}'],
    ['{"tags":"t"}', '{"tags":"t"}'],
    ['{"tags":null}', '{"tags":[null,"t"]}'],
    ['{"tags":7}', '{"tags":["t"]}'],
    ['{"tags":false}', '{"tags":["t"]}'],
    ['{"tags":{"a":1}}', '{"tags":["t"]}'],
  ])('on %s', (before, after) => {
    const event = eventOf(before);
    event.tag('t');
    event.tag('t');
    expect(jsonOf(event)).toBe(after);
  });
});

it('a clone is deep, has the metadata, and settles with the same batch', () => {
  const event = decoded('{"a":{"b":[1,{"c":2}]},"__proto__":{"d":1},"@metadata":{"m":[1]}}');
  event.origin = 'logs/shard/1/0';
  const copy = event.clone();
  expect(jsonOf(copy)).toBe(jsonOf(event));
  copy.set(parseFieldReference('[a][b][1][c]'), 'changed');
  (copy.metadata['m'] as Value[]).push(2);
  expect(event.get(parseFieldReference('[a][b][1][c]'))).toBe(2);
  expect(event.metadata).toEqual({ m: [1] });
  expect(copy.batch).toBe(event.batch);
  expect(copy.origin).toBe(event.origin);
});

describe('a source batch', () => {
  it('is settled once, when every hold is given back', () => {
    let settled = 0;
    const batch = new SourceBatch(() => settled++);
    batch.hold();
    batch.hold();
    batch.settle();
    batch.settle(1);
    expect([settled, batch.unsettled]).toEqual([0, 1]);
    batch.settle();
    expect([settled, batch.unsettled]).toEqual([1, 0]);
    expect(() => batch.settle()).toThrow('settled more often');
  });
});

import { describe, expect, it } from 'vitest';
import { Event } from '../../../../src/event/event.ts';
import { ObjectNames } from '../../../../src/plugins/outputs/s3/objectNames.ts';

const AT = Date.UTC(2020, 9, 31, 23, 30, 5);
const object = { uuid: 'U', createdMs: AT, part: 3 };
const base = { prefix: '', object_key: undefined, timezone: 'UTC', encoding: 'gzip' } as const;

function namesOf(given: object) {
  const names = new ObjectNames({ ...base, tags: ['x', 'y'], ...given });
  return (fields: Record<string, string>, timestampMs = AT) => {
    const event = Event.fromMap({ ...fields }, timestampMs);
    return { group: names.groupOf(event), key: names.keyOf(event, object) };
  };
}

describe('names by object_key', () => {
  it.each([
    ['', '%{uuid}', 'U'],
    ['a', '%{uuid}.%{extension}', 'a/U.txt.gz'],
    ['a/', '%{tags}-%{part}-%{uuid}', 'a/x.y-3-U'],
    ['a', '%{+yyyy/MM/dd/HHmmss}-%{uuid}', 'a/2020/10/31/233005-U'],
    ['a', '%{+%s}-%{uuid}', 'a/1604187005-U'],
    ['a', '%{app}/%{uuid}', 'a/web/U'],
    ['a', '%{[uuid]}-%{uuid}', 'a/theirs-U'],
    ['a', '%{missing}-%{uuid}', 'a/%{missing}-U'],
    ['a', '/%{uuid}', 'a/U'],
    ['a', '%{dots}/%{uuid}', 'a/__/U'],
    ['a', '%{evil}/%{uuid}', 'a/_b_/U'],
    ['%{app}/%{+HH}', '%{uuid}', 'web/23/U'],
  ])('prefix %j, object_key %j', (prefix, object_key, expected) => {
    const fields = { app: 'web', uuid: 'theirs', dots: '..', evil: '>b<' };
    expect(namesOf({ prefix, object_key })(fields).key).toBe(expected);
  });

  it('tell events apart by their fields, not by what is of the object', () => {
    const of = namesOf({ prefix: 'p', object_key: '%{app}-%{host}-%{+HHmmss}-%{uuid}' });
    const group = of({ app: 'a', host: 'b' }).group;
    expect(of({ app: 'a', host: 'b' }, AT + 5000).group).toBe(group);
    expect(of({ app: 'a', host: 'c' }).group).not.toBe(group);
    expect(of({ app: 'ab', host: '' }).group).not.toBe(of({ app: 'a', host: 'b' }).group);
  });

  it('put late and early events into the same object unless the prefix has a date', () => {
    const of = namesOf({ object_key: '%{+yyyyMMdd}-%{uuid}' });
    expect(of({}, AT - 86_400_000).group).toBe(of({}, AT).group);
  });
});

describe('a time zone', () => {
  it('moves an event of 23:30 UTC to the next day of Seoul', () => {
    const prefix = 'logs/%{+YYYY}/%{+MM}/%{+dd}/';
    expect(namesOf({ prefix })({}).group).toBe('logs/2020/10/31/');
    expect(namesOf({ prefix, timezone: 'Asia/Seoul' })({}).group).toBe('logs/2020/11/01/');
  });

  it('is that of the dates in object_key', () => {
    const given = { object_key: '%{+yyyyMMdd-HH}-%{uuid}', timezone: '+09:00' };
    expect(namesOf(given)({}).key).toBe('20201101-08-U');
  });
});

it('a name that S3 would not take is refused', () => {
  expect(() => namesOf({ prefix: '%{app}' })({ app: '한'.repeat(330) })).toThrow(
    /would have 10\d\d bytes, S3 takes 1024/,
  );
});

import { describe, expect, it } from 'vitest';
import { Event } from '../../../src/event/event.ts';
import { compileDateFormat } from '../../../src/event/jodaFormat.ts';
import { compileTemplateIn } from '../../../src/event/template.ts';
import { timeZoneOf, UnknownTimeZone } from '../../../src/event/timeZone.ts';

const HOUR_MS = 3_600_000;

describe('dates in a time zone', () => {
  it.each([
    ['Asia/Seoul', "yyyy-MM-dd'T'HH:mm:ss", Date.UTC(2020, 9, 31, 23, 30), '2020-11-01T08:30:00'],
    ['Asia/Seoul', 'YYYYMM', Date.UTC(2020, 9, 31, 14, 59, 59), '202010'],
    ['Asia/Seoul', 'YYYYMM', Date.UTC(2020, 9, 31, 15), '202011'],
    ['+09:00', 'dd HH', Date.UTC(2020, 9, 31, 23, 30), '01 08'],
    ['UTC', 'dd HH', Date.UTC(2020, 9, 31, 23, 30), '31 23'],
    ['America/New_York', 'dd HH', Date.UTC(2020, 0, 1, 4, 30), '31 23'],
    ['Asia/Kathmandu', 'HH:mm', Date.UTC(2020, 0, 1), '05:45'],
    ['Asia/Seoul', 'Z ZZ ZZZ z zzzz', 0, '+0900 +09:00 Asia/Seoul +09:00 +09:00'],
    ['America/St_Johns', 'Z', Date.UTC(2020, 0, 1), '-0330'],
  ])('%s: %j', (zone, pattern, epochMs, text) => {
    expect(compileDateFormat(pattern, timeZoneOf(zone))(epochMs)).toBe(text);
  });

  it('follow the clock when it is put forward and back', () => {
    const format = compileDateFormat('HH:mm Z', timeZoneOf('Europe/Berlin'));
    const spring = Date.UTC(2020, 2, 29, 1);
    expect([spring - 1, spring].map(format)).toEqual(['01:59 +0100', '03:00 +0200']);
    const autumn = Date.UTC(2020, 9, 25, 1);
    expect([autumn - 1, autumn, autumn - HOUR_MS].map(format)).toEqual(['02:59 +0200', '02:00 +0100', '02:00 +0200']);
  });

  it('tell the two equal hours of autumn apart although the local hour is the same', () => {
    const format = compileDateFormat('HH Z', timeZoneOf('Europe/Berlin'));
    const autumn = Date.UTC(2020, 9, 25, 1);
    expect([autumn - 1, autumn].map(format)).toEqual(['02 +0200', '02 +0100']);
  });

  it('are those of the zone in a template', () => {
    const event = Event.fromMap({ app: 'a' }, Date.UTC(2020, 9, 31, 23, 30));
    expect(compileTemplateIn(timeZoneOf('Asia/Seoul'), '%{app}/%{+YYYY/MM/dd}').apply(event)).toBe('a/2020/11/01');
  });

  it.each(['', 'Seoul', 'Asia/Soul', '+25:00'])('refuse %j', (id) => {
    expect(() => timeZoneOf(id)).toThrow(UnknownTimeZone);
  });
});

import { describe, expect, it } from 'vitest';
import { compileDateFormat, InvalidDatePattern } from '../../../src/event/jodaFormat.ts';
import { WHEN_MS } from './support.ts';

const format = (pattern: string, epochMs: number = WHEN_MS) => compileDateFormat(pattern)(epochMs);

describe('letters, on Tuesday 2020-10-20T03:06:08.009Z', () => {
  it.each([
    ['G', 'AD'],
    ['C', '20'],
    ['CCC', '020'],
    ['Y', '2020'],
    ['YY', '20'],
    ['YYYY', '2020'],
    ['YYYYYY', '002020'],
    ['y', '2020'],
    ['yy', '20'],
    ['yyyy', '2020'],
    ['x', '2020'],
    ['xxxx', '2020'],
    ['w', '43'],
    ['ww', '43'],
    ['e', '2'],
    ['E', 'Tue'],
    ['EEE', 'Tue'],
    ['EEEE', 'Tuesday'],
    ['D', '294'],
    ['DDDD', '0294'],
    ['M', '10'],
    ['MM', '10'],
    ['MMM', 'Oct'],
    ['MMMM', 'October'],
    ['d', '20'],
    ['dd', '20'],
    ['a', 'AM'],
    ['K', '3'],
    ['KK', '03'],
    ['h', '3'],
    ['H', '3'],
    ['HH', '03'],
    ['k', '3'],
    ['m', '6'],
    ['mm', '06'],
    ['s', '8'],
    ['ss', '08'],
    ['S', '0'],
    ['SS', '00'],
    ['SSS', '009'],
    ['SSSSSS', '009000'],
    ['z', 'UTC'],
    ['ZZZ', 'UTC'],
    ['zzzz', 'Coordinated Universal Time'],
    ['Z', '+0000'],
    ['ZZ', '+00:00'],
    ['YYYY.MM.dd', '2020.10.20'],
    ["yyyy-MM-dd'T'HH:mm:ss.SSSZZ", '2020-10-20T03:06:08.009+00:00'],
    ['HHmm', '0306'],
    ['한 YYYY 년', '한 2020 년'],
  ])('%j', (pattern, text) => {
    expect(format(pattern)).toBe(text);
  });
});

describe('the clock and the calendar at their edges', () => {
  it.each([
    ['K h H k a', Date.UTC(2020, 0, 1, 0), '0 12 0 24 AM'],
    ['K h H k a', Date.UTC(2020, 0, 1, 12), '0 12 12 12 PM'],
    ['K h H k a', Date.UTC(2020, 0, 1, 23), '11 11 23 23 PM'],
    // The week year is not the year: Joda's `YYYY` is the year all the same.
    ['YYYY yyyy xxxx ww e', Date.UTC(2021, 0, 3), '2021 2021 2020 53 7'],
    ['YYYY yyyy xxxx ww e', Date.UTC(2018, 11, 31), '2018 2018 2019 01 1'],
    ['D', Date.UTC(2020, 11, 31), '366'],
    ['yyyyMMdd HHmmssSSS', -1, '19691231 235959999'],
    ['yyyyMMdd', Date.UTC(2020, 1, 29), '20200229'],
  ])('%j at %d', (pattern, epochMs, text) => {
    expect(format(pattern, epochMs)).toBe(text);
  });

  it('remembers no longer than its finest letter lasts', () => {
    const month = compileDateFormat('YYYYMM');
    const hour = compileDateFormat('dd HH');
    const ms = compileDateFormat('ss.SSS');
    const end = Date.UTC(2020, 10, 1);
    expect([end - 1, end, end - 1].map(month)).toEqual(['202010', '202011', '202010']);
    expect([end - 1, end, end + 3_600_000].map(hour)).toEqual(['31 23', '01 00', '01 01']);
    expect([end - 1, end, end + 1].map(ms)).toEqual(['59.999', '00.000', '00.001']);
  });
});

describe('quotes', () => {
  it.each([
    ["'year' yyyy", 'year 2020'],
    ["yyyy'y'", '2020y'],
    ["''yyyy''", "'2020'"],
    ["''''", "''"],
    ["'it''s'", "it's"],
    ["'abc", 'abc'],
    ["yyyy 'abc", '2020 abc'],
    ['%', '%'],
  ])('%j gives %j', (pattern, text) => {
    expect(format(pattern)).toBe(text);
  });

  it.each(["'", ''])('%j prints nothing and is refused', (pattern) => {
    expect(() => compileDateFormat(pattern)).toThrow(InvalidDatePattern);
  });
});

it.each([...'bcfgijlnopqrtuvABFIJLNOPQRTUVWX'])('the letter %s is refused', (letter) => {
  expect(() => compileDateFormat(`yyyy ${letter}`)).toThrow(`Illegal pattern component: ${letter}`);
  expect(format(`yyyy '${letter}'`)).toBe(`2020 ${letter}`);
});

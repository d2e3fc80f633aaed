/**
 * ISO 8601 instants as Joda-Time's `dateTimeParser` reads them and Logstash prints them. Own calendar arithmetic, since
 * Joda takes years beyond the range of a JavaScript `Date`.
 */

const DAY_MS = 86_400_000;

const DATE = /^([+-]?\d{1,9})(?:-W(\d{1,2})(?:-(\d))?|-(\d{3})|-(\d{1,2})(?:-(\d{1,2}))?)?/i;
const TIME = /^(\d{1,2})(?:([.,]\d+)|:(\d{1,2})(?:([.,]\d+)|:(\d{1,2})([.,]\d+)?)?)?/;
const OFFSET = /^(?:z|([+-])(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,]?(\d{1,3}))?)?)?)$/i;

/** Milliseconds since 1970 of an ISO 8601 text, or `undefined`. A text without an offset is in UTC. */
export function parseIso8601(text: string): number | undefined {
  let rest = text;
  let day = 0;
  if (!/^t/i.test(rest)) {
    const match = DATE.exec(rest);
    if (match === null) return undefined;
    const parsed = parseDay(match);
    if (parsed === undefined) return undefined;
    day = parsed;
    rest = rest.slice(match[0].length);
    if (rest === '') return day * DAY_MS;
    if (!/^t/i.test(rest)) return undefined;
  }
  rest = rest.slice(1);
  const time = TIME.exec(rest);
  let timeMs = 0;
  if (time !== null) {
    const parsed = parseTime(time);
    if (parsed === undefined) return undefined;
    timeMs = parsed;
    rest = rest.slice(time[0].length);
  }
  const offsetMs = rest === '' ? 0 : parseOffset(rest);
  return offsetMs === undefined ? undefined : day * DAY_MS + timeMs - offsetMs;
}

function parseDay(match: RegExpExecArray): number | undefined {
  const [, yearText = '', week, weekday, ordinal, month, dayOfMonth] = match;
  const year = Number(yearText);
  if (week !== undefined) return dayOfWeekDate(year, Number(week), Number(weekday ?? 1));
  if (ordinal !== undefined) {
    const dayOfYear = Number(ordinal);
    const inRange = dayOfYear >= 1 && dayOfYear <= (isLeapYear(year) ? 366 : 365);
    return inRange ? daysFromCivil(year, 1, 1) + dayOfYear - 1 : undefined;
  }
  const m = Number(month ?? 1);
  const d = Number(dayOfMonth ?? 1);
  if (m < 1 || m > 12 || d < 1 || d > daysInMonth(year, m)) return undefined;
  return daysFromCivil(year, m, d);
}

/** Day number of an ISO week date; `undefined` when the year has no such week. */
function dayOfWeekDate(year: number, week: number, weekday: number): number | undefined {
  const firstMonday = mondayOfFirstWeek(year);
  const weeks = (mondayOfFirstWeek(year + 1) - firstMonday) / 7;
  if (week < 1 || week > weeks || weekday < 1 || weekday > 7) return undefined;
  return firstMonday + (week - 1) * 7 + weekday - 1;
}

function parseTime(match: RegExpExecArray): number | undefined {
  const [, hour = '0', hourFraction, minute, minuteFraction, second, secondFraction] = match;
  const h = Number(hour);
  const m = Number(minute ?? 0);
  const s = Number(second ?? 0);
  if (h > 23 || m > 59 || s > 59) return undefined;
  return (
    h * 3_600_000 +
    m * 60_000 +
    s * 1000 +
    fractionMs(hourFraction, 3_600_000) +
    fractionMs(minuteFraction, 60_000) +
    fractionMs(secondFraction, 1000)
  );
}

function fractionMs(fraction: string | undefined, unitMs: number): number {
  return fraction === undefined ? 0 : Math.floor(Number(`0.${fraction.slice(1, 13)}`) * unitMs + 1e-6);
}

function parseOffset(text: string): number | undefined {
  const match = OFFSET.exec(text);
  if (match === null) return undefined;
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = match;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
  const ms = Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1000;
  return sign === '-' ? -ms : ms;
}

/** `2020-10-20T03:56:08.009Z`. */
export function formatIso8601(epochMs: number): string {
  const day = Math.floor(epochMs / DAY_MS);
  const timeMs = epochMs - day * DAY_MS;
  const { year, month, day: dayOfMonth } = civilFromDays(day);
  const date = `${padYear(year)}-${pad(month, 2)}-${pad(dayOfMonth, 2)}`;
  const h = Math.floor(timeMs / 3_600_000);
  const m = Math.floor(timeMs / 60_000) % 60;
  const s = Math.floor(timeMs / 1000) % 60;
  return `${date}T${pad(h, 2)}:${pad(m, 2)}:${pad(s, 2)}.${pad(timeMs % 1000, 3)}Z`;
}

export function padYear(year: number): string {
  return year < 0 ? `-${pad(-year, 4)}` : pad(year, 4);
}

export function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days since 1970-01-01 of a date in the proleptic Gregorian calendar; months and days count from 1. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

export function civilFromDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const mp = Math.floor((5 * dayOfYear + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return { year, month, day: dayOfYear - Math.floor((153 * mp + 2) / 5) + 1 };
}

/** Monday is 1, as in ISO 8601. */
export function weekdayOfDay(days: number): number {
  return ((((days + 3) % 7) + 7) % 7) + 1;
}

/** Day number of the Monday that starts ISO week 1 of `year`. */
export function mondayOfFirstWeek(year: number): number {
  const fourth = daysFromCivil(year, 1, 4);
  return fourth - weekdayOfDay(fourth) + 1;
}

/**
 * Joda-Time's `DateTimeFormat` patterns, printed in English, in UTC or another zone. Not java.time's: `YYYY` is the year of
 * the era, not the week year.
 */
import { civilFromDays, daysFromCivil, mondayOfFirstWeek, pad, padYear, weekdayOfDay } from './isoTimestamp.ts';
import { type TimeZone, UTC } from './timeZone.ts';

export class InvalidDatePattern extends Error {
  constructor(pattern: string, reason: string) {
    super(`Invalid date pattern \`${pattern}\`: ${reason}`);
    this.name = 'InvalidDatePattern';
  }
}

/** Prints an instant, given in milliseconds since 1970. */
export type DateFormatter = (epochMs: number) => string;

interface Field {
  readonly unitMs: number;
  readonly print: (instant: Instant) => string;
}

/** Local time in a zone. */
interface Instant {
  readonly zone: TimeZone;
  readonly offsetMs: number;
  readonly day: number;
  readonly msOfDay: number;
  readonly year: number;
  readonly month: number;
  readonly dayOfMonth: number;
}

const DAY_MS = 86_400_000;
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;
const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

/**
 * Formats once per unit of the finest letter: a monthly index name costs one comparison an event.
 * @throws InvalidDatePattern
 */
export function compileDateFormat(pattern: string, zone: TimeZone = UTC): DateFormatter {
  const fields = parsePattern(pattern);
  const unitMs = fields.reduce((finest, field) => Math.min(finest, field.unitMs), DAY_MS);
  let cachedUnit = Number.NaN;
  let cachedOffsetMs = 0;
  let cachedText = '';
  return (epochMs) => {
    const offsetMs = zone.offsetMs(epochMs);
    const unit = Math.floor((epochMs + offsetMs) / unitMs);
    if (unit !== cachedUnit || offsetMs !== cachedOffsetMs) {
      const instant = instantAt(epochMs + offsetMs, offsetMs, zone);
      cachedText = fields.map((field) => field.print(instant)).join('');
      cachedUnit = unit;
      cachedOffsetMs = offsetMs;
    }
    return cachedText;
  };
}

function instantAt(localMs: number, offsetMs: number, zone: TimeZone): Instant {
  const day = Math.floor(localMs / DAY_MS);
  const { year, month, day: dayOfMonth } = civilFromDays(day);
  return { zone, offsetMs, day, msOfDay: localMs - day * DAY_MS, year, month, dayOfMonth };
}

function parsePattern(pattern: string): Field[] {
  const fields: Field[] = [];
  for (let i = 0; i < pattern.length; ) {
    const letter = pattern[i] as string;
    if (isLetter(letter)) {
      let end = i + 1;
      while (pattern[end] === letter) end++;
      fields.push(fieldOf(pattern, letter, end - i));
      i = end;
    } else {
      const [text, end] = literalAt(pattern, i);
      if (text !== '') fields.push({ unitMs: DAY_MS, print: () => text });
      i = end;
    }
  }
  if (fields.length === 0) throw new InvalidDatePattern(pattern, 'it prints nothing');
  return fields;
}

function isLetter(character: string): boolean {
  return /^[A-Za-z]$/.test(character);
}

function literalAt(pattern: string, start: number): [text: string, end: number] {
  let text = '';
  let quoted = false;
  let i = start;
  for (; i < pattern.length; i++) {
    const character = pattern[i] as string;
    if (character === "'") {
      if (pattern[i + 1] === "'") {
        text += "'";
        i++;
      } else {
        quoted = !quoted;
      }
    } else if (!quoted && isLetter(character)) {
      break;
    } else {
      text += character;
    }
  }
  return [text, i];
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

function fieldOf(pattern: string, letter: string, count: number): Field {
  const number = (unitMs: number, value: (instant: Instant) => number): Field => ({
    unitMs,
    print: (instant) => pad(value(instant), count),
  });
  const text = (value: (instant: Instant) => string): Field => ({ unitMs: DAY_MS, print: value });
  switch (letter) {
    case 'G':
      return text((t) => (t.year > 0 ? 'AD' : 'BC'));
    case 'C':
      return number(DAY_MS, (t) => Math.floor(yearOfEra(t) / 100));
    case 'Y':
      return text((t) => yearText(yearOfEra(t), count));
    case 'y':
      return text((t) => yearText(t.year, count));
    case 'x':
      return text((t) => yearText(weekYear(t), count));
    case 'w':
      return number(DAY_MS, (t) => Math.floor((t.day - mondayOfFirstWeek(weekYear(t))) / 7) + 1);
    case 'e':
      return number(DAY_MS, (t) => weekdayOfDay(t.day));
    case 'E':
      return text((t) => shortened(WEEKDAYS[weekdayOfDay(t.day) - 1] as string, count));
    case 'M':
      return count < 3 ? number(DAY_MS, (t) => t.month) : text((t) => shortened(MONTHS[t.month - 1] as string, count));
    case 'd':
      return number(DAY_MS, (t) => t.dayOfMonth);
    case 'D':
      return number(DAY_MS, (t) => t.day - daysFromCivil(t.year, 1, 1) + 1);
    case 'a':
      return { unitMs: HOUR_MS, print: (t) => (hourOf(t) < 12 ? 'AM' : 'PM') };
    case 'K':
      return number(HOUR_MS, (t) => hourOf(t) % 12);
    case 'h':
      return number(HOUR_MS, (t) => hourOf(t) % 12 || 12);
    case 'H':
      return number(HOUR_MS, hourOf);
    case 'k':
      return number(HOUR_MS, (t) => hourOf(t) || 24);
    case 'm':
      return number(MINUTE_MS, (t) => Math.floor(t.msOfDay / MINUTE_MS) % 60);
    case 's':
      return number(1000, (t) => Math.floor(t.msOfDay / 1000) % 60);
    case 'S':
      return {
        unitMs: 1,
        print: (t) =>
          pad(t.msOfDay % 1000, 3)
            .padEnd(count, '0')
            .slice(0, count),
      };
    case 'z':
      return text(({ zone, offsetMs }) => zoneName(zone, offsetMs, count));
    case 'Z':
      return text(({ zone, offsetMs }) => (count > 2 ? zone.id : offsetText(offsetMs, count === 1 ? '' : ':')));
    default:
      throw new InvalidDatePattern(pattern, `Illegal pattern component: ${letter}`);
  }
}

/** Joda too prints the offset of a zone of which it knows no name. */
function zoneName(zone: TimeZone, offsetMs: number, count: number): string {
  if (zone !== UTC) return offsetText(offsetMs, ':');
  return count >= 4 ? 'Coordinated Universal Time' : 'UTC';
}

function offsetText(offsetMs: number, separator: string): string {
  const minutes = Math.trunc(Math.abs(offsetMs) / MINUTE_MS);
  return `${offsetMs < 0 ? '-' : '+'}${pad(Math.trunc(minutes / 60), 2)}${separator}${pad(minutes % 60, 2)}`;
}

function hourOf(instant: Instant): number {
  return Math.floor(instant.msOfDay / HOUR_MS);
}

function yearOfEra(instant: Instant): number {
  return instant.year > 0 ? instant.year : 1 - instant.year;
}

function weekYear(instant: Instant): number {
  if (instant.day >= mondayOfFirstWeek(instant.year + 1)) return instant.year + 1;
  return instant.day < mondayOfFirstWeek(instant.year) ? instant.year - 1 : instant.year;
}

/** Two letters mean the last two digits; any other count is a minimum width. */
function yearText(year: number, count: number): string {
  if (count === 2) return pad(Math.abs(year) % 100, 2);
  return count === 4 ? padYear(year) : pad(year, count);
}

function shortened(name: string, count: number): string {
  return count >= 4 ? name : name.slice(0, 3);
}

/** Points in time as people write them on a command line. */
import { UsageError } from './arguments.ts';

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?$/i;

export const TIME_FORMS = 'a time with its zone, such as 2026-11-22T09:00:00Z, a time ago, such as -2h';

/**
 * Milliseconds since 1970. `name` is what the user gave it for, `forms` all that it may be.
 * @throws UsageError
 */
export function parseTimeText(name: string, text: string, forms: string, nowMs: number): number {
  const [, count, unit = ''] = /^-(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return nowMs - Number(count) * (UNITS_MS[unit] ?? 0);
  const [iso, , , zone] = ISO.exec(text) ?? [];
  const timestampMs = iso === undefined ? Number.NaN : Date.parse(iso);
  if (Number.isNaN(timestampMs)) throw new UsageError(`${name} must be ${forms}, not "${text}"`);
  if (zone === undefined) throw new UsageError(`${name} ${text} has no zone: add Z for UTC, or one such as +09:00`);
  return timestampMs;
}

/** Local time of a place, for dates in names. */

export interface TimeZone {
  /** As Joda's `ZZZ` prints it: `Asia/Seoul`, `UTC`, `+09:00`. */
  readonly id: string;
  /** What local time is ahead of UTC at an instant, in milliseconds. */
  offsetMs(epochMs: number): number;
}

export class UnknownTimeZone extends Error {
  override name = 'UnknownTimeZone';
}

export const UTC: TimeZone = { id: 'UTC', offsetMs: () => 0 };

/** Zones change their offset at quarters of an hour at the finest, so one look-up serves all events of such a time. */
const UNIT_MS = 15 * 60_000;

/**
 * @param id a name of the IANA database such as `Asia/Seoul`, or an offset such as `+09:00`
 * @throws UnknownTimeZone
 */
export function timeZoneOf(id: string): TimeZone {
  if (id === 'UTC') return UTC;
  const offsetAt = (epochMs: number) => {
    const instant = Temporal.Instant.fromEpochMilliseconds(epochMs);
    return instant.toZonedDateTimeISO(id).offsetNanoseconds / 1e6;
  };
  try {
    offsetAt(0);
  } catch {
    throw new UnknownTimeZone(`unknown time zone ${JSON.stringify(id)}: a name such as "Asia/Seoul", or "+09:00"`);
  }
  let cachedUnit = Number.NaN;
  let cachedMs = 0;
  return {
    id,
    offsetMs(epochMs) {
      const unit = Math.floor(epochMs / UNIT_MS);
      if (unit !== cachedUnit) {
        cachedMs = offsetAt(unit * UNIT_MS);
        cachedUnit = unit;
      }
      return cachedMs;
    },
  };
}

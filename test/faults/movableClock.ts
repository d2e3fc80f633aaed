/**
 * A fake wall clock, preloaded into the program (`node --import`): it is ahead of the system's by as many milliseconds as the
 * file named in the environment says. Timers and the monotonic clock go on as they are, as when an operator or NTP sets the clock.
 */
import { readFileSync } from 'node:fs';

const path = process.env['MOVABLE_CLOCK_FILE'] ?? '';
const LOOK_MS = 20;
const SystemDate = Date;
let aheadMs = 0;

function look(): void {
  try {
    aheadMs = Number(readFileSync(path, 'utf8'));
  } catch {
    // Not moved yet.
  }
}

class MovedDate extends SystemDate {
  constructor(...given: [] | ConstructorParameters<DateConstructor>) {
    if (given.length === 0) super(MovedDate.now());
    else super(...given);
  }

  static override now(): number {
    return SystemDate.now() + aheadMs;
  }
}

look();
setInterval(look, LOOK_MS).unref();
globalThis.Date = MovedDate as DateConstructor;

import { secondsText } from '../util/secondsText.ts';

const UNITS: readonly (readonly [unit: string, ms: number, below: number])[] = [
  ['min', 60_000, 100],
  ['h', 3_600_000, 48],
];

/** A length of time for people, in one to three digits: `0.8 s`, `4 s`, `99 s`, `12 min`, `5 h`, `3 days`. */
export function durationText(ms: number): string {
  if (ms < 99_500) return secondsText(ms).replace('.0 s', ' s');
  for (const [unit, unitMs, below] of UNITS) if (ms / unitMs < below) return `${Math.round(ms / unitMs)} ${unit}`;
  return `${Math.round(ms / 86_400_000)} days`;
}

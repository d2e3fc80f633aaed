import { pick, type Random, seededRandom } from '../../scripts/geoip/random.ts';

/** All that is left to chance in one simulation comes from here, in one order: the seed decides everything. */
export class Dice {
  readonly next: Random;

  constructor(seed: number) {
    // Neighbouring seeds are to begin far apart.
    this.next = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A real number from `low` to below `high`. */
  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** A whole number from `low` to `high`. */
  whole(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  pick<T>(items: readonly T[]): T {
    return pick(this.next, items);
  }

  /** Each weight is the chance of its name beside the others; `undefined` when there is none above 0. */
  weighted<T extends string>(weights: Readonly<Partial<Record<T, number>>>): T | undefined {
    const entries = Object.entries(weights) as [T, number][];
    let left = this.between(
      0,
      entries.reduce((sum, [, weight]) => sum + weight, 0),
    );
    return entries.find(([, weight]) => {
      left -= weight;
      return left < 0;
    })?.[0];
  }
}

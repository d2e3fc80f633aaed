/**
 * One timeline for workers and servers. What is due at the same millisecond runs in seeded order, each in a turn of its
 * own: all that follows from it by promises has happened before the next.
 */
import type { Clock } from '../../src/util/clock.ts';
import type { Dice } from './dice.ts';

/** Virtual time begins here, in milliseconds since 1970. */
export const BEGIN_MS = 1_700_000_000_000;

interface Due {
  dueMs: number;
  /** Decides among those due at the same time. */
  order: number;
  readonly run: () => void;
  readonly actor: Actor | undefined;
  isCancelled: boolean;
}

/** A process: frozen, its timers and answers wait and then come all at once, in any order; dead, they never come. */
export class Actor {
  readonly name: string;
  isDead = false;
  #frozenUntilMs = 0;
  #frozenMs = 0;

  constructor(name: string) {
    this.name = name;
  }

  isFrozenAt(nowMs: number): boolean {
    return this.#frozenUntilMs > nowMs;
  }

  freeze(nowMs: number, ms: number): void {
    const untilMs = Math.max(this.#frozenUntilMs, nowMs + Math.round(ms));
    this.#frozenMs += untilMs - Math.max(this.#frozenUntilMs, nowMs);
    this.#frozenUntilMs = untilMs;
  }

  get frozenUntilMs(): number {
    return this.#frozenUntilMs;
  }

  /** Time that did not pass frozen. */
  awakeMs(nowMs: number): number {
    return nowMs - this.#frozenMs + Math.max(0, this.#frozenUntilMs - nowMs);
  }
}

export class VirtualTime {
  readonly #dice: Dice;
  /** Latest first. */
  readonly #queue: Due[] = [];
  #nowMs = BEGIN_MS;
  /** Turns so far. */
  turn = 0;
  isStopped = false;
  readonly #onThrow: (error: unknown) => void;

  /** `onThrow` is told of what a turn throws. */
  constructor(dice: Dice, onThrow: (error: unknown) => void) {
    this.#dice = dice;
    this.#onThrow = onThrow;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Runs it once, `ms` from now. Without an actor it is the world's own and nothing delays it. */
  after(ms: number, run: () => void, actor?: Actor): Due {
    const dueMs = this.#nowMs + Math.max(0, Math.round(ms));
    const due = { dueMs, order: this.#dice.next(), run, actor, isCancelled: false };
    this.#insert(due);
    return due;
  }

  pause(ms: number, actor?: Actor): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve, actor));
  }

  /** The clock of a process, or of the servers: of the same rate, but `skewMs` ahead. */
  clockOf(actor: Actor | undefined, skewMs = 0): Clock {
    return {
      now: () => this.#nowMs + skewMs,
      monotonic: () => this.#nowMs,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted) return resolve();
          const wake = () => {
            due.isCancelled = true;
            signal?.removeEventListener('abort', wake);
            resolve();
          };
          // As setTimeout, which knows whole milliseconds and no shorter pause.
          const due = this.after(Math.max(1, Math.floor(ms)), wake, actor);
          signal?.addEventListener('abort', wake, { once: true });
        }),
    };
  }

  /** Lets time pass until `untilMs`, or until `isStopped`. */
  async runUntil(untilMs: number): Promise<void> {
    for (;;) {
      const due = this.#queue.at(-1);
      if (due === undefined || due.dueMs > untilMs || this.isStopped) break;
      this.#queue.pop();
      if (due.isCancelled || due.actor?.isDead) continue;
      this.#nowMs = due.dueMs;
      if (due.actor?.isFrozenAt(this.#nowMs)) {
        due.dueMs = due.actor.frozenUntilMs;
        due.order = this.#dice.next();
        this.#insert(due);
        continue;
      }
      this.turn += 1;
      try {
        due.run();
      } catch (error) {
        this.#onThrow(error);
      }
      await allPromises();
    }
    if (!this.isStopped) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #insert(due: Due): void {
    let [low, high] = [0, this.#queue.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isLater(this.#queue[middle] as Due, due)) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, due);
  }
}

function isLater(left: Due, right: Due): boolean {
  return left.dueMs > right.dueMs || (left.dueMs === right.dueMs && left.order > right.order);
}

/** The event loop comes to its immediates only when no promise has anything left to do: no real time takes part. */
function allPromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Finds how far one source may be checkpointed: entries are opened in order and settled in any order, and the settled
 * position is that of the highest entry below which none is open. An entry is a batch of records, so nothing is
 * allocated per event, and hardly anything per entry: entries stand in a ring that only grows.
 */

/** What `open` gave; valid for one `settle`. */
export type AckToken = number;

export interface AckTrackerSnapshot {
  /** Entries opened and not yet settled. */
  readonly openEntries: number;
  /** Entries settled that wait for an older one. */
  readonly settledAhead: number;
  /** Clock time at which the oldest open entry was opened; `null` when none is open. */
  readonly oldestOpenSinceMs: number | null;
}

export interface AckTracker<Position> {
  /** `position` is that of the entry's last record; it must not be below that of the entry opened before. */
  open(position: Position): AckToken;
  /** Throws a `RangeError` for a token that was never given or is settled already: a count somewhere is wrong. */
  settle(token: AckToken): void;
  /** `null` until the first entry and all before it are settled. Never goes back. */
  settledPosition(): Position | null;
  /** Resolves as soon as no entry is open; at once when none is. */
  whenEmpty(): Promise<void>;
  /**
   * Resolves when the window has room again; `undefined` while it has. What is opened all the same is taken.
   */
  room(): Promise<void> | undefined;
  snapshot(): AckTrackerSnapshot;
}

const FIRST_CAPACITY = 64;

/** Room is given again only below this share of the window, so that the source does not stutter at the bound. */
const RESUME_SHARE = 0.75;

/** `windowMax` bounds the entries from the oldest open one on, settled or not: the memory of what settles out of order. */
export function createAckTracker<Position>(
  now: () => number,
  windowMax: number = Number.POSITIVE_INFINITY,
): AckTracker<Position> {
  return new RingAckTracker<Position>(now, windowMax);
}

/** Token `t` stands in slot `t & (capacity - 1)`; the slots from `#head` to before `#tail` are in use. */
class RingAckTracker<Position> implements AckTracker<Position> {
  readonly #now: () => number;
  readonly #windowMax: number;
  #positions: (Position | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined);
  #openedMs = new Float64Array(FIRST_CAPACITY);
  #settled = new Uint8Array(FIRST_CAPACITY);
  /** The oldest open entry, or `#tail`. */
  #head = 0;
  /** The next token. */
  #tail = 0;
  #open = 0;
  #position: Position | null = null;
  #waiting: (() => void)[] = [];
  #room: PromiseWithResolvers<void> | undefined;

  constructor(now: () => number, windowMax: number) {
    this.#now = now;
    this.#windowMax = windowMax;
  }

  open(position: Position): AckToken {
    if (this.#tail - this.#head === this.#positions.length) this.#grow();
    const slot = this.#tail & (this.#positions.length - 1);
    this.#positions[slot] = position;
    this.#openedMs[slot] = this.#now();
    this.#settled[slot] = 0;
    this.#open += 1;
    this.#tail += 1;
    return this.#tail - 1;
  }

  settle(token: AckToken): void {
    const mask = this.#positions.length - 1;
    if (!(token >= this.#head && token < this.#tail) || this.#settled[token & mask] === 1) {
      throw new RangeError(`entry ${token} is not open (open entries lie between ${this.#head} and ${this.#tail})`);
    }
    this.#settled[token & mask] = 1;
    this.#open -= 1;
    if (token === this.#head) this.#advance(mask);
    if (this.#open === 0) this.#wake();
  }

  settledPosition(): Position | null {
    return this.#position;
  }

  whenEmpty(): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  room(): Promise<void> | undefined {
    if (this.#tail - this.#head >= this.#windowMax) this.#room ??= Promise.withResolvers();
    return this.#room?.promise;
  }

  snapshot(): AckTrackerSnapshot {
    const head = this.#head & (this.#positions.length - 1);
    return {
      openEntries: this.#open,
      settledAhead: this.#tail - this.#head - this.#open,
      oldestOpenSinceMs: this.#open === 0 ? null : (this.#openedMs[head] ?? null),
    };
  }

  #advance(mask: number): void {
    let head = this.#head;
    let slot = head & mask;
    while (head < this.#tail && this.#settled[slot] === 1) {
      this.#position = this.#positions[slot] as Position;
      this.#positions[slot] = undefined;
      head += 1;
      slot = head & mask;
    }
    this.#head = head;
    if (this.#room === undefined || this.#tail - head > this.#windowMax * RESUME_SHARE) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Called only when every slot is in use. */
  #grow(): void {
    const capacity = this.#positions.length;
    const positions: (Position | undefined)[] = new Array(capacity * 2).fill(undefined);
    const openedMs = new Float64Array(capacity * 2);
    const settled = new Uint8Array(capacity * 2);
    for (let token = this.#head; token < this.#tail; token += 1) {
      const from = token & (capacity - 1);
      const to = token & (capacity * 2 - 1);
      positions[to] = this.#positions[from];
      openedMs[to] = this.#openedMs[from] as number;
      settled[to] = this.#settled[from] as number;
    }
    this.#positions = positions;
    this.#openedMs = openedMs;
    this.#settled = settled;
  }
}

/** How much an output may hold unsettled before it makes its source wait. */
export interface BudgetBounds {
  readonly events: number;
  readonly bytes: number;
}

/** Room is given again only below this share, so that the source does not stutter at the bound. */
const RESUME_SHARE = 0.75;

/** Counts what an output holds. It never refuses: what is given is taken, and then the giver waits. */
export class BufferBudget {
  readonly #bounds: BudgetBounds;
  #events = 0;
  #bytes = 0;
  #wait: Promise<void> | undefined;
  #endWait: (() => void) | undefined;

  constructor(bounds: BudgetBounds) {
    this.#bounds = bounds;
  }

  get events(): number {
    return this.#events;
  }

  get bytes(): number {
    return this.#bytes;
  }

  take(events: number, bytes: number): void {
    this.#events += events;
    this.#bytes += bytes;
  }

  /** Gives back what is settled. */
  give(events: number, bytes: number): void {
    this.#events -= events;
    this.#bytes -= bytes;
    if (this.#endWait === undefined || !this.#isBelow(RESUME_SHARE)) return;
    this.#endWait();
    this.#wait = undefined;
    this.#endWait = undefined;
  }

  /** Resolves when there is room again; undefined while there is. */
  room(): Promise<void> | undefined {
    if (this.#wait === undefined && !this.#isBelow(1)) {
      this.#wait = new Promise((resolve) => {
        this.#endWait = resolve;
      });
    }
    return this.#wait;
  }

  #isBelow(share: number): boolean {
    return this.#events <= this.#bounds.events * share && this.#bytes <= this.#bounds.bytes * share;
  }
}

/** The outputs of one worker: hold events, write them in parts, in any order, and learn late that they are written. */
import type { Dice } from './dice.ts';
import type { Holding } from './holding.ts';
import type { Ledger, LoggedEvent } from './ledger.ts';
import type { Actor, VirtualTime } from './virtualTime.ts';

export interface OutputSettings {
  /** Unsettled events from which on the source waits. */
  readonly eventsMax: number;
  readonly delayMs: number;
  /** Chance of a part to be refused and sent again. */
  readonly failing: number;
  /** Chance of a part to be dropped by a filter: settled at once. */
  readonly dropped: number;
}

export class Output {
  unsettled = 0;
  readonly #settings: OutputSettings;
  readonly #actor: Actor;
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  readonly #ledger: Ledger;
  #waiting: (() => void)[] = [];

  constructor(settings: OutputSettings, actor: Actor, time: VirtualTime, dice: Dice, ledger: Ledger) {
    this.#settings = settings;
    this.#actor = actor;
    this.#time = time;
    this.#dice = dice;
    this.#ledger = ledger;
  }

  /** The promise is the back-pressure. `onSettled` runs once all are written. */
  write(events: readonly LoggedEvent[], holding: Holding, onSettled: () => void): void | Promise<void> {
    this.unsettled += events.length;
    const cut = this.#dice.whole(0, events.length);
    const parts = [events.slice(0, cut), events.slice(cut)].filter((part) => part.length > 0);
    let open = parts.length;
    for (const part of parts) {
      this.#deliver(part, () => {
        open -= 1;
        if (open > 0) return;
        this.unsettled -= events.length;
        holding.settled(events);
        onSettled();
        this.#wake();
      });
    }
    if (this.unsettled >= this.#settings.eventsMax) return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #deliver(part: readonly LoggedEvent[], onWritten: () => void): void {
    const { dropped, failing, delayMs } = this.#settings;
    if (this.#dice.chance(dropped)) {
      this.#ledger.settled(part);
      onWritten();
      return;
    }
    const latencyMs = () => this.#dice.between(1, 30);
    const send = () => {
      if (this.#dice.chance(failing)) {
        this.#time.after(this.#dice.between(0, delayMs), send, this.#actor);
        return;
      }
      // On its way it arrives, whatever becomes of the worker.
      this.#time.after(latencyMs(), () => {
        this.#ledger.settled(part);
        this.#time.after(latencyMs(), onWritten, this.#actor);
      });
    };
    this.#time.after(this.#dice.between(0, delayMs), send, this.#actor);
  }

  #wake(): void {
    if (this.unsettled >= this.#settings.eventsMax) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

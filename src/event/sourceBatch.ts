/**
 * What one fetch gave: the unit in which a source learns that its events are settled. Outputs hold the batch, not the
 * event, until they have durably written it, so that an event's memory is free as soon as it is encoded.
 */
export class SourceBatch {
  #unsettled = 1;
  readonly #onSettled: () => void;

  /** `onSettled` runs once, when every hold has been given back; the creator's own hold is the first. */
  constructor(onSettled: () => void = () => {}) {
    this.#onSettled = onSettled;
  }

  /** One more delivery to wait for: an event that was given to an output. */
  hold(): void {
    this.#unsettled++;
  }

  /** Gives back `count` holds: events that are written or in the dead letter queue. */
  settle(count = 1): void {
    this.#unsettled -= count;
    if (this.#unsettled < 0) throw new Error('a source batch was settled more often than it was held');
    if (this.#unsettled === 0) this.#onSettled();
  }

  get unsettled(): number {
    return this.#unsettled;
  }
}

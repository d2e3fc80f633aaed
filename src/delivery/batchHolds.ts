import type { SourceBatch } from '../event/sourceBatch.ts';

/** Counts the events of each source batch that wait for one delivery, so that the events themselves can be freed. */
export class BatchHolds {
  readonly #counts = new Map<SourceBatch, number>();
  #batch: SourceBatch | undefined;
  #batchCount = 0;

  /** One more event. Events of one batch mostly come one after another, which costs no look-up. */
  add(batch: SourceBatch): void {
    if (batch !== this.#batch) {
      this.#countBatch();
      this.#batch = batch;
    }
    this.#batchCount += 1;
  }

  /** Settles every event that was added, once. */
  settle(): void {
    this.#countBatch();
    this.#batch = undefined;
    const counts = [...this.#counts];
    this.#counts.clear();
    for (const [batch, count] of counts) batch.settle(count);
  }

  #countBatch(): void {
    if (this.#batch === undefined) return;
    this.#counts.set(this.#batch, (this.#counts.get(this.#batch) ?? 0) + this.#batchCount);
    this.#batchCount = 0;
  }
}

/**
 * Buffers for the bodies of answers, which go from one answer to another. Left to the garbage collector they would stand in
 * memory long after their use: it sees the few objects and not their megabytes.
 */
export class AnswerBodies {
  readonly #spare: Buffer[] = [];

  /** Of `bytes` or more. */
  take(bytes: number): Buffer {
    const found = this.#spare.findIndex(({ length }) => length >= bytes);
    if (found >= 0) return this.#spare.splice(found, 1)[0] as Buffer;
    return Buffer.allocUnsafeSlow(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES);
  }

  giveBack(body: Buffer): void {
    this.#spare.push(body);
    if (this.#spare.length > SPARE_MAX) this.#spare.shift();
  }
}

/** Answers of one size more or less go into buffers of one size. */
const STEP_BYTES = 128 * 1024;
/** While a pipeline is behind, nearly all are in use. */
const SPARE_MAX = 2;

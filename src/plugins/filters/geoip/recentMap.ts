/**
 * Keeps at least the `capacity / 2` and at most the `capacity` entries used last. Two generations instead of a list in
 * order of use: a hit on the younger one, the usual case, costs one look-up and moves nothing.
 */
export class RecentMap<K, V> {
  readonly #generationSize: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  constructor(capacity: number) {
    this.#generationSize = Math.floor(capacity / 2);
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#generationSize) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    if (this.#generationSize > 0) this.#young.set(key, value);
  }
}

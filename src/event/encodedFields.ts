/** Fields of many events that are encoded once for all of them. */
import { Timestamp, type Value } from './value.ts';

/** Nobody changes them. */
export class EncodedFields {
  readonly values: Readonly<Record<string, string | Timestamp>>;
  readonly #keys: readonly string[];
  #text: Buffer | undefined;

  /** Neither names nor values have anything to escape in JSON. */
  constructor(values: Readonly<Record<string, string | Timestamp>>) {
    this.values = values;
    this.#keys = Object.keys(values);
  }

  get(key: string): Value | undefined {
    return this.#keys.includes(key) ? this.values[key] : undefined;
  }

  /** `,"key":"value"` of each. */
  get text(): Buffer {
    this.#text ??= Buffer.from(this.#keys.map((key) => `,"${key}":"${this.values[key]}"`).join(''));
    return this.#text;
  }
}

/** A moment at which events come. */
export class Arrival {
  readonly epochMs: number;
  readonly #timestamp: Timestamp;
  #alone: EncodedFields | undefined;
  #withVersion: EncodedFields | undefined;

  constructor(epochMs: number) {
    this.epochMs = epochMs;
    this.#timestamp = new Timestamp(epochMs);
  }

  /** What an event gets that brings no `@timestamp`. */
  fields(bringsVersion: boolean): EncodedFields {
    if (bringsVersion) {
      this.#alone ??= new EncodedFields({ '@timestamp': this.#timestamp });
      return this.#alone;
    }
    this.#withVersion ??= new EncodedFields({ '@version': '1', '@timestamp': this.#timestamp });
    return this.#withVersion;
  }
}

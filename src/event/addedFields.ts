import type { EncodedMap } from './encodedMap.ts';
import type { Value } from './value.ts';

/** More are found sooner in a map. */
const FIELDS_MAX = 32;

export class AddedField {
  readonly key: string;
  value: Value | EncodedMap;
  /** Came behind it. */
  next: AddedField | undefined;

  constructor(key: string, value: Value | EncodedMap) {
    this.key = key;
    this.value = value;
    this.next = undefined;
  }
}

/** A few fields in the order in which they came. Going through them costs less than an object with keys of its own for each event. */
export class AddedFields {
  first: AddedField | undefined = undefined;
  #last: AddedField | undefined = undefined;
  #count = 0;

  get isFull(): boolean {
    return this.#count >= FIELDS_MAX;
  }

  find(key: string): AddedField | undefined {
    let field = this.first;
    while (field !== undefined && field.key !== key) field = field.next;
    return field;
  }

  set(key: string, value: Value | EncodedMap): void {
    const known = this.find(key);
    if (known === undefined) this.append(key, value);
    else known.value = value;
  }

  /** Of a field that is not there yet. */
  append(key: string, value: Value | EncodedMap): void {
    const field = new AddedField(key, value);
    if (this.#last === undefined) this.first = field;
    else this.#last.next = field;
    this.#last = field;
    this.#count += 1;
  }

  remove(key: string): void {
    let before: AddedField | undefined;
    let field = this.first;
    while (field !== undefined && field.key !== key) {
      before = field;
      field = field.next;
    }
    if (field === undefined) return;
    if (before === undefined) this.first = field.next;
    else before.next = field.next;
    if (field === this.#last) this.#last = before;
    this.#count -= 1;
  }
}

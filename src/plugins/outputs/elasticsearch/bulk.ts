import { Event } from '../../../event/event.ts';
import { parseIso8601 } from '../../../event/isoTimestamp.ts';
import { parseJson } from '../../../event/json.ts';
import type { SourceBatch } from '../../../event/sourceBatch.ts';
import { isMap, Timestamp, type ValueMap } from '../../../event/value.ts';
import { type Dialect, translateActionLine } from './dialect.ts';

/** What stays of an event once its bytes stand in a bulk. */
export interface Delivery {
  readonly batch: SourceBatch;
  /** Kept for the dead letter queue only, as `origin`. */
  readonly metadata: ValueMap;
  readonly origin: string | undefined;
  /** Its `_id` is made of its record, so that 409 means: written before. */
  readonly isReplayable: boolean;
  /** JSON of the document where the second line is not just that. */
  readonly document: string | undefined;
}

interface Item extends Delivery {
  readonly start: number;
  /** Where the second line begins; `end` when there is none. */
  readonly bodyStart: number;
  readonly end: number;
}

const NEWLINE = 0x0a;
/** Most bytes UTF-8 takes for one UTF-16 code unit. */
const BYTES_PER_UNIT = 3;

/** The body of one bulk request, and for each of its items whom to tell. */
export class Bulk {
  readonly items: Item[] = [];
  /** Clock time of the oldest event. */
  readonly sinceMs: number;
  /** Written before the server said what it is. */
  isBlind = false;
  #buffer: Buffer;
  #length = 0;

  constructor(sinceMs: number, capacity: number) {
    this.sinceMs = sinceMs;
    this.#buffer = Buffer.allocUnsafeSlow(capacity);
  }

  get bytes(): number {
    return this.#length;
  }

  get size(): number {
    return this.items.length;
  }

  body(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** `body` is undefined for an action without a second line. */
  append(actionLine: string, body: string | undefined, delivery: Delivery): void {
    const units = actionLine.length + (body?.length ?? 0) + 2;
    this.#reserve(units * BYTES_PER_UNIT);
    const start = this.#length;
    this.#line(actionLine);
    const bodyStart = this.#length;
    if (body !== undefined) this.#line(body);
    const { batch, metadata, origin, isReplayable, document } = delivery;
    this.items.push({ batch, metadata, origin, isReplayable, document, start, bodyStart, end: this.#length });
  }

  /** Size of one item in the body. */
  itemBytes(index: number): number {
    const item = this.#item(index);
    return item.end - item.start;
  }

  /** The event as it was when it was written here. */
  restoreEvent(index: number): Event {
    const item = this.#item(index);
    const text = item.document ?? this.#bodyLine(item) ?? '{}';
    const parsed = parseJson(text, 'double');
    const data = isMap(parsed) ? parsed : {};
    const timestamp = data['@timestamp'];
    const epochMs = typeof timestamp === 'string' ? parseIso8601(timestamp) : undefined;
    if (epochMs !== undefined) data['@timestamp'] = new Timestamp(epochMs);
    const event = new Event(data, item.metadata, item.batch);
    event.origin = item.origin;
    return event;
  }

  actionLine(index: number): string {
    const item = this.#item(index);
    return this.#buffer.toString('utf8', item.start, item.bodyStart - 1);
  }

  /** A bulk of its own, with bytes of its own, of these items. */
  pick(indices: readonly number[]): Bulk {
    let bytes = 0;
    for (const index of indices) bytes += this.itemBytes(index);
    const picked = new Bulk(this.sinceMs, bytes);
    picked.isBlind = this.isBlind;
    for (const index of indices) picked.#copy(this.#buffer, this.#item(index));
    return picked;
  }

  /** Takes the last item off. */
  dropLast(): void {
    const last = this.items.pop();
    if (last !== undefined) this.#length = last.start;
  }

  translated(dialect: Dialect): Bulk {
    const bulk = new Bulk(this.sinceMs, this.#length);
    for (const [index, item] of this.items.entries()) {
      bulk.append(translateActionLine(this.actionLine(index), dialect), this.#bodyLine(item), item);
    }
    return bulk;
  }

  #item(index: number): Item {
    const item = this.items[index];
    if (item === undefined) throw new RangeError(`the bulk has no item ${index}`);
    return item;
  }

  #bodyLine(item: Item): string | undefined {
    return item.bodyStart === item.end ? undefined : this.#buffer.toString('utf8', item.bodyStart, item.end - 1);
  }

  #line(text: string): void {
    this.#length += this.#buffer.write(text, this.#length);
    this.#buffer[this.#length++] = NEWLINE;
  }

  #copy(source: Buffer, item: Item): void {
    const shift = this.#length - item.start;
    source.copy(this.#buffer, this.#length, item.start, item.end);
    this.#length += item.end - item.start;
    this.items.push({ ...item, start: item.start + shift, bodyStart: item.bodyStart + shift, end: this.#length });
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

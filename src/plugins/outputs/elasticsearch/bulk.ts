import { Event } from '../../../event/event.ts';
import { parseIso8601 } from '../../../event/isoTimestamp.ts';
import { parseEncodedJson } from '../../../event/json.ts';
import type { SourceBatch } from '../../../event/sourceBatch.ts';
import { isMap, Timestamp, type ValueMap } from '../../../event/value.ts';
import { TextBuffer } from '../../../util/textBuffer.ts';
import { type Dialect, translateActionLine } from './dialect.ts';

/** What stays of an event once its bytes stand in a bulk. */
export interface Delivery {
  readonly batch: SourceBatch;
  /** Kept for the dead letter queue only, as `origin`. */
  readonly metadata: ValueMap | undefined;
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

/** Writes JSON on one line: an event, or what is made of one. */
export interface BulkBody {
  writeJson(out: TextBuffer): void;
}

/** The body of one bulk request, and for each of its items whom to tell. */
export class Bulk {
  readonly items: Item[] = [];
  /** Clock time of the oldest event. */
  readonly sinceMs: number;
  /** Written before the server said what it is. */
  isBlind = false;
  /** It has one event, for which it was refused as a whole, or so it seems. */
  isSuspect = false;
  readonly #text: TextBuffer;

  /** @param text is empty, and this bulk's alone until `release` gives it back */
  constructor(sinceMs: number, text: TextBuffer) {
    this.sinceMs = sinceMs;
    this.#text = text;
  }

  get bytes(): number {
    return this.#text.length;
  }

  get size(): number {
    return this.items.length;
  }

  body(): Buffer {
    return this.#text.peek();
  }

  /**
   * `body` is undefined for an action without a second line.
   * @throws what `body` throws; the bulk is then as it was
   */
  append(actionLine: string, body: BulkBody | undefined, delivery: Delivery): void {
    const text = this.#text;
    const start = text.length;
    text.append(actionLine);
    text.appendByte(NEWLINE);
    const bodyStart = text.length;
    try {
      if (body !== undefined) {
        body.writeJson(text);
        text.appendByte(NEWLINE);
      }
    } catch (error) {
      text.truncate(start);
      throw error;
    }
    const { batch, metadata, origin, isReplayable, document } = delivery;
    this.items.push({ batch, metadata, origin, isReplayable, document, start, bodyStart, end: text.length });
  }

  /** The buffer for another bulk: this one's bytes are lost. */
  release(): TextBuffer {
    this.#text.truncate(0);
    return this.#text;
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
    const parsed = parseEncodedJson(text);
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
    return this.#text.peek().utf8Slice(item.start, item.bodyStart - 1);
  }

  /** A bulk of its own, with bytes of its own, of these items. */
  pick(indices: readonly number[]): Bulk {
    let bytes = 0;
    for (const index of indices) bytes += this.itemBytes(index);
    const picked = new Bulk(this.sinceMs, new TextBuffer(bytes));
    picked.isBlind = this.isBlind;
    for (const index of indices) picked.#copy(this.#text.peek(), this.#item(index));
    return picked;
  }

  /** Takes the last item off. */
  dropLast(): void {
    const last = this.items.pop();
    if (last !== undefined) this.#text.truncate(last.start);
  }

  translated(dialect: Dialect): Bulk {
    const bulk = new Bulk(this.sinceMs, new TextBuffer(this.#text.length));
    const bytes = this.#text.peek();
    for (const [index, item] of this.items.entries()) {
      const { bodyStart, end } = item;
      const body = { writeJson: (out: TextBuffer) => out.appendBytes(bytes, bodyStart, end - 1) };
      bulk.append(translateActionLine(this.actionLine(index), dialect), bodyStart === end ? undefined : body, item);
    }
    return bulk;
  }

  #item(index: number): Item {
    const item = this.items[index];
    if (item === undefined) throw new RangeError(`the bulk has no item ${index}`);
    return item;
  }

  #bodyLine(item: Item): string | undefined {
    return item.bodyStart === item.end ? undefined : this.#text.peek().utf8Slice(item.bodyStart, item.end - 1);
  }

  #copy(source: Buffer, item: Item): void {
    const shift = this.#text.length - item.start;
    this.#text.appendBytes(source, item.start, item.end);
    this.items.push({ ...item, start: item.start + shift, bodyStart: item.bodyStart + shift, end: this.#text.length });
  }
}

/** JSON text to events, as the codecs json and json_lines share it. */
import { isUtf8 } from 'node:buffer';
import { Arrival } from '../../event/encodedFields.ts';
import { Event, InvalidEventField } from '../../event/event.ts';
import { InvalidFieldReference } from '../../event/fieldReference.ts';
import { mayHaveBracketKeys, parseJson, resolveKeys, splitDocuments } from '../../event/json.ts';
import { JsonScanner, skipBlanks } from '../../event/jsonScanner.ts';
import { isMap, type Value, type ValueMap } from '../../event/value.ts';
import type { Counter } from '../../plugin-api/index.ts';
import { isBlank } from '../../util/text.ts';

export const FAILURE_TAG = '_jsonparsefailure';

export interface JsonEventCounters {
  /** Texts that are no JSON, or hold something other than objects. */
  readonly failures: Counter;
  /** Texts with bytes behind the last JSON value that are no JSON; Logstash ignores them in silence. */
  readonly trailing: Counter;
}

const NEWLINE = 0x0a;

/** Decodes the bytes of one source, which are UTF-8. */
export class JsonEventDecoder {
  readonly #counters: JsonEventCounters;
  readonly #scanner = new JsonScanner();
  #arrival = new Arrival(0);

  constructor(counters: JsonEventCounters) {
    this.#counters = counters;
  }

  /** One text, which may hold several values. */
  decode(bytes: Buffer, arrivalMs: number): Event[] {
    const events: Event[] = [];
    if (!isUtf8(bytes) || !this.#scan(bytes, arrivalMs, events)) {
      return decodeJsonEvents(bytes.toString('utf8'), arrivalMs, this.#counters);
    }
    return events;
  }

  /** Whole lines, each with a newline behind it. */
  decodeLines(bytes: Buffer, arrivalMs: number): Event[] {
    if (!isUtf8(bytes)) return this.#decodeEachLine(bytes, arrivalMs);
    const { length } = bytes;
    const scanner = this.#scanner;
    const arrival = this.#arrivalAt(arrivalMs);
    const events: Event[] = [];
    for (let start = 0; start < length; ) {
      const fields = scanner.scan(bytes, start, length);
      // A blank may be a newline, where the line ends and not the object.
      if (fields !== undefined && bytes[scanner.end] === NEWLINE && !scanner.sawBlank) {
        events.push(Event.fromFields(fields, arrival));
        start = scanner.end + 1;
      } else {
        const end = bytes.indexOf(NEWLINE, start);
        for (const event of this.decode(bytes.subarray(start, end), arrivalMs)) events.push(event);
        start = end + 1;
      }
    }
    return events;
  }

  #decodeEachLine(bytes: Buffer, arrivalMs: number): Event[] {
    const events: Event[] = [];
    for (let start = 0, end = 0; start < bytes.length; start = end + 1) {
      end = bytes.indexOf(NEWLINE, start);
      for (const event of this.decode(bytes.subarray(start, end), arrivalMs)) events.push(event);
    }
    return events;
  }

  /** False when the text is anything but plain objects, of which it is then not known how far they go. */
  #scan(bytes: Buffer, arrivalMs: number, events: Event[]): boolean {
    const { length } = bytes;
    const arrival = this.#arrivalAt(arrivalMs);
    for (let at = skipBlanks(bytes, 0); at < length; at = skipBlanks(bytes, this.#scanner.end)) {
      const fields = this.#scanner.scan(bytes, at, length);
      if (fields === undefined) return false;
      events.push(Event.fromFields(fields, arrival));
    }
    return true;
  }

  #arrivalAt(arrivalMs: number): Arrival {
    if (this.#arrival.epochMs !== arrivalMs) this.#arrival = new Arrival(arrivalMs);
    return this.#arrival;
  }
}

/**
 * An object is one event, a list of objects one each; several values in one text are decoded one by one (Logstash keeps
 * the first and loses the rest). Anything else becomes one event that holds the text and a tag, so that nothing is lost.
 */
export function decodeJsonEvents(text: string, arrivalMs: number, counters: JsonEventCounters): Event[] {
  if (isBlank(text)) return [];
  try {
    const value = parseJson(text, 'double');
    // By far the most texts: one object with plain keys.
    if (isMap(value) && !mayHaveBracketKeys(text)) return [Event.fromMap(value, arrivalMs)];
    return eventsOf(resolveKeys(value), arrivalMs);
  } catch (error) {
    if (error instanceof SyntaxError) return decodeDocuments(text, arrivalMs, counters);
    if (isBadContent(error)) return [failureEvent(text, arrivalMs, counters)];
    throw error;
  }
}

function isBadContent(error: unknown): boolean {
  return (
    error instanceof SyntaxError ||
    error instanceof InvalidFieldReference ||
    error instanceof InvalidEventField ||
    // Nesting deeper than the stack.
    error instanceof RangeError
  );
}

function decodeDocuments(text: string, arrivalMs: number, counters: JsonEventCounters): Event[] {
  const { documents, rest } = splitDocuments(text);
  const events: Event[] = [];
  try {
    for (const document of documents) events.push(...eventsOf(resolveKeys(parseJson(document, 'double')), arrivalMs));
  } catch (error) {
    if (!isBadContent(error)) throw error;
    if (events.length === 0) return [failureEvent(text, arrivalMs, counters)];
    counters.trailing.value++;
    return events;
  }
  if (events.length === 0) return [failureEvent(text, arrivalMs, counters)];
  if (rest !== '') counters.trailing.value++;
  return events;
}

/** @throws InvalidEventField */
function eventsOf(value: Value, arrivalMs: number): Event[] {
  if (isMap(value)) return [Event.fromMap(value, arrivalMs)];
  if (!Array.isArray(value)) throw new InvalidEventField('neither an object nor a list of objects');
  if (!value.every(isMap)) throw new InvalidEventField('a list with something other than objects');
  return value.map((element: ValueMap) => Event.fromMap(element, arrivalMs));
}

function failureEvent(text: string, arrivalMs: number, counters: JsonEventCounters): Event {
  counters.failures.value++;
  return Event.fromMap({ message: text, tags: [FAILURE_TAG] }, arrivalMs);
}

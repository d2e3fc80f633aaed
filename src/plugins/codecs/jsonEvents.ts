/** JSON text to events, as the codecs json and json_lines share it. */
import { Event, InvalidEventField } from '../../event/event.ts';
import { InvalidFieldReference } from '../../event/fieldReference.ts';
import { mayHaveBracketKeys, parseJson, resolveKeys, splitDocuments } from '../../event/json.ts';
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

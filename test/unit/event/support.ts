import { Event } from '../../../src/event/event.ts';
import { parseFieldReference } from '../../../src/event/fieldReference.ts';
import { encodeJson, parseJson } from '../../../src/event/json.ts';
import { Timestamp, type Value, type ValueMap } from '../../../src/event/value.ts';

export const WHEN_MS = Date.UTC(2020, 9, 20, 3, 6, 8, 9);

/** An event of this JSON and nothing else; numbers keep their form. */
export function eventOf(json: string, timestampMs?: number): Event {
  const data = parseJson(json, 'double') as ValueMap;
  if (timestampMs !== undefined) data['@timestamp'] = new Timestamp(timestampMs);
  return new Event(data, {});
}

export function jsonOf(event: Event): string {
  return encodeJson(event.data);
}

export function get(event: Event, reference: string): Value | undefined {
  return event.get(parseFieldReference(reference));
}

export function set(event: Event, reference: string, value: Value): void {
  event.set(parseFieldReference(reference), value);
}

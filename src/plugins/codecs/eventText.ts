import type { Event } from '../../event/event.ts';
import { compileTemplate } from '../../event/template.ts';
import { javaText } from '../../event/text.ts';

/** How plain and line print an event: by `format`, else as `<timestamp> <host> <message>`. */
export function eventPrinter(format: string | undefined): (event: Event) => string {
  if (format === undefined) return defaultText;
  const template = compileTemplate(format);
  return (event) => template.apply(event);
}

function defaultText(event: Event): string {
  const { timestamp } = event;
  const rest = `${fieldText(event, 'host')} ${fieldText(event, 'message')}`;
  return timestamp === undefined ? rest : `${timestamp} ${rest}`;
}

/** A missing field prints as its reference, as in Logstash. */
function fieldText(event: Event, name: string): string {
  const value = event.getField(name);
  return value === undefined || value === null ? `%{${name}}` : javaText(value);
}

/** sprintf: texts with `%{field}` and `%{+joda pattern}` parts, taken apart once and filled in per event. */
import type { Event } from './event.ts';
import { type FieldReference, parseFieldReference } from './fieldReference.ts';
import { compileDateFormat, type DateFormatter } from './jodaFormat.ts';
import { sprintfText } from './text.ts';
import { type TimeZone, UTC } from './timeZone.ts';

export interface Template {
  /** As written. */
  readonly text: string;
  /** Whether the text has no parts to fill in. */
  readonly isConstant: boolean;
  /** @throws InvalidFieldReference, InvalidDatePattern: both are found per event, as in Logstash */
  apply(event: Event): string;
}

/**
 * A field reference with `%{…}` in it, read anew for each event; one without, once. What is illegal is found when the
 * first event comes, as in Logstash.
 */
export function compileReference(text: string): (event: Event) => FieldReference {
  const template = compileTemplate(text);
  if (!template.isConstant) return (event) => parseFieldReference(template.apply(event));
  let reference: FieldReference | undefined;
  return () => {
    reference ??= parseFieldReference(text);
    return reference;
  };
}

type Part = (event: Event) => string;

export function compileTemplate(text: string): Template {
  return compileTemplateIn(UTC, text);
}

/** With dates in local time of `zone`. */
export function compileTemplateIn(zone: TimeZone, text: string): Template {
  const parts = splitParts(text, zone);
  const [first] = parts;
  if (parts.every((part) => typeof part === 'string')) return { text, isConstant: true, apply: () => text };
  if (parts.length === 1 && typeof first === 'function') return { text, isConstant: false, apply: first };
  return { text, isConstant: false, apply: filler(parts) };
}

/** Gives the last text again while no part changes: one that is put together anew is slow to compare and to look up. */
function filler(parts: readonly (string | Part)[]): Part {
  const filled = parts.map((part) => (typeof part === 'string' ? part : ''));
  let text = filled.join('');
  return (event) => {
    let isSame = true;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i];
      if (typeof part !== 'function') continue;
      const value = part(event);
      if (value === filled[i]) continue;
      filled[i] = value;
      isSame = false;
    }
    if (!isSame) text = filled.join('');
    return text;
  };
}

function splitParts(text: string, zone: TimeZone): (string | Part)[] {
  const parts: (string | Part)[] = [];
  let position = 0;
  for (;;) {
    const open = text.indexOf('%{', position);
    const close = open < 0 ? -1 : text.indexOf('}', open);
    if (close < 0) break;
    if (open > position) parts.push(text.slice(position, open));
    parts.push(compilePart(text.slice(open + 2, close), zone));
    position = close + 1;
  }
  if (position < text.length) parts.push(text.slice(position));
  return parts;
}

/** Logstash compares only as many characters of `+%s` as the part has, so `%{}`, `%{+}` and `%{+%}` are epochs too. */
function compilePart(expression: string, zone: TimeZone): Part {
  if ('+%s'.startsWith(expression)) return epochSeconds;
  if (expression.startsWith('+')) return datePart(expression.slice(1), zone);
  return fieldPart(expression);
}

function epochSeconds(event: Event): string {
  const { timestamp } = event;
  return timestamp === undefined ? '' : String(Math.trunc(timestamp.epochMs / 1000));
}

function datePart(pattern: string, zone: TimeZone): Part {
  let format: DateFormatter | undefined;
  return (event) => {
    const { timestamp } = event;
    if (timestamp === undefined) return '';
    format ??= compileDateFormat(pattern, zone);
    return format(timestamp.epochMs);
  };
}

function fieldPart(name: string): Part {
  let reference: FieldReference | undefined;
  return (event) => {
    reference ??= parseFieldReference(name);
    const value = event.get(reference);
    return value === undefined || value === null ? `%{${name}}` : sprintfText(value);
  };
}

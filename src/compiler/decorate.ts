/** The common options of filters and inputs, in Logstash's order: add_field, remove_field, add_tag, remove_tag. */
import type { Event } from '../event/event.ts';
import { parseFieldReference } from '../event/fieldReference.ts';
import { compileReference, compileTemplate, type Template } from '../event/template.ts';
import { isMap, type Value } from '../event/value.ts';
import {
  type ConfigHash,
  type ConfigValue,
  configText,
  type EventStep,
  eventStep,
  referenceCode,
  templateCode,
} from '../plugin-api/index.ts';
import type { EventFailure } from './eventFailure.ts';

/** @throws what an illegal field reference or date pattern throws */
export type Decoration = EventStep;

export interface FilterDecorationOptions {
  readonly add_field: ConfigHash;
  readonly remove_field: readonly string[];
  readonly add_tag: readonly ConfigValue[];
  readonly remove_tag: readonly string[];
}

/** One after the other, until one throws. */
export function filterDecorations(options: FilterDecorationOptions): Decoration[] {
  return [
    ...addFields(options.add_field),
    ...options.remove_field.map(removeField),
    ...addTags(options.add_tag.map(configText)),
    ...options.remove_tag.map(removeTag),
  ];
}

export interface InputDecorationOptions {
  readonly add_field: ConfigHash;
  readonly tags: readonly string[];
  readonly type: string | undefined;
}

/** `undefined` when no common option is set. What one throws goes to `failed`; the event keeps what was done before. */
export function inputDecoration(options: InputDecorationOptions, failed: EventFailure): Decoration | undefined {
  const { type } = options;
  const setType: Decoration[] =
    type === undefined
      ? []
      : [
          (event) => {
            if (!event.hasField('type')) event.setField('type', type);
          },
        ];
  const decorations = [...setType, ...addTags(options.tags), ...addFields(options.add_field)];
  if (decorations.length === 0) return undefined;
  return (event) => {
    try {
      for (const decorate of decorations) decorate(event);
    } catch (error) {
      failed(event, error);
    }
  };
}

/** A list adds its elements one by one, a hash the texts of its pairs; an empty one adds nothing. */
function addFields(fields: ConfigHash): Decoration[] {
  return [...fields].flatMap(([name, value]) => {
    const values = Array.isArray(value) ? value : value instanceof Map ? [...value] : [value];
    return values.map((item) => addField(name, compileTemplate(configText(item))));
  });
}

function addField(name: string, template: Template): Decoration {
  const referenceOf = compileReference(name);
  const apply = (event: Event) => {
    const reference = referenceOf(event);
    const text = template.apply(event);
    const existing = event.has(reference) ? event.get(reference) : undefined;
    event.set(reference, existing === undefined ? text : [...asRubyArray(existing), text]);
  };
  return eventStep(apply, (code) => {
    const field = referenceCode(code, name);
    if (field === undefined) return undefined;
    return `if (e.has(${field})) ${code.constant(apply)}(e); else e.set(${field}, ${templateCode(code, template)});`;
  });
}

/** Ruby's `Array()`: null is empty, a map is a list of its pairs. */
function asRubyArray(value: Value): Value[] {
  if (value === null) return [];
  if (Array.isArray(value)) return value;
  return isMap(value) ? Object.entries(value) : [value];
}

function removeField(name: string): Decoration {
  const reference = compileReference(name);
  const apply = (event: Event) => void event.remove(reference(event));
  return eventStep(apply, (code) => {
    const field = referenceCode(code, name);
    return field && `e.remove(${field});`;
  });
}

const TAGS = parseFieldReference('tags');

/** Unlike failure tags, these may repeat. */
function addTags(names: readonly string[]): Decoration[] {
  if (names.length === 0) return [];
  const templates = names.map(compileTemplate);
  return [
    (event) => {
      const tags = templates.map((template) => template.apply(event));
      event.set(TAGS, [...asRubyArray(event.get(TAGS) ?? null), ...tags]);
    },
  ];
}

function removeTag(name: string): Decoration {
  const template = compileTemplate(name);
  return (event) => {
    const tags = event.get(TAGS);
    if (tags === undefined || tags === null || tags === '') return;
    const tag = template.apply(event);
    event.set(
      TAGS,
      asRubyArray(tags).filter((existing) => existing !== tag),
    );
  };
}

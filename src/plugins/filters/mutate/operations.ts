/** One function a mutate option: takes what the option says, gives what to do with each event. */
import type { Event } from '../../../event/event.ts';
import { type FieldReference, parseFieldReference } from '../../../event/fieldReference.ts';
import { compileReference, compileTemplate } from '../../../event/template.ts';
import { rubyText } from '../../../event/text.ts';
import { copyValue, isMap, type Value, type ValueMap } from '../../../event/value.ts';
import {
  type ConfigHash,
  type ConfigValue,
  configText,
  type EventStep,
  eventStep,
  referenceCode,
  templateCode,
} from '../../../plugin-api/index.ts';
import type { RegexCompiler } from '../../../util/rubyRegex.ts';
import { type Conversion, converters, isConvertible } from './convert.ts';
import { compileSubstitution } from './gsub.ts';
import * as strings from './strings.ts';

/** Changes one event. Throws where Logstash raises: the filter then tags the event and stops. */
export type Operation = EventStep;

/** An illegal reference is found when the first event comes, as in Logstash. */
function lazyReference(text: string): () => FieldReference {
  let reference: FieldReference | undefined;
  return () => {
    reference ??= parseFieldReference(text);
    return reference;
  };
}

function perEntry(options: ConfigHash, operation: (field: string, value: ConfigValue) => Operation): Operation[] {
  return [...options].map(([field, value]) => operation(field, value));
}

export function coerce(options: ConfigHash): Operation[] {
  return perEntry(options, (field, value) => {
    const reference = lazyReference(field);
    const template = compileTemplate(configText(value));
    return (event) => {
      if (event.get(reference()) === null) event.set(reference(), template.apply(event));
    };
  });
}

export function rename(options: ConfigHash): Operation[] {
  return perEntry(options, (field, value) => {
    const target = configText(value);
    const from = compileReference(field);
    const to = compileReference(target);
    const apply = (event: Event) => {
      const source = from(event);
      if (!event.has(source)) return;
      // Removed first, as in Logstash: where the new name cannot be set, the value is lost, with the failure tag.
      const value = event.remove(source) as Value;
      event.set(to(event), value);
    };
    return eventStep(apply, (code) => {
      const [source, renamed] = [referenceCode(code, field), referenceCode(code, target)];
      return source && renamed && `if (e.has(${source})) e.set(${renamed}, e.remove(${source}));`;
    });
  });
}

export function update(options: ConfigHash): Operation[] {
  return setting(options, true);
}

export function replace(options: ConfigHash): Operation[] {
  return setting(options, false);
}

function setting(options: ConfigHash, onlyExisting: boolean): Operation[] {
  return perEntry(options, (field, value) => {
    const reference = lazyReference(field);
    const template = compileTemplate(configText(value));
    const apply = (event: Event) => {
      if (!onlyExisting || event.has(reference())) event.set(reference(), template.apply(event));
    };
    return eventStep(apply, (code) => {
      const target = referenceCode(code, field);
      if (target === undefined) return undefined;
      const set = `e.set(${target}, ${templateCode(code, template)});`;
      return onlyExisting ? `if (e.has(${target})) ${set}` : set;
    });
  });
}

export function convert(options: ConfigHash): Operation[] {
  return perEntry(options, (field, type) => {
    const reference = lazyReference(field);
    const conversion = configText(type) as Conversion;
    const converter = converters[conversion];
    const isInteger = conversion === 'integer' || conversion === 'integer_eu';
    return (event) => {
      if (isInteger && event.makeInteger(reference())) return;
      const value = event.get(reference());
      if (value === undefined || value === null) return;
      if (Array.isArray(value)) {
        event.set(
          reference(),
          value.map((element) => (element === null ? null : converter(element))),
        );
      } else if (isConvertible(value)) {
        const converted = converter(value);
        if (converted !== value) event.set(reference(), converted);
      }
    };
  });
}

export function gsub(triples: readonly string[], compile: RegexCompiler): Operation[] {
  const operations: Operation[] = [];
  for (let i = 0; i < triples.length; i += 3) {
    const reference = lazyReference(triples[i] as string);
    const substitute = compileSubstitution(triples[i + 1] as string, triples[i + 2] as string, compile);
    operations.push((event) => mapStrings(event, reference(), (text) => substitute(text, event)));
  }
  return operations;
}

function mapStrings(event: Event, reference: FieldReference, change: (text: string) => string): void {
  const value = event.get(reference);
  if (typeof value === 'string') event.set(reference, change(value));
  else if (Array.isArray(value)) {
    event.set(
      reference,
      value.map((element) => (typeof element === 'string' ? change(element) : element)),
    );
  }
}

function changeStrings(fields: readonly string[], change: (text: string) => string): Operation[] {
  return fields.map((field) => {
    const reference = lazyReference(field);
    return (event) => mapStrings(event, reference(), change);
  });
}

export const uppercase = (fields: readonly string[]) => changeStrings(fields, strings.upcase);
export const lowercase = (fields: readonly string[]) => changeStrings(fields, strings.downcase);
export const capitalize = (fields: readonly string[]) => changeStrings(fields, strings.capitalize);

export function strip(fields: readonly string[]): Operation[] {
  return fields.map((field) => {
    const reference = lazyReference(field);
    return (event) => {
      const value = event.get(reference());
      if (typeof value === 'string') event.set(reference(), strings.strip(value));
      else if (Array.isArray(value)) event.set(reference(), value.map(stripElement));
    };
  });
}

function stripElement(element: Value): Value {
  if (typeof element !== 'string') throw new TypeError('strip needs texts');
  return strings.strip(element);
}

export function split(options: ConfigHash): Operation[] {
  return perEntry(options, (field, separator) => {
    const reference = lazyReference(field);
    return (event) => {
      const value = event.get(reference());
      if (typeof value !== 'string') return;
      event.set(reference(), strings.split(value, textSeparator(separator)));
    };
  });
}

export function join(options: ConfigHash): Operation[] {
  return perEntry(options, (field, separator) => {
    const reference = lazyReference(field);
    return (event) => {
      const value = event.get(reference());
      if (!Array.isArray(value)) return;
      event.set(reference(), joined(value, textSeparator(separator)));
    };
  });
}

function textSeparator(separator: ConfigValue): string {
  if (typeof separator !== 'string') throw new TypeError('a separator must be a text');
  return separator;
}

/** Ruby's join flattens lists and prints maps by inspect. */
function joined(list: readonly Value[], separator: string): string {
  return list
    .map((element) => (Array.isArray(element) ? joined(element, separator) : rubyText(element)))
    .join(separator);
}

export function merge(options: ConfigHash): Operation[] {
  return perEntry(options, (field, value) => {
    const target = lazyReference(field);
    const sources = (Array.isArray(value) ? value : [value]).map((source) => lazyReference(configText(source)));
    return (event) => {
      // Read once, as Logstash does: with several sources a scalar target keeps only the last.
      const before = event.get(target());
      for (const source of sources) mergeInto(event, target(), before, event.get(source()));
    };
  });
}

/** A map with anything but a map is left alone. */
function mergeInto(event: Event, target: FieldReference, before: Value | undefined, added: Value | undefined): void {
  if (isMap(before) !== isMap(added)) return;
  if (isMap(before)) {
    event.set(target, Object.assign(before, copyValue(added as ValueMap)));
  } else if (Array.isArray(before)) {
    before.push(...asList(added));
    event.set(target, before);
  } else {
    event.set(target, [...asList(before), ...asList(added)]);
  }
}

function asList(value: Value | undefined): Value[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.map(copyValue) : [copyValue(value)];
}

export function copy(options: ConfigHash): Operation[] {
  return perEntry(options, (field, value) => {
    const source = lazyReference(field);
    const target = lazyReference(configText(value));
    return (event) => {
      const original = event.get(source());
      if (original !== undefined && original !== null) event.set(target(), copyValue(original));
    };
  });
}

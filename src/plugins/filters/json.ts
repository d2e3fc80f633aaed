import { type Event, TIMESTAMP_FAILURE_TAG } from '../../event/event.ts';
import { parseFieldReference } from '../../event/fieldReference.ts';
import { parseIso8601 } from '../../event/isoTimestamp.ts';
import { mayHaveBracketKeys, parseJson, resolveKeys, splitDocuments } from '../../event/json.ts';
import { rubyText } from '../../event/text.ts';
import { isMap, Timestamp, type Value, type ValueMap } from '../../event/value.ts';
import { boolean, defineFilter, string, stringArray } from '../../plugin-api/index.ts';
import { isBlank } from '../../util/text.ts';

export const json = defineFilter({
  name: 'json',
  summary: 'Parses JSON text held in one field.',
  options: {
    source: string({ doc: 'Field that holds the text.', required: true }),
    target: string({ doc: 'Field that takes the result; the event root when absent.' }),
    skip_on_invalid_json: boolean({ doc: 'Leave the event untouched when the text is not JSON.', default: false }),
    tag_on_failure: stringArray({ doc: 'Tags to add when parsing failed.', default: ['_jsonparsefailure'] }),
  },
  examples: [
    {
      title: 'Into the root',
      config: 'json { source => "logdata" }',
      in: { logdata: '{"status":200,"user":{"id":7}}' },
      out: { logdata: '{"status":200,"user":{"id":7}}', status: 200, user: { id: 7 } },
    },
    {
      title: 'Into a field',
      config: 'json { source => "logdata" target => "parsed" }',
      in: { logdata: '[1, 2]' },
      out: { logdata: '[1, 2]', parsed: [1, 2] },
    },
    {
      title: 'Text that is no JSON',
      config: 'json { source => "logdata" }',
      in: { logdata: '{oops' },
      out: { logdata: '{oops', tags: ['_jsonparsefailure'] },
    },
  ],
  create(options, context) {
    const source = parseFieldReference(options.source);
    const target = options.target === undefined ? undefined : parseFieldReference(options.target);
    const failures = context.counter('failures');

    function fail(event: Event): false {
      failures.value++;
      for (const tag of options.tag_on_failure) event.tag(tag);
      return false;
    }

    function setFields(event: Event, parsed: ValueMap): void {
      for (const key of Object.keys(parsed)) {
        if (key !== '@timestamp') event.set(parseFieldReference(key), parsed[key] as Value);
      }
      if (Object.hasOwn(parsed, '@timestamp')) setTimestamp(event, parsed['@timestamp'] as Value, context.clock.now());
    }

    return {
      apply(event) {
        const text = event.get(source);
        if (text === undefined || text === null || text === false) return false;
        let parsed: Value;
        try {
          parsed = parseSource(text, target === undefined);
        } catch {
          return options.skip_on_invalid_json ? false : fail(event);
        }
        try {
          if (target !== undefined) event.set(target, parsed);
          else if (isMap(parsed)) setFields(event, parsed);
          else return fail(event);
        } catch {
          return fail(event);
        }
        return true;
      },
    };
  },
});

/** Of several values in one text the last counts; a blank text is null. Root keys stay as they are: they are references. */
function parseSource(source: Value, keepRootKeys: boolean): Value {
  if (typeof source !== 'string') throw new TypeError('not a text');
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source;
  if (isBlank(text)) return null;
  const value = parseLast(text);
  if (!mayHaveBracketKeys(text)) return value;
  if (!keepRootKeys || !isMap(value)) return resolveKeys(value);
  for (const key of Object.keys(value)) value[key] = resolveKeys(value[key] as Value);
  return value;
}

function parseLast(text: string): Value {
  try {
    return parseJson(text, 'decimal');
  } catch (error) {
    const { documents, rest } = splitDocuments(text);
    if (documents.length < 2 || rest !== '') throw error;
    return documents.map((document) => parseJson(document, 'decimal')).at(-1) as Value;
  }
}

function setTimestamp(event: Event, given: Value, nowMs: number): void {
  if (given === null || given === false) return;
  const parsed = typeof given === 'string' ? parseIso8601(given) : undefined;
  event.data['@timestamp'] = new Timestamp(parsed ?? nowMs);
  if (parsed !== undefined) return;
  event.tag(TIMESTAMP_FAILURE_TAG);
  event.data['_@timestamp'] = rubyText(given);
}

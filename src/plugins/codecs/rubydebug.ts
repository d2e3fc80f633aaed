import type { Event } from '../../event/event.ts';
import { rubyInspect } from '../../event/text.ts';
import { isMap, type Value, type ValueMap } from '../../event/value.ts';
import { boolean, defineCodec, PluginConfigError } from '../../plugin-api/index.ts';

export const rubydebug = defineCodec({
  name: 'rubydebug',
  summary: 'Prints events for people; encodes only.',
  options: { metadata: boolean({ doc: 'Print `@metadata` too.', default: false }) },
  create({ metadata }) {
    const fields = (event: Event): ValueMap => (metadata ? { ...event.data, '@metadata': event.metadata } : event.data);
    return () => ({
      decode: () => {
        throw new PluginConfigError('codec rubydebug only encodes: it cannot read input', 'codec');
      },
      flush: () => [],
      encode: (event, out) => {
        out.append(`${print(fields(event), 4)}\n`);
      },
    });
  },
});

/** The layout of Ruby's awesome_print: keys aligned at their right, one value a line. */
function print(value: Value, indent: number): string {
  if (Array.isArray(value)) return printList(value, indent);
  return isMap(value) ? printMap(value, indent) : rubyInspect(value);
}

function printMap(map: ValueMap, indent: number): string {
  const keys = Object.keys(map);
  if (keys.length === 0) return '{}';
  const labels = keys.map((key) => JSON.stringify(key));
  const width = labels.reduce((widest, label) => Math.max(widest, label.length), 0) + indent;
  const rows = keys.map(
    (key, i) => `${(labels[i] as string).padStart(width)} => ${print(map[key] as Value, indent + 4)}`,
  );
  return `{\n${rows.join(',\n')}\n${' '.repeat(indent - 4)}}`;
}

function printList(list: readonly Value[], indent: number): string {
  if (list.length === 0) return '[]';
  const width = String(list.length - 1).length;
  const rows = list.map(
    (element, i) => `${' '.repeat(indent)}[${String(i).padStart(width)}] ${print(element, indent + 4)}`,
  );
  return `[\n${rows.join(',\n')}\n${' '.repeat(indent - 4)}]`;
}

/** The options that every plugin of a kind has; plugins declare only their own. */
import type { SectionKind } from '../config/ast.ts';
import {
  array,
  boolean,
  codec,
  hash,
  number,
  OptionError,
  type OptionSchema,
  type OptionSpec,
  obsolete,
  string,
  stringArray,
} from './option.ts';

const every = {
  id: string({ doc: 'Stable name of this plugin in logs and metrics.', defaultDoc: 'made of its place in the file' }),
  enable_metric: boolean({ doc: 'Whether this plugin counts its events.', default: true }),
};

const USE_CONDITIONALS = 'Use a conditional around the plugin instead, for example `if [type] == "x" { … }`.';

export const inputOptions = {
  ...every,
  add_field: hash({ doc: 'Fields to set on each event; names and values may hold `%{field}`.', default: new Map() }),
  codec: codec({ doc: 'Turns bytes into events.' }),
  tags: stringArray({ doc: 'Tags to append to each event.', default: [] }),
  type: string({ doc: 'Value of the field `type` of events that have none.' }),
  charset: obsolete('Set the charset on the codec: `codec => plain { charset => "…" }`.'),
  debug: obsolete('It has no effect any more; remove it.'),
  format: obsolete('Use the `codec` option.'),
  message_format: obsolete('Use the `codec` option.'),
};

export const filterOptions = {
  ...every,
  add_field: hash({ doc: 'Fields to add after success; an existing field becomes a list.', default: new Map() }),
  add_tag: array({ doc: 'Tags to add after success.', default: [] }),
  periodic_flush: boolean({ doc: 'Whether the filter is flushed every 5 seconds.', default: false }),
  remove_field: stringArray({ doc: 'Fields to remove after success.', default: [] }),
  remove_tag: stringArray({ doc: 'Tags to remove after success.', default: [] }),
  exclude_tags: obsolete(USE_CONDITIONALS),
  tags: obsolete(USE_CONDITIONALS),
  type: obsolete(USE_CONDITIONALS),
};

const anyNumber = number({ doc: 'Only 1 is allowed; outputs have their own concurrency.', default: 1 });

const workers: OptionSpec<number> = {
  ...anyNumber,
  parse(value, context) {
    const count = anyNumber.parse(value, context);
    if (count !== 1) {
      throw new OptionError(
        "You are using a plugin that doesn't support workers but have set the workers value explicitly",
      );
    }
    return count;
  },
};

export const outputOptions = {
  ...every,
  codec: codec({ doc: 'Turns events into text.' }),
  workers,
  exclude_tags: obsolete(USE_CONDITIONALS),
  tags: obsolete(USE_CONDITIONALS),
  type: obsolete(USE_CONDITIONALS),
};

export const codecOptions = { id: every.id, enable_metric: every.enable_metric };

export function commonOptions(kind: SectionKind | 'codec'): OptionSchema {
  if (kind === 'input') return inputOptions;
  if (kind === 'filter') return filterOptions;
  return kind === 'output' ? outputOptions : codecOptions;
}

/** The options that every plugin of a kind has; plugins declare only their own. */
import type { SectionKind } from '../config/ast.ts';
import {
  array,
  boolean,
  bytes,
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

export interface SpoolOption {
  /** Bound on the disk space. */
  readonly bytesMax: number;
}

const spoolHash = hash({
  doc: 'Puts on disk what the output has no room for, up to `max_bytes` (such as `"4gb"`), so that the source and the other outputs go on; beyond it, and without a spool, the source waits. The files stand in `spool` below `path.data`; nothing in them counts as delivered.',
});
const spoolBytes = bytes({ doc: '' });
const SPOOL_BYTES_MIN = 1_000_000;

const spool: OptionSpec<SpoolOption | undefined> = {
  ...spoolHash,
  default: undefined,
  parse(value, context) {
    const given = spoolHash.parse(value, context) ?? new Map();
    const other = [...given.keys()].find((key) => key !== 'max_bytes');
    if (other !== undefined) throw new OptionError(`\`spool\` takes \`max_bytes\` and nothing else, not \`${other}\``);
    const size = given.get('max_bytes');
    if (size === undefined)
      throw new OptionError('`spool` needs `max_bytes`, such as `spool => { "max_bytes" => "4gb" }`');
    const bytesMax = spoolBytes.parse(size, context) ?? 0;
    if (bytesMax < SPOOL_BYTES_MIN) throw new OptionError('`max_bytes` of `spool` must be at least 1mb');
    return { bytesMax };
  },
};

export const outputOptions = {
  ...every,
  codec: codec({ doc: 'Turns events into text.' }),
  spool,
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

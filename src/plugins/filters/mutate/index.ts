import type { Event } from '../../../event/event.ts';
import {
  type ConfigHash,
  configText,
  defineFilter,
  emitSteps,
  type FieldType,
  hash,
  obsolete,
  type ReportFault,
  string,
  stringArray,
} from '../../../plugin-api/index.ts';
import { InvalidRegex, loadRegexCompiler } from '../../../util/rubyRegex.ts';
import { CONVERSIONS, type Conversion } from './convert.ts';
import * as operations from './operations.ts';

export const mutate = defineFilter({
  name: 'mutate',
  summary: 'Renames, converts and edits fields, in a fixed order whatever the order of the options.',
  options: {
    coerce: hash({ doc: 'Values for fields that are present but null.' }),
    rename: hash({ doc: 'Fields to move: old name => new name.' }),
    update: hash({ doc: 'Fields to set where they exist.' }),
    replace: hash({ doc: 'Fields to set always.' }),
    convert: hash({ doc: `Fields to convert to ${CONVERSIONS.join(', ')}.` }),
    gsub: stringArray({ doc: 'Field, regular expression, replacement; any number of triples.' }),
    uppercase: stringArray({ doc: 'Fields to write in upper case.' }),
    capitalize: stringArray({ doc: 'Fields to capitalize.' }),
    lowercase: stringArray({ doc: 'Fields to write in lower case.' }),
    strip: stringArray({ doc: 'Fields to trim at both ends.' }),
    split: hash({ doc: 'Texts to split into lists: field => separator.' }),
    join: hash({ doc: 'Lists to join into texts: field => separator.' }),
    merge: hash({ doc: 'Fields to append to others: target => field or fields.' }),
    copy: hash({ doc: 'Fields to copy: source => target.' }),
    remove: obsolete('Use the common option `remove_field`.'),
    tag_on_failure: string({ doc: 'Tag of events on which an operation failed.', default: '_mutate_error' }),
  },
  examples: [
    {
      title: 'Access log numbers',
      config: 'mutate { convert => { "code" => "integer" "size" => "integer" } }',
      in: { code: '200', size: '-' },
      out: { code: 200, size: 0 },
    },
    {
      title: 'Rename, then tidy up',
      config: 'mutate { rename => { "remote" => "[client][ip]" } lowercase => ["method"] }',
      in: { remote: '81.2.69.142', method: 'GET' },
      out: { client: { ip: '81.2.69.142' }, method: 'get' },
    },
  ],
  async check(options, report) {
    for (const [field, type] of options.convert ?? []) {
      if (CONVERSIONS.includes(configText(type) as Conversion)) continue;
      const known = CONVERSIONS.join(', ');
      report(`cannot convert \`${field}\` to \`${configText(type)}\`: expected one of ${known}`, 'convert');
    }
    const gsub = options.gsub ?? [];
    if (gsub.length % 3 !== 0) {
      report(`gsub needs triples of field, regular expression and replacement, got ${gsub.length} items`, 'gsub');
    }
    if (gsub.length > 0) await checkPatterns(gsub, report);
  },
  fieldTypes({ convert }) {
    return [...(convert ?? [])].flatMap(([field, conversion]) => {
      const type = FIELD_TYPES[configText(conversion)];
      return type === undefined ? [] : [{ field, type }];
    });
  },
  async create(options, context) {
    const failures = context.counter('failures');
    // Logstash's order, whatever the order in the file.
    const steps = [
      ...operations.coerce(options.coerce ?? NONE),
      ...operations.rename(options.rename ?? NONE),
      ...operations.update(options.update ?? NONE),
      ...operations.replace(options.replace ?? NONE),
      ...operations.convert(options.convert ?? NONE),
      ...(await substitutions(options.gsub)),
      ...operations.uppercase(options.uppercase ?? []),
      ...operations.capitalize(options.capitalize ?? []),
      ...operations.lowercase(options.lowercase ?? []),
      ...operations.strip(options.strip ?? []),
      ...operations.split(options.split ?? NONE),
      ...operations.join(options.join ?? NONE),
      ...operations.merge(options.merge ?? NONE),
      ...operations.copy(options.copy ?? NONE),
    ];

    function fail(event: Event): false {
      failures.value++;
      event.tag(options.tag_on_failure);
      return false;
    }

    return {
      apply(event) {
        try {
          for (const step of steps) step(event);
          return true;
        } catch {
          return fail(event);
        }
      },
      emitCode(code) {
        code.block(
          'try',
          () => {
            emitSteps(code, steps);
            code.line('matched = true;');
          },
          `} catch { ${code.constant(fail)}(e); }`,
        );
      },
      decorationFailed: fail,
    };
  },
});

const NONE: ConfigHash = new Map();

const FIELD_TYPES: Readonly<Record<string, FieldType['type']>> = {
  integer: 'integer',
  integer_eu: 'integer',
  float: 'float',
  float_eu: 'float',
  boolean: 'boolean',
  string: 'keyword',
};

/** A pattern with `%{…}` is known only when an event comes. */
async function checkPatterns(gsub: readonly string[], report: ReportFault): Promise<void> {
  const compile = await loadRegexCompiler();
  for (let i = 1; i < gsub.length; i += 3) {
    const pattern = gsub[i] as string;
    if (pattern.includes('%{')) continue;
    try {
      compile(pattern);
    } catch (error) {
      if (!(error instanceof InvalidRegex)) throw error;
      report(error.message, 'gsub');
    }
  }
}

async function substitutions(gsub: readonly string[] | undefined): Promise<operations.Operation[]> {
  if (gsub === undefined || gsub.length === 0) return [];
  return operations.gsub(gsub, await loadRegexCompiler());
}

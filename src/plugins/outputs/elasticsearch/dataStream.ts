import type { Event } from '../../../event/event.ts';
import { isMap, type Value, type ValueMap } from '../../../event/value.ts';
import { PluginConfigError } from '../../../plugin-api/index.ts';
import { type Options, options as schema } from './options.ts';

/** `auto` asks for ECS in Logstash, without which it means no. */
export function usesDataStreams(options: Options): boolean {
  return options.data_stream === 'true';
}

const PARTS = ['type', 'dataset', 'namespace'] as const;

type Parts = Readonly<Record<(typeof PARTS)[number], string>>;

/** Names the data stream of each event, and writes the name's parts into its document. */
export class DataStreamNames {
  readonly defaultName: string;
  readonly #parts: Parts;
  readonly #routesByEvent: boolean;
  readonly #syncsFields: boolean;

  constructor(options: Options) {
    this.#parts = {
      type: options.data_stream_type ?? 'logs',
      dataset: options.data_stream_dataset ?? 'generic',
      namespace: options.data_stream_namespace ?? 'default',
    };
    this.defaultName = nameOf(this.#parts);
    this.#routesByEvent = options.data_stream_auto_routing ?? true;
    this.#syncsFields = options.data_stream_sync_fields ?? true;
  }

  nameFor(event: Event): string {
    const own = event.getField('data_stream');
    return this.#routesByEvent && isMap(own) ? nameOf(this.#partsFor(own)) : this.defaultName;
  }

  /** The event itself stays as it is for other outputs. */
  documentOf(event: Event): ValueMap {
    if (!this.#syncsFields) return event.data;
    const own = event.getField('data_stream');
    const known = isMap(own) ? own : {};
    return { ...event.data, data_stream: { ...known, ...(this.#routesByEvent ? this.#partsFor(known) : this.#parts) } };
  }

  #partsFor(own: ValueMap): Parts {
    const part = (name: (typeof PARTS)[number]) => textOf(own[name]) ?? this.#parts[name];
    return { type: part('type'), dataset: part('dataset'), namespace: part('namespace') };
  }
}

function nameOf({ type, dataset, namespace }: Parts): string {
  return `${type}-${dataset}-${namespace}`;
}

/** As in Ruby, only null and false count as missing. */
function textOf(value: Value | undefined): string | undefined {
  return value === undefined || value === null || value === false ? undefined : String(value);
}

/** Options that make no sense where the server picks the index behind a data stream. */
const EXCLUDED: readonly (keyof Options)[] = [
  'index',
  'document_type',
  'parent',
  'join_field',
  'version',
  'version_type',
  'doc_as_upsert',
  'upsert',
  'script',
  'script_type',
  'script_lang',
  'script_var_name',
  'scripted_upsert',
  'retry_on_conflict',
  'template',
  'template_name',
  'template_overwrite',
  'template_api',
  'ilm_enabled',
  'ilm_rollover_alias',
  'ilm_pattern',
  'ilm_policy',
];
const FORBIDDEN_IN_NAME = /[\\/*?"<>| ,#:]/;
const NAME_BYTES_MAX = 100;

/** @throws PluginConfigError */
export function checkDataStream(options: Options): void {
  if (!usesDataStreams(options)) {
    refuseStrayOptions(options);
    return;
  }
  const stray = EXCLUDED.find((name) => options[name] !== schema[name].default);
  if (stray !== undefined) {
    throw new PluginConfigError(`\`${stray}\` does not go with data streams: leave it out`, stray);
  }
  if (options.action !== 'create' && options.action !== schema.action.default) {
    throw new PluginConfigError('a data stream takes only `create`: leave `action` out', 'action');
  }
  for (const name of ['data_stream_dataset', 'data_stream_namespace'] as const) checkNamePart(name, options[name]);
}

function refuseStrayOptions(options: Options): void {
  const stray = (Object.keys(schema) as (keyof Options)[]).find(
    (name) => name.startsWith('data_stream_') && options[name] !== undefined,
  );
  if (stray === undefined) return;
  throw new PluginConfigError('it has an effect only with `data_stream => true`: set that, or leave this out', stray);
}

function checkNamePart(option: 'data_stream_dataset' | 'data_stream_namespace', name: string | undefined): void {
  if (name === undefined) return;
  if (name === '' || Buffer.byteLength(name) > NAME_BYTES_MAX || FORBIDDEN_IN_NAME.test(name)) {
    throw new PluginConfigError(
      `a part of a data stream's name has 1 to ${NAME_BYTES_MAX} bytes and none of \\ / * ? " < > | , # : or a blank`,
      option,
    );
  }
}

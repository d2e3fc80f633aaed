/** An index template made for a pipeline: for its indices, with the types that its filters tell. */
import { InvalidFieldReference, parseFieldReference } from '../../../event/fieldReference.ts';
import type { FieldType } from '../../../plugin-api/index.ts';
import { DataStreamNames, usesDataStreams } from './dataStream.ts';
import { DEFAULT_INDEX, DEFAULT_ROLLOVER_ALIAS, type Options } from './options.ts';
import type { Template, TemplateApi } from './template.ts';

const MAPPED: Readonly<Record<FieldType['type'], string>> = {
  geo_point: 'geo_point',
  ip: 'ip',
  integer: 'long',
  float: 'double',
  half_float: 'half_float',
  boolean: 'boolean',
  keyword: 'keyword',
};

/** Longer texts are kept but not found; Lucene takes at most 32,766 bytes. */
const KEYWORD_LENGTH_MAX = 1024;

/** Over the templates that servers and Logstash bring (200 at most). */
const PRIORITY = 250;

interface Property {
  type?: string;
  properties?: Properties;
}

type Properties = Record<string, Property>;

/** What the indices of an output are called, as patterns with `*` for all that is known only by event. */
export function indexPatterns(options: Options): string[] {
  if (usesDataStreams(options)) return [new DataStreamNames(options).defaultName];
  const alias = options.ilm_rollover_alias ?? DEFAULT_ROLLOVER_ALIAS;
  if (options.index === DEFAULT_INDEX) return [`${alias}-*`];
  const own = options.index.replace(/%\{[^}]*\}/g, '*').replace(/\*{2,}/g, '*');
  // Which of the two it is, the server decides.
  const mayBeTurnedOver = options.ilm_enabled !== 'false' && alias !== DEFAULT_ROLLOVER_ALIAS;
  return mayBeTurnedOver ? [`${alias}-*`, own] : [own];
}

export interface FittedTemplateSettings {
  readonly patterns: readonly string[];
  readonly fieldTypes: readonly FieldType[];
  readonly api: TemplateApi;
  readonly isDataStream: boolean;
}

/** Texts of no known type become `keyword`, and none is taken for a date: a later one that is none would be refused. */
export function fittedTemplate({ patterns, fieldTypes, api, isDataStream }: FittedTemplateSettings): Template {
  const settings = { 'index.refresh_interval': '5s', number_of_shards: 1 };
  const mapping = { type: 'keyword', ignore_above: KEYWORD_LENGTH_MAX };
  const mappings = {
    date_detection: false,
    dynamic_templates: [{ texts: { match_mapping_type: 'string', mapping } }],
    properties: propertiesOf(fieldTypes),
  };
  if (api === 'legacy') return { index_patterns: patterns, order: 1, settings, mappings };
  return {
    index_patterns: patterns,
    priority: PRIORITY,
    ...(isDataStream ? { data_stream: {} } : {}),
    template: { settings, mappings },
  };
}

function propertiesOf(fieldTypes: readonly FieldType[]): Properties {
  const properties: Properties = {
    '@timestamp': { type: 'date' },
    '@version': { type: 'keyword' },
    message: { type: 'text' },
  };
  for (const { field, type } of fieldTypes) {
    const path = pathOf(field);
    if (path !== undefined) put(properties, path, MAPPED[type]);
  }
  return properties;
}

/** The way to a field of the document; undefined for one that is none, or is known only by event. */
export function pathOf(field: string): readonly string[] | undefined {
  if (field.includes('%{')) return undefined;
  try {
    const { path, inMetadata } = parseFieldReference(field);
    return inMetadata || path.length === 0 ? undefined : path;
  } catch (error) {
    if (error instanceof InvalidFieldReference) return undefined;
    throw error;
  }
}

/** A field that is said to be both a value and an object stays what it was said to be first. */
function put(properties: Properties, path: readonly string[], type: string): void {
  const [name = '', ...rest] = path;
  const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
  if (rest.length === 0) {
    if (known?.properties === undefined) properties[name] = { type };
    return;
  }
  if (known !== undefined && known.properties === undefined) return;
  const inner: Properties = known?.properties ?? {};
  put(inner, rest, type);
  properties[name] = { properties: inner };
}

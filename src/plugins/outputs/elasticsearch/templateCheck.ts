/** Whether the server will map places as places: without a template that says so a location is two numbers, which no map shows. */
import { Event } from '../../../event/event.ts';
import { compileTemplate } from '../../../event/template.ts';
import { Timestamp } from '../../../event/value.ts';
import type { FieldType } from '../../../plugin-api/index.ts';
import type { Logger } from '../../../util/logger.ts';
import { DataStreamNames, usesDataStreams } from './dataStream.ts';
import type { Endpoint } from './endpoint.ts';
import { pathOf } from './fittedTemplate.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Options } from './options.ts';
import { TEMPLATE_PATHS } from './template.ts';
import type { Wire, WireRequest } from './wire.ts';

export interface TemplateCheckSettings {
  readonly wire: Wire;
  readonly endpoint: Endpoint;
  readonly options: Options;
  readonly logger: Logger;
  readonly fieldTypes: readonly FieldType[];
  readonly lifecycle: Lifecycle | undefined;
  readonly nowMs: number;
}

/** Says in one line which places no template knows. What cannot be found out is left alone. @throws Unreachable */
export async function checkTemplates(settings: TemplateCheckSettings): Promise<void> {
  const places = placesOf(settings.fieldTypes);
  const index = sampleIndex(settings);
  if (places.length === 0 || index === undefined) return;
  const mappings = await mappingsFor(settings, index);
  if (mappings === undefined) return;
  const unmapped = places.filter((path) => !mappings.some((mapping) => mapsPlace(mapping, path)));
  if (unmapped.length === 0) return;
  const fields = unmapped.map((path) => path.join('.')).join(' and ');
  settings.logger.warn(
    `no index template maps ${fields} of ${index} as geo_point: no map will show it; \`logstash-ts template print -f <configuration>\` prints one that does`,
  );
}

function placesOf(fieldTypes: readonly FieldType[]): (readonly string[])[] {
  const paths = fieldTypes.filter(({ type }) => type === 'geo_point').map(({ field }) => pathOf(field));
  return paths.filter((path) => path !== undefined);
}

/** An index of today; undefined where only an event tells its name. */
function sampleIndex({ options, lifecycle, nowMs }: TemplateCheckSettings): string | undefined {
  if (lifecycle !== undefined) return `${lifecycle.alias}-000001`;
  if (usesDataStreams(options)) return new DataStreamNames(options).defaultName;
  const today = new Event({ '@timestamp': new Timestamp(nowMs) }, {});
  const name = compileTemplate(options.index).apply(today);
  return name.includes('%{') ? undefined : name;
}

interface Mapping {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Mapping>>;
  readonly dynamic_templates?: readonly Readonly<Record<string, DynamicTemplate>>[];
}

interface DynamicTemplate {
  readonly match?: string | readonly string[];
  readonly path_match?: string | readonly string[];
  readonly mapping?: Mapping;
}

/** What templates give an index of this name: those of composable ones, which hide all legacy ones. Undefined when the server does not tell. */
async function mappingsFor(settings: TemplateCheckSettings, index: string): Promise<Mapping[] | undefined> {
  const simulation = `${TEMPLATE_PATHS.composable}/_simulate_index/${encodeURIComponent(index)}`;
  const simulated = await ask<{ template?: { mappings?: Mapping } }>(settings, { method: 'POST', path: simulation });
  if (simulated?.template !== undefined) return [simulated.template.mappings ?? {}];
  const legacy = await ask<Record<string, LegacyTemplate>>(settings, { method: 'GET', path: TEMPLATE_PATHS.legacy });
  if (legacy === undefined) return undefined;
  return Object.values(legacy).flatMap((template) =>
    matches(template.index_patterns, index) ? untyped(template) : [],
  );
}

interface LegacyTemplate {
  readonly index_patterns?: string | readonly string[];
  readonly mappings?: Mapping & Readonly<Record<string, unknown>>;
}

/** Before version 7 mappings stand below the name of a type. */
function untyped({ mappings = {} }: LegacyTemplate): Mapping[] {
  const below = Object.values(mappings).filter((value) => typeof value === 'object' && value !== null);
  return [mappings, ...(below as Mapping[])];
}

/** Undefined for any answer but the one asked for: servers before 7.8 know no composable templates, and a user may not be allowed to ask. */
async function ask<T>({ wire, endpoint }: TemplateCheckSettings, request: WireRequest): Promise<T | undefined> {
  const { status, text } = await wire.request({ ...request, path: `${endpoint.prefix}${request.path}` });
  if (status !== 200) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

function mapsPlace(mapping: Mapping, path: readonly string[]): boolean {
  let field: Mapping | undefined = mapping;
  for (const name of path) field = field?.properties?.[name];
  if (field !== undefined) return field.type === 'geo_point';
  return (mapping.dynamic_templates ?? []).flatMap(Object.values<DynamicTemplate>).some((template) => {
    const { match = '*', path_match: pathMatch = '*' } = template;
    if (template.mapping?.type !== 'geo_point') return false;
    return matches(match, path.at(-1) ?? '') && matches(pathMatch, path.join('.'));
  });
}

function matches(patterns: string | readonly string[] = [], name: string): boolean {
  return [patterns].flat().some((pattern) => {
    const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`).test(name);
  });
}

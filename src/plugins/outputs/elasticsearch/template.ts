/** Index templates: the one that Logstash brings, and those of a user's file. */
import { isAtLeast, type ServerInfo } from './dialect.ts';
import type { Lifecycle } from './lifecycle.ts';

export type TemplateApi = 'legacy' | 'composable';

/** The JSON of a template; a composable one has all but the pattern under `template`. */
export type Template = Record<string, unknown>;

export const TEMPLATE_PATHS: Readonly<Record<TemplateApi, string>> = {
  legacy: '/_template',
  composable: '/_index_template',
};

export const DEFAULT_NAME = 'logstash';
const DEFAULT_PATTERN = 'logstash-*';

const SETTINGS = { 'index.refresh_interval': '5s', number_of_shards: 1 };

const MAPPINGS = {
  dynamic_templates: [
    {
      message_field: {
        path_match: 'message',
        match_mapping_type: 'string',
        mapping: { type: 'text', norms: false },
      },
    },
    {
      string_fields: {
        match: '*',
        match_mapping_type: 'string',
        mapping: { type: 'text', norms: false, fields: { keyword: { type: 'keyword', ignore_above: 256 } } },
      },
    },
  ],
  properties: {
    '@timestamp': { type: 'date' },
    '@version': { type: 'keyword' },
    geoip: {
      dynamic: true,
      properties: {
        ip: { type: 'ip' },
        location: { type: 'geo_point' },
        latitude: { type: 'half_float' },
        longitude: { type: 'half_float' },
      },
    },
  },
};

/** As Logstash has it. `type` is the mapping type that servers before 7 ask for. */
export function defaultTemplate(api: TemplateApi, type?: string): Template {
  if (api === 'composable') {
    return {
      index_patterns: DEFAULT_PATTERN,
      version: 80001,
      template: { settings: { ...SETTINGS }, mappings: MAPPINGS },
      priority: 200,
      _meta: { description: 'index template for logstash-output-elasticsearch' },
    };
  }
  return {
    index_patterns: DEFAULT_PATTERN,
    version: 60001,
    settings: { ...SETTINGS },
    mappings: type === undefined ? MAPPINGS : { [type]: MAPPINGS },
  };
}

/** The API for templates of no file: composable ones from Elasticsearch 8 on. */
export function usualApi(server: ServerInfo | undefined): TemplateApi {
  return server?.distribution === 'elasticsearch' && isAtLeast(server, 8) ? 'composable' : 'legacy';
}

/** Which API a template of a file is written for; undefined when it could be either. */
export function apiOf(template: Template): TemplateApi | undefined {
  const composable = ['template', 'composed_of', 'data_stream', 'priority'];
  // Before version 6 `template` held the pattern.
  if (composable.some((key) => key in template && typeof template[key] !== 'string')) return 'composable';
  return ['settings', 'mappings', 'order', 'aliases'].some((key) => key in template) ? 'legacy' : undefined;
}

/** The template for the indices behind an alias of index lifecycle management. */
export function withLifecycle(template: Template, { alias, policy }: Lifecycle, api: TemplateApi): Template {
  const { template: inner, ...rest } = template;
  const added = { 'index.lifecycle.name': policy, 'index.lifecycle.rollover_alias': alias };
  const index_patterns = [`${alias}-*`];
  if (api === 'legacy') return { ...rest, index_patterns, settings: { ...asMap(rest['settings']), ...added } };
  const body = asMap(inner);
  return { ...rest, index_patterns, template: { ...body, settings: { ...asMap(body['settings']), ...added } } };
}

function asMap(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** The index template that Logstash installs under the name `logstash`. */

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

export const DEFAULT_PATTERN = 'logstash-*';

/** `type` is the mapping type that servers before 7 ask for. */
export function defaultTemplate(type: string | undefined): object {
  return {
    index_patterns: DEFAULT_PATTERN,
    version: 60001,
    settings: { 'index.refresh_interval': '5s', number_of_shards: 1 },
    mappings: type === undefined ? MAPPINGS : { [type]: MAPPINGS },
  };
}

/** Whether an index of this name, which may hold `%{…}` parts, could fall under `pattern` of the form `prefix*`. */
export function mayMatch(pattern: string, index: string): boolean {
  const prefix = pattern.replace(/\*.*$/, '');
  const part = index.indexOf('%{');
  const fixed = part < 0 ? index : index.slice(0, part);
  return fixed.startsWith(prefix) || (part >= 0 && prefix.startsWith(fixed));
}

import { afterEach, describe, expect, it, vi } from 'vitest';
import { runTemplate } from '../../../src/cli/template.ts';

afterEach(() => void vi.restoreAllMocks());

/** Runs `template …` and gives what it prints. */
async function run(...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const into = (lines: string[]) => ((text: string) => lines.push(text) > 0) as typeof process.stdout.write;
  vi.spyOn(process.stdout, 'write').mockImplementation(into(out));
  vi.spyOn(process.stderr, 'write').mockImplementation(into(err));
  const code = await runTemplate(args, {});
  return { code, out: out.join(''), err: err.join('') };
}

const print = (config: string, ...more: string[]) => run('print', '-e', config, ...more);
const to = (options: string) => `output { elasticsearch { ${options} } }`;

describe('template print', () => {
  it('fits the indices and the filters of the configuration', async () => {
    const config = `filter {
      if [t] == "a" { mutate { convert => { "[response][ms]" => "float" "code" => "integer" } } geoip { source => "ip" } }
    } ${to('index => "a-%{+YYYYMM}"')} ${to('index => "b-%{+YYYY}-%{app}"')}`;
    const { code, out, err } = await print(config);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      index_patterns: ['a-*', 'b-*-*'],
      priority: 250,
      template: {
        mappings: {
          date_detection: false,
          dynamic_templates: [{ texts: { match_mapping_type: 'string', mapping: { type: 'keyword' } } }],
          properties: {
            '@timestamp': { type: 'date' },
            code: { type: 'long' },
            response: { properties: { ms: { type: 'double' } } },
            geoip: { properties: { ip: { type: 'ip' }, location: { type: 'geo_point' } } },
          },
        },
      },
    });
    expect(err).toContain('--data-binary @<file> http://127.0.0.1:9200/_index_template/<name>');
  });

  it.each<[string, string, string[]]>([
    ['the default index', '', ['logstash-*']],
    ['an alias beside an index', 'index => "a-%{+YYYY}" ilm_rollover_alias => "logs"', ['logs-*', 'a-*']],
    ['an alias that is switched off', 'index => "a" ilm_rollover_alias => "logs" ilm_enabled => false', ['a']],
    ['the default index and an alias', 'ilm_rollover_alias => "logs"', ['logs-*']],
    ['neighbouring fields', 'index => "a-%{x}%{y}"', ['a-*']],
    ['a data stream', 'data_stream => true data_stream_dataset => "nginx"', ['logs-nginx-default']],
  ])('knows the pattern of %s', async (_name, options, patterns) => {
    const { out } = await print(to(options));
    expect(JSON.parse(out)).toMatchObject({ index_patterns: patterns });
  });

  it('makes a legacy one on request', async () => {
    const { out, err } = await print(to('index => "a-%{+YYYY}" hosts => "https://u:topsecret@es/x"'), '--legacy');
    const template = JSON.parse(out) as Record<string, unknown>;
    expect(Object.keys(template)).toEqual(['index_patterns', 'order', 'settings', 'mappings']);
    expect(err).toContain('https://es:9200/x/_template/<name>');
    expect(out + err).not.toContain('topsecret');
  });

  it('makes one for data streams', async () => {
    expect(JSON.parse((await print(to('data_stream => true'))).out)).toHaveProperty('data_stream', {});
  });

  it('takes patterns in place of its own', async () => {
    const { out } = await print(to('index => "%{type}-%{+YYYY}"'), '--index', 'a-*', '--index', 'b-*');
    expect(JSON.parse(out)).toMatchObject({ index_patterns: ['a-*', 'b-*'] });
  });

  it('leaves out fields that only an event tells, or that no document has', async () => {
    const convert = '"%{x}" => "integer" "[@metadata][y]" => "integer" "z" => "integer" "[z][inner]" => "float"';
    const { out } = await print(`filter { mutate { convert => { ${convert} } } } ${to('index => "a"')}`);
    const { template } = JSON.parse(out) as { template: { mappings: { properties: object } } };
    expect(Object.keys(template.mappings.properties)).toEqual(['@timestamp', '@version', 'message', 'z']);
  });

  it.each<[string, string[], RegExp]>([
    [
      'no elasticsearch output',
      ['print', '-e', 'output { stdout { } }'],
      /ERROR: the configuration has no elasticsearch output/,
    ],
    ['an index that could be any', ['print', '-e', to('index => "%{type}"')], /ERROR: .*say which with --index/],
    [
      'both kinds',
      ['print', '-e', `${to('data_stream => true')}${to('index => "a"')}`],
      /ERROR: .*take a template each/,
    ],
    ['a legacy data stream', ['print', '--legacy', '-e', to('data_stream => true')], /ERROR: .*leave --legacy out/],
    ['a fault of the configuration', ['print', '-e', to('indx => "a"')], /LST302/],
    ['no configuration', ['print'], /ERROR: No configuration/],
    ['no command', [], /ERROR: template needs a command/],
  ])('refuses %s', async (_name, args, message) => {
    const { code, err } = await run(...args);
    expect(code).toBe(1);
    expect(err).toMatch(message);
  });
});

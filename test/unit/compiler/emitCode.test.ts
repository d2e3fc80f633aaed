/** What filters write into the generated function does what their `apply` does. */
import { describe, expect, it } from 'vitest';
import { encodeJson } from '../../../src/event/json.ts';
import {
  defineFilter,
  type Filter,
  type FilterDefinition,
  type PluginRegistry,
  type StepCode,
} from '../../../src/plugin-api/index.ts';
import { JsonEventDecoder } from '../../../src/plugins/codecs/jsonEvents.ts';
import { registry } from '../../../src/plugins/index.ts';
import { build } from './support.ts';

/** The same plugins, whose filters are all called. */
const called: PluginRegistry = {
  names: registry.names,
  async load(kind, name) {
    const definition = await registry.load(kind, name);
    return definition?.kind === 'filter' ? withoutCode(definition) : definition;
  },
};

function withoutCode(definition: FilterDefinition): FilterDefinition {
  return {
    ...definition,
    async create(options, context) {
      const { emitCode, ...filter } = await definition.create(options, context);
      return filter;
    },
  };
}

const FILTERS = [
  'mutate { replace => { "a" => "x" "new" => "%{b}" } }',
  'mutate { replace => { "[nested][a]" => "x" "[@metadata][m]" => "y" "list" => "%{[@metadata][m]}" } }',
  'mutate { replace => { "@timestamp" => "x" } }',
  'mutate { replace => { "a[b" => "x" } add_field => { "never" => "1" } }',
  'mutate { replace => { "__proto__" => "x" "7" => "y" "" => "z" } }',
  'mutate { replace => { "%{b}" => "x" } }',
  'mutate { update => { "a" => "x" "new" => "y" "b" => "%{a} and %{missing}" "nil" => "%{+YYYY}" } }',
  'mutate { rename => { "a" => "b" "missing" => "c" "list" => "a" "nil" => "n" } }',
  'mutate { rename => { "a" => "@timestamp" } add_tag => ["never"] }',
  'mutate { rename => { "a" => "[nested][moved]" "[nested][a]" => "top" "%{b}" => "c" "tags" => "@metadata" } }',
  'mutate { convert => { "a" => "integer" "b" => "integer_eu" "list" => "integer" "nil" => "integer" "nested" => "integer" } }',
  'mutate { convert => { "@timestamp" => "integer" "@version" => "integer" "[nested][a]" => "integer" } }',
  'mutate { strip => ["list"] add_tag => ["never"] }',
  'mutate { add_field => { "a" => "x" "new" => "%{b}" "[nested][a]" => "y" "%{b}" => "z" } remove_field => ["list", "missing", "[nested][b]"] }',
  'mutate { add_field => { "@timestamp" => "x" } }',
  'mutate { remove_field => ["@timestamp", "@version", "@metadata", "a", "%{b}"] }',
  'mutate { remove_field => ["@version"] add_field => { "@version" => "2" } }',
  'mutate { add_tag => ["t"] remove_tag => ["one"] } mutate { replace => { "tags" => "t" } add_tag => ["u"] }',
  'drop { } mutate { replace => { "a" => "x" } }',
  'drop { percentage => 0 } mutate { replace => { "a" => "x" } }',
  'if [a] == "1" { drop { } } else if [nested][a] == 1 or [@metadata][m] or [@metadata] { mutate { add_field => { "is" => "%{a}" } } }',
  'json { source => "b" add_field => { "ok" => "1" } }',
];

const EVENTS = [
  '{}',
  '{"a":"1","b":"new"}',
  '{"a":"12","b":"1.234","list":[" 1 ","2"],"nil":null,"nested":{"a":1,"b":{"c":2}},"tags":["one","two"]}',
  '{"b":"{\\"x\\":1}","a":17,"list":[1,[2]],"nested":"no map","tags":"one"}',
  '{"a":"-","b":"a[b","nested":[1,2],"@version":"7","list":{}}',
  '{"a":1.50,"b":true,"tags":5,"@timestamp":"2020-10-20T03:56:08Z"}',
];

describe.each(FILTERS)('%s', (filters) => {
  it.each(EVENTS)('%s', async (json) => {
    const config = `filter { ${filters} } output { stdout { } }`;
    const [one, other] = [await build(config), await build(config, { plugins: called })];
    const outcome = ({ run, program: { stats } }: typeof one) => {
      const counters = { failures: { value: 0 }, trailing: { value: 0 } };
      const [event] = new JsonEventDecoder(counters).decode(Buffer.from(json), 0);
      if (event === undefined) throw new Error('no event');
      const read = run(event);
      const built = run(json);
      return [read.json, encodeJson(read.event.metadata), read.reached, built.json, built.reached, stats];
    };
    expect(outcome(one)).toEqual(outcome(other));
  });
});

describe('a filter that writes its step', () => {
  const plugins = (filter: Partial<Filter>): PluginRegistry => ({
    names: registry.names,
    load: async (kind, name) =>
      name === 'own'
        ? defineFilter({ name, summary: 'x', options: {}, create: () => ({ apply: () => false, ...filter }) })
        : registry.load(kind, name),
  });
  const outcomeOf = async (emitCode: (code: StepCode) => void, more: Partial<Filter> = {}) => {
    const config = 'filter { own { add_field => { "%{n}" => "x" } } }';
    const { run, program, log } = await build(config, { plugins: plugins({ emitCode, ...more }) });
    const { json } = run('{"n":"a"}');
    return { json, bad: run('{"n":"a[b"}').json, exceptions: program.stats.filterExceptions, said: log.length };
  };

  it('is decorated when it says so', async () => {
    const tagged = '{"n":"a[b","tags":["_own_exception"]}';
    const given = await outcomeOf((code) => code.line('matched = true;'));
    expect(given).toEqual({ json: '{"n":"a","a":"x"}', bad: tagged, exceptions: 1, said: 1 });
  });

  it('is not when it does not', async () => {
    const given = await outcomeOf((code) => code.line('e.setField("b", 1);'));
    expect(given).toEqual({ json: '{"n":"a","b":1}', bad: '{"n":"a[b","b":1}', exceptions: 0, said: 0 });
  });

  it('is not when it throws, whatever it has said before', async () => {
    const fail = () => {
      throw new Error('bad');
    };
    const given = await outcomeOf((code) => code.line(`matched = true; ${code.constant(fail)}();`));
    const [json, bad] = ['a', 'a[b'].map((n) => `{"n":"${n}","tags":["_own_exception"]}`);
    expect(given).toEqual({ json, bad, exceptions: 2, said: 1 });
  });

  it('is told of decorations that fail', async () => {
    const decorationFailed: Filter['decorationFailed'] = (event) => event.tag('told');
    const given = await outcomeOf((code) => code.line('matched = true;'), { decorationFailed });
    expect(given).toEqual({
      json: '{"n":"a","a":"x"}',
      bad: '{"n":"a[b","tags":["told"]}',
      exceptions: 0,
      said: 0,
    });
  });
});

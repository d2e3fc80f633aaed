import { describe, expect, it } from 'vitest';
import { eventFailure, type InputDecorationOptions, inputDecoration } from '../../../src/compiler/index.ts';
import { encodeJson } from '../../../src/event/json.ts';
import { generator } from '../../../src/plugins/inputs/generator.ts';
import { recordLog } from '../../support/outputHarness.ts';
import { eventOf } from '../event/support.ts';
import { build } from './support.ts';

async function decorated(options: string, json: string): Promise<string> {
  const { run } = await build(`filter { mutate { ${options} } }`);
  return run(json).json;
}

describe('after success: add_field, remove_field, add_tag, remove_tag', () => {
  it.each([
    ['add_field => { "a" => "%{b}" } remove_field => ["b"]', '{"b":1}', '{"a":"1"}'],
    ['remove_field => ["b"] add_field => { "a" => "%{b}" }', '{"b":1}', '{"a":"1"}'],
    ['remove_field => ["b"] add_tag => ["%{b}"]', '{"b":1}', '{"tags":["%{b}"]}'],
    ['remove_tag => ["x"] add_tag => ["x", "y"]', '{}', '{"tags":["y"]}'],
    ['add_field => { "a" => "x" }', '{"a":1}', '{"a":[1,"x"]}'],
    ['add_field => { "a" => "x" }', '{"a":[1,2]}', '{"a":[1,2,"x"]}'],
    ['add_field => { "a" => "x" }', '{"a":null}', '{"a":["x"]}'],
    ['add_field => { "a" => "x" }', '{"a":{"k":1}}', '{"a":[["k",1],"x"]}'],
    ['add_field => { "a" => ["x", "%{b}"] }', '{"b":2}', '{"b":2,"a":["x","2"]}'],
    ['add_field => { "a" => [] }', '{}', '{}'],
    ['add_field => { "a" => { } }', '{}', '{}'],
    ['add_field => { "%{b}" => "v" }', '{"b":"name"}', '{"b":"name","name":"v"}'],
    ['add_field => { "[x][y]" => "v" }', '{}', '{"x":{"y":"v"}}'],
    ['add_field => { "[@metadata][m]" => "v" "copy" => "%{[@metadata][m]}" }', '{}', '{"copy":"v"}'],
    ['add_field => { "__proto__" => "v" }', '{}', '{"__proto__":"v"}'],
    ['add_field => { "a" => 5 "b" => true }', '{}', '{"a":"5","b":"true"}'],
    ['remove_field => ["%{b}", "[c][d]"]', '{"b":"a","a":1,"c":{"d":1,"e":2}}', '{"b":"a","c":{"e":2}}'],
    ['remove_field => "one"', '{"one":1}', '{}'],
    ['add_tag => ["t", "t"]', '{"tags":["t"]}', '{"tags":["t","t","t"]}'],
    ['add_tag => "t"', '{"tags":"s"}', '{"tags":["s","t"]}'],
    ['add_tag => ["t"]', '{"tags":null}', '{"tags":["t"]}'],
    ['add_tag => { "a" => "b" }', '{}', '{"tags":["[\\"a\\", \\"b\\"]"]}'],
    ['add_tag => [2.50]', '{}', '{"tags":["2.5"]}'],
    ['remove_tag => ["%{b}"]', '{"b":"t","tags":["t","u","t"]}', '{"b":"t","tags":["u"]}'],
    ['remove_tag => ["t"]', '{"tags":["t"]}', '{"tags":[]}'],
    ['remove_tag => ["t"]', '{"tags":"t"}', '{"tags":[]}'],
    ['remove_tag => ["t"]', '{}', '{}'],
  ])('%s on %s', async (options, before, after) => {
    expect(await decorated(options, before)).toBe(after);
  });

  it('nothing of it after a failure', async () => {
    const { run } = await build('filter { json { source => "m" add_tag => ["ok"] add_field => { "a" => "b" } } }');
    expect(run('{"m":"{"}').json).toBe('{"m":"{","tags":["_jsonparsefailure"]}');
    expect(run('{}').json).toBe('{}');
  });

  it('a bad reference made of an event is a failure of that event alone', async () => {
    const { run, program } = await build('filter { mutate { add_field => { "%{n}" => "v" } } }');
    expect(run('{"n":"a[b"}').json).toBe('{"n":"a[b","tags":["_mutate_error"]}');
    expect(run('{"n":"ok"}').json).toBe('{"n":"ok","ok":"v"}');
    expect(program.stats.filterExceptions).toBe(0);
  });

  it('a filter without an answer of its own to that gets a tag, a count and one log line', async () => {
    const { run, program, log } = await build('filter { json { source => "m" add_field => { "%{n}" => "v" } } }');
    for (let n = 0; n < 3; n++) {
      expect(run('{"m":"{}","n":"a[b"}').json).toBe('{"m":"{}","n":"a[b","tags":["_json_exception"]}');
    }
    expect(program.stats.filterExceptions).toBe(3);
    expect(log).toHaveLength(1);
  });
});

describe('of an input', () => {
  const unexpected = (_event: unknown, error: unknown): never => {
    throw error;
  };
  const options = (more: Partial<InputDecorationOptions>): InputDecorationOptions => ({
    add_field: new Map(),
    tags: [],
    type: undefined,
    ...more,
  });

  it.each<[Partial<InputDecorationOptions>, string, string]>([
    [{ type: 't' }, '{}', '{"type":"t"}'],
    [{ type: 't' }, '{"type":"own"}', '{"type":"own"}'],
    [{ type: 't' }, '{"type":null}', '{"type":null}'],
    [{ tags: ['a', 'a'] }, '{"tags":["a"]}', '{"tags":["a","a","a"]}'],
    [{ tags: ['%{type}'], type: 't' }, '{}', '{"type":"t","tags":["t"]}'],
    [{ add_field: new Map([['f', '%{type}']]), type: 't' }, '{}', '{"type":"t","f":"t"}'],
  ])('%j on %s', (more, before, after) => {
    const event = eventOf(before);
    inputDecoration(options(more), unexpected)?.(event);
    expect(encodeJson(event.data)).toBe(after);
  });

  it('a bad reference made of an event is a failure of that event alone, with a tag, a count and one log line', () => {
    const { logger, lines } = recordLog();
    let count = 0;
    const failed = eventFailure(generator, logger, () => {
      count++;
    });
    const decorate = inputDecoration(options({ type: 't', tags: ['x'], add_field: new Map([['%{n}', 'v']]) }), failed);
    const decorated = (json: string): string => {
      const event = eventOf(json);
      decorate?.(event);
      return encodeJson(event.data);
    };
    const bad = '{"n":"a[b","type":"t","tags":["x","_generator_exception"]}';
    expect(['{"n":"a[b"}', '{"n":"ok"}', '{"n":"a[b"}'].map(decorated)).toEqual([
      bad,
      '{"n":"ok","type":"t","tags":["x"],"ok":"v"}',
      bad,
    ]);
    expect(count).toBe(2);
    expect(lines).toEqual([
      'ERROR an event made this input fail; it goes on with the tag _generator_exception (said once)',
    ]);
  });

  it('is nothing at all when nothing is asked for', () => {
    expect(inputDecoration(options({}), unexpected)).toBeUndefined();
  });
});

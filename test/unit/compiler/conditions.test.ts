import { describe, expect, it } from 'vitest';
import { build } from './support.ts';

const EVENT = `{"s":"abc","empty":"","six":"6","n":6,"f":6.0,"half":6.5,"zero":0,"t":true,"no":false,"false":"false","nil":null,
  "list":["abc",6,"x"],"none":[],"map":{"abc":1},"nomap":{},"big":9007199254740993,"big2":9007199254740992,
  "lines":"one\\ntwo","a":{"b":"deep"},"euro":"€","smile":"😀","@timestamp":"2020-10-20T03:56:08Z","constructor_":1}`;

interface Answer {
  readonly holds: boolean;
  readonly crashes: number;
}

async function answer(condition: string): Promise<Answer> {
  const { program, run } = await build(`filter { if ${condition} { mutate { add_field => { "held" => "1" } } } }`);
  const { event } = run(EVENT);
  return { holds: event.data['held'] === '1', crashes: program.stats.incomparable };
}

const yes = { holds: true, crashes: 0 };
const no = { holds: false, crashes: 0 };
/** Logstash's worker dies of it: here false, and counted. */
const crash = { holds: false, crashes: 1 };

function table(title: string, rows: readonly (readonly [condition: string, answer: Answer])[]): void {
  describe(title, () => {
    it.each(rows)('%s', async (condition, expected) => {
      expect(await answer(condition)).toEqual(expected);
    });
  });
}

table('truth', [
  ['[s]', yes],
  ['[zero]', yes],
  ['[none]', yes],
  ['[nomap]', yes],
  ['[t]', yes],
  ['[a][b]', yes],
  ['[@metadata]', yes],
  ['[missing]', no],
  ['[nil]', no],
  ['[empty]', no],
  ['[no]', no],
  ['[false]', no],
  ['![missing]', yes],
  ['!([s])', no],
  ['[constructor]', no],
  ['[toString]', no],
  ['[__proto__]', no],
  ['[s][length]', no],
  ['"false"', no],
  ['"x"', yes],
  ['0', yes],
]);

table('== and !=', [
  ['[s] == "abc"', yes],
  ['"abc" == [s]', yes],
  ['[s] != "abc"', no],
  ['[n] == 6', yes],
  ['6 == [n]', yes],
  ['[n] == "6"', no],
  ['[six] == 6', no],
  ['[n] == 6.0', no],
  ['[f] == 6.0', yes],
  ['[f] == 6', no],
  ['[half] == 6.5', yes],
  ['[missing] == "x"', no],
  ['[missing] != "x"', yes],
  ['[missing] == [absent]', yes],
  ['[missing] == [nil]', no],
  ['[nil] == [nil]', yes],
  ['[list] == [list]', yes],
  ['[map] == [nomap]', no],
  ['[big] == 9007199254740993', yes],
  ['[big] == [big2]', no],
  ['[t] == "true"', no],
  ['[s] == ["abc", "x"]', yes],
  ['[s] == ["x", "abc"]', no],
]);

table('< <= > >=', [
  ['[n] > 5', yes],
  ['[n] >= 6', yes],
  ['[n] < 6', no],
  ['[n] <= 6', yes],
  ['5 < [n]', yes],
  ['7 < [n]', no],
  ['[half] > 6', yes],
  ['[f] >= 6', yes],
  ['[big] > [big2]', yes],
  ['[s] < "abd"', yes],
  ['[s] > "ab"', yes],
  ['[smile] > [euro]', yes],
  ['[nil] > 5', no],
  ['[t] > 5', no],
  ['[missing] > 5', crash],
  ['[missing] <= 5', crash],
  ['5 < [missing]', crash],
  ['[six] > 5', crash],
  ['[n] > "5"', crash],
  ['[list] > 5', crash],
  ['[map] > 5', crash],
  ['!([missing] > 5)', { holds: true, crashes: 1 }],
]);

table('=~ and !~', [
  ['[s] =~ /b/', yes],
  ['[s] =~ /^abc$/', yes],
  ['[s] =~ "^a"', yes],
  ['[s] !~ /b/', no],
  ['[s] =~ /B/', no],
  ['[s] =~ /(?i)B/', yes],
  ['[lines] =~ /^two$/', yes],
  [String.raw`[lines] =~ /\Atwo/`, no],
  ['[n] =~ /6/', no],
  ['[n] !~ /6/', yes],
  ['[list] =~ /abc/', no],
  ['[missing] =~ /x/', no],
  ['[missing] !~ /x/', yes],
  ['[empty] =~ //', yes],
  [String.raw`[s] =~ /\//`, no],
  ['[euro] =~ /[[:alpha:]]/', no],
]);

table('in and not in', [
  ['[s] in "xabcx"', yes],
  ['[s] in "ab"', no],
  ['[empty] in "x"', yes],
  ['[n] in "6"', no],
  ['[missing] in "x"', no],
  ['[missing] not in "x"', yes],
  ['[six] in 56', yes],
  ['[s] in ["abc", "x"]', yes],
  ['[s] in ["ab", "x"]', no],
  ['[n] in ["6", "x"]', yes],
  ['[six] in [6, 7]', yes],
  ['[f] in [6, 7]', no],
  ['[nil] in ["", "x"]', yes],
  ['[missing] in ["", "x"]', no],
  ['[t] in ["true", "x"]', yes],
  ['[list] in ["abc", "x"]', no],
  ['"b" in [s]', yes],
  ['"z" in [s]', no],
  ['"abc" in [list]', yes],
  ['"ab" in [list]', no],
  ['"abc" in [map]', no],
  ['"x" in [missing]', no],
  ['6 in [list]', yes],
  ['6 in [n]', no],
  ['[s] in [list]', yes],
  ['[n] in [list]', yes],
  ['[empty] in [s]', yes],
  ['[s] in [six]', no],
  ['[nil] in [nil]', yes],
  ['[list] in [list]', no],
  ['[missing] in [list]', crash],
  ['[missing] in [s]', no],
  ['"log" in "accesslog"', no],
  ['"a" in "a"', yes],
  ['"a" in ["a", "b"]', no],
  ['[s] in ["abc"]', no],
]);

table('and, or, xor, nand', [
  ['[s] and [n]', yes],
  ['[s] and [missing]', no],
  ['[missing] or [n]', yes],
  ['[missing] and [n] or [s]', yes],
  ['[s] or [n] and [missing]', yes],
  ['([s] or [n]) and [missing]', no],
  ['[s] xor [n]', no],
  ['[s] xor [missing]', yes],
  ['[s] nand [n]', no],
  ['[s] nand [missing]', yes],
  ['!([s] and [missing])', yes],
  ['[s] == "abc" and [n] > 5 and !([list] == "x")', yes],
  // The right side is not looked at.
  ['[missing] and [missing] > 5', no],
  ['[s] or [missing] > 5', yes],
]);

describe('what is refused, with its place', () => {
  it.each([
    ['[s] == /x/', 'LST106 1:20'],
    ['[s] in /x/', 'LST106 1:'],
    ['/x/ in [s]', 'LST106 1:'],
    ['/x/ == [s]', 'LST106 1:'],
    ['[s] == f1([n])', 'LST104 1:20'],
    ['["a", "b"] in [s]', 'LST106 1:13'],
    ['[s] =~ /(/', 'LST108 1:20'],
    ['call([s])', 'LST104 1:13'],
    ['[s] xor [n] and [f]', 'LST105 1:'],
  ])('%s', async (condition, place) => {
    const { faults } = await build(`filter { if ${condition} { drop { } } }`);
    expect(faults()).toHaveLength(1);
    expect(faults()[0]).toContain(place);
  });
});

it('warns once a place of values that cannot be compared, and counts each', async () => {
  const { program, run, log } = await build(
    'filter {\n  if [a] > 1 { drop { } }\n  else if [a] < 1 { drop { } }\n}\noutput { null { } }',
  );
  for (let n = 0; n < 3; n++) run('{"a":"text"}');
  expect(program.stats.incomparable).toBe(6);
  expect(log.map((line) => line.split(': ')[0])).toEqual(['WARN test.conf:2:6', 'WARN test.conf:3:11']);
});

it('takes a text for no match, and counts it, with which a regular expression uses up the stack', async () => {
  const { program, run } = await build('output { if [a] =~ /^(?:a|b)*c/ { null { } } else { stdout { } } }');
  expect(run(JSON.stringify({ a: 'ab'.repeat(8_000_000) })).reached).toEqual([1]);
  expect(program.stats.incomparable).toBe(1);
  expect(run('{"a":"abc"}').reached).toEqual([0]);
});

describe('branches', () => {
  const CONFIG = `filter {
    if [k] == 1 { mutate { add_tag => ["one"] } }
    else if [k] == 2 { mutate { add_tag => ["two"] } if [n] { mutate { add_tag => ["inner"] } } else { drop { } } }
    else { mutate { add_tag => ["else"] } }
    mutate { add_tag => ["after"] }
  }
  output { if [k] == 1 { null { } } else if [k] == 3 { null { } null { } } stdout { } }`;

  it.each<[string, string[] | undefined, number[]]>([
    ['{"k":1}', ['one', 'after'], [0, 3]],
    ['{"k":2,"n":1}', ['two', 'inner', 'after'], [3]],
    ['{"k":2}', ['two'], []],
    ['{"k":3}', ['else', 'after'], [1, 2, 3]],
  ])('%s', async (json, tags, reached) => {
    const { run, program } = await build(CONFIG);
    const result = run(json);
    expect(result.event.data['tags']).toEqual(tags);
    expect(result.reached).toEqual(reached);
    expect(result.event.batch.unsettled).toBe(1 + reached.length);
    expect(program.stats).toMatchObject({ dropped: reached.length === 0 ? 1 : 0, unrouted: 0 });
  });

  it('counts an event that reaches no output', async () => {
    const { run, program } = await build('output { if [k] { null { } } }');
    expect(run('{}').reached).toEqual([]);
    expect(program.stats).toMatchObject({ unrouted: 1, dropped: 0 });
  });
});

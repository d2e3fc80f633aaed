/** Text of a configuration is data: however it looks, it is never run. */
import { describe, expect, it } from 'vitest';
import { build } from './support.ts';

declare global {
  var compromised: unknown;
}

const HOSTILE = [
  "'; globalThis.compromised = 1; //",
  '`; globalThis.compromised = 1; //',
  '${globalThis.compromised = 1}',
  '`${globalThis.compromised = 1}`',
  '\\',
  '\\"',
  "\\'); globalThis.compromised = 1; ('",
  '\n globalThis.compromised = 1 \n',
  '\r\n}',
  '\u2028globalThis.compromised = 1\u2029',
  '*/ globalThis.compromised = 1 /*',
  '</script><!--',
  '\0',
  '\ud800',
  '__proto__',
  'constructor',
  'toString',
  'e.data',
  ')] } globalThis.compromised = 1; {[(',
];

/** As a string of the language; the texts here have no quotes of this kind that would end it. */
const quoted = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
const inLanguage = (text: string) => !/\\'|\\$/.test(text) && !text.includes("'");

async function runsSafely(config: string, event: object): Promise<string> {
  const { run, program, faults } = await build(config);
  expect(faults()).toEqual([]);
  const { json } = run(JSON.stringify(event));
  expect(globalThis.compromised).toBeUndefined();
  // It stands in literals only.
  expect(program.source.split('\n').filter((line) => /^[^"]*compromised/.test(line))).toEqual([]);
  return json;
}

describe.each(HOSTILE.filter(inLanguage))('%j', (text) => {
  const wellFormed = text.toWellFormed() === text;

  it('as a constant of a condition equals itself and nothing else', async () => {
    const config = `filter { if [f] == ${quoted(text)} { mutate { add_tag => ["same"] } } }`;
    if (wellFormed) expect(await runsSafely(config, { f: text })).toContain('"same"');
    expect(await runsSafely(config, { f: 'another' })).not.toContain('"same"');
  });

  it('as an operand of in, <, =~ and in lists', async () => {
    const constant = quoted(text);
    for (const condition of [
      `[f] in ${constant}`,
      `${constant} in [f]`,
      // A bracket or comma would make a selector of it.
      /[[\],]/.test(text) ? '[f]' : `[f] in [${constant}, "x"]`,
      `[f] < ${constant}`,
      `${constant} == ${constant}`,
      `${constant}`,
      `[f] != ${constant} and ${constant} in [f]`,
    ]) {
      expect(await runsSafely(`filter { if ${condition} { mutate { add_tag => ["t"] } } }`, { f: 'abc' })).toContain(
        'abc',
      );
    }
  });

  it('as the name and value of a field', async () => {
    const config = `filter { mutate { add_field => { ${quoted(text)} => ${quoted(text)} } id => ${quoted(text)} } }`;
    const json = await runsSafely(config, {});
    if (wellFormed && !/[[\]%]/.test(text)) expect(JSON.parse(json)[text]).toBe(text);
  });

  it('as a selector', async () => {
    if (/[[\],]/.test(text)) return;
    const config = `filter { if [${text}] == "v" { mutate { add_tag => ["found"] } } }`;
    if (wellFormed) expect(await runsSafely(config, Object.fromEntries([[text, 'v']]))).toContain('found');
    expect(await runsSafely(config, {})).not.toContain('found');
  });
});

it('looks at the event, never at what objects inherit', async () => {
  const { run } = await build('filter { if [__proto__][x] or [constructor][name] { mutate { add_tag => ["t"] } } }');
  expect(run('{}').json).toBe('{}');
  expect(run('{"__proto__":{"x":1}}').json).toContain('"t"');
});

import { describe, expect, it } from 'vitest';
import type { OptionContext } from '../../src/plugin-api/index.ts';
import { asConfigValue, check, configWith, KINDS, registeredPlugins } from './support.ts';

const plugins = await registeredPlugins();

const NO_OUTSIDE: OptionContext = {
  fileExists: () => true,
  codec: () => {
    throw new Error('codecs are opened by the compiler');
  },
};

it('knows plugins of each kind', () => {
  const counts = KINDS.map((kind) => plugins.filter((plugin) => plugin.kind === kind).length);
  expect(counts).toEqual([4, 5, 4, 5]);
});

describe.each(plugins)('$kind $name', (plugin) => {
  const { kind, name, definition, options } = plugin;
  const entries = Object.entries(options);
  const own = Object.entries(definition.options);

  it('declares itself under its own name and kind, with a sentence about it', () => {
    expect(definition.name).toBe(name);
    expect(definition.kind).toBe(kind);
    expect(definition.summary).toMatch(/^[A-Z].*\.$/);
  });

  it.each(entries)('says what `%s` is for, in whole sentences', (_name, spec) => {
    expect(spec.doc).toMatch(/^\S.*\.$/s);
    expect(spec.type).not.toBe('');
    if (spec.deprecated !== undefined) expect(spec.deprecated).toMatch(/\.$/);
    if (spec.refused !== undefined) expect(spec.refused.reason).toMatch(/\.$/);
  });

  it.each(own)('has no default for `%s` that its own rules refuse', (optionName, spec) => {
    expect(spec.required && spec.default !== undefined, `${optionName} is required, so a default is never used`).toBe(
      false,
    );
    const value = asConfigValue(spec.default);
    if (value !== undefined) expect(spec.parse(value, NO_OUTSIDE)).toEqual(spec.default);
  });

  it('passes the check with its required options alone', async () => {
    const { faults } = await check(configWith(plugin));
    expect(faults).toEqual([]);
  });

  it('refuses an unknown option at its place and says what was meant', async () => {
    const known = own.map(([optionName]) => optionName).find((optionName) => optionName.length > 5) ?? 'enable_metric';
    const slip = `${known.slice(0, -1)}${known.slice(-1).repeat(2)}`;
    const { faults } = await check(configWith(plugin, `${slip} => "x"`));
    expect(faults).toEqual([
      {
        code: 'LST302',
        message: `unknown option \`${slip}\` for ${kind} \`${name}\``,
        hint: `did you mean \`${known}\`?`,
        at: slip,
      },
    ]);
  });

  it('guesses nothing for a name that is like none', async () => {
    const { faults } = await check(configWith(plugin, 'zzzzzzzzzzzz => "x"'));
    expect(faults).toMatchObject([{ code: 'LST302', hint: undefined, at: 'zzzzzzzzzzzz' }]);
  });

  const required = entries.filter(([, spec]) => spec.required);
  it.runIf(required.length > 0).each(required)('misses `%s`, and says what it is for', async (optionName, spec) => {
    const { faults } = await check(configWith(plugin, '', optionName));
    expect(faults).toEqual([
      { code: 'LST303', message: `${kind} \`${name}\` needs \`${optionName}\``, hint: spec.doc, at: name },
    ]);
  });

  const refused = entries.filter(([, spec]) => spec.refused !== undefined);
  it.runIf(refused.length > 0).each(refused)('refuses `%s` by name, with the reason', async (optionName, spec) => {
    const { faults } = await check(configWith(plugin, `${optionName} => "x"`));
    const code = spec.refused?.obsolete === true ? 'LST305' : 'LST307';
    expect(faults).toEqual([
      { code, message: expect.stringContaining(`\`${optionName}\``), hint: spec.refused?.reason, at: optionName },
    ]);
  });

  const deprecated = entries.filter(([, spec]) => spec.deprecated !== undefined);
  it.runIf(deprecated.length > 0).each(deprecated)('takes `%s` with a warning', async (optionName, spec) => {
    const { faults } = await check(configWith(plugin, `${optionName} => "x"`));
    expect(faults).toMatchObject([{ code: 'LST306', hint: spec.deprecated, at: optionName }]);
  });
});

describe('options that Logstash made obsolete', () => {
  it.each([
    ['input', 'generator', ['charset', 'debug', 'format', 'message_format']],
    ['filter', 'drop', ['exclude_tags', 'tags', 'type']],
    ['output', 'null', ['exclude_tags', 'tags', 'type']],
    ['filter', 'mutate', ['remove']],
  ] as const)('%s %s: %j are errors with advice', async (kind, name, names) => {
    const block = names.map((option) => `${option} => "x"`).join(' ');
    const { faults } = await check(`${kind} { ${name} { ${block} } }`);
    expect(faults.map(({ code, at }) => [code, at]).sort()).toEqual(names.map((option) => ['LST305', option]));
  });
});

it('collects the faults of all plugins before it answers', async () => {
  const { faults } = await check(
    'input { kinesiss { } }\nfilter { json { sauce => "a" } }\noutput { s3 { size_file => "big" } nul { } }',
  );
  expect(faults.map(({ code, at }) => `${code} ${at}`).sort()).toEqual([
    'LST301 kinesiss',
    'LST301 nul',
    'LST302 sauce',
    'LST303 json',
    'LST303 s3',
    'LST304 "big"',
  ]);
});

/** Each option of the original works or is refused by name: none is unknown. */
import { describe, expect, it } from 'vitest';
import { KCL_SETTINGS, ORIGINAL } from './logstashOptions.ts';
import { check, registeredPlugins } from './support.ts';

const plugins = await registeredPlugins();
const words = (text: string) => text.split(/\s+/);

it('lists every plugin there is', () => {
  const names = (list: readonly { kind: string; name: string }[]) => list.map((p) => `${p.kind} ${p.name}`).sort();
  expect(names(ORIGINAL)).toEqual(names(plugins));
});

describe.each(ORIGINAL)('$kind $name', ({ kind, name, options, later = '' }) => {
  const originals = words(`${options} ${later}`).filter(Boolean);
  const plugin = plugins.find((candidate) => candidate.kind === kind && candidate.name === name);

  it('knows all options of the original', () => {
    expect(originals.filter((option) => plugin?.options[option] === undefined)).toEqual([]);
  });

  it('has no others but the additions written down here', () => {
    const known = new Set(originals);
    const additions = Object.keys(plugin?.options ?? {}).filter((option) => !known.has(option));
    expect(additions).toEqual([...(COMMON_ADDITIONS[kind] ?? []), ...(ADDITIONS[`${kind} ${name}`] ?? [])]);
  });
});

const COMMON_ADDITIONS: Readonly<Record<string, readonly string[]>> = { output: ['spool'] };

/** An option that is ours alone is written here on purpose, so that a slip in a name is noticed. */
const ADDITIONS: Readonly<Record<string, readonly string[]>> = {
  'input kinesis': [
    'initial_position_timestamp',
    'consumer',
    'consumer_name',
    'dynamodb_role_arn',
    'role_external_id',
    'sts_endpoint',
    'event_time',
    'compression',
    'expanded_bytes_max',
    'kpl_records_outside_shard',
  ],
  'filter mutate': ['remove'],
  'output elasticsearch': ['idempotent'],
  'output s3': ['object_key', 'timezone', 'manifest', 'gzip_level', 'max_spool_bytes', 'max_open_files'],
};

describe('kinesis additional_settings', () => {
  it.each(words(KCL_SETTINGS))('%s works or is refused by name', async (setting) => {
    const { faults } = await check(
      `input { kinesis { kinesis_stream_name => "s" additional_settings => { "${setting}" => "2000" } } }`,
    );
    for (const { code, message } of faults) {
      expect(code).toBe('LST310');
      expect(message).toContain(`\`${setting}\``);
      expect(message).not.toContain('is unknown');
    }
  });

  it('an unknown one is refused with a guess', async () => {
    const { faults } = await check(
      'input { kinesis { kinesis_stream_name => "s" additional_settings => { "kinesis_endpiont" => "http://x" } } }',
    );
    expect(faults).toMatchObject([{ message: expect.stringContaining('did you mean `kinesis_endpoint`?') }]);
  });
});

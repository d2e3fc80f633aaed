/** No secret on any screen: each option that holds one, with a right and with a wrong value. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { compile } from '../../src/compiler/index.ts';
import { registry } from '../../src/plugins/index.ts';
import { createLogger } from '../../src/runtime/logging.ts';
import { Pipeline, PipelineStartError } from '../../src/runtime/pipeline.ts';
import { check, configWith, pipelineSettings, type Registered, registeredPlugins } from './support.ts';

const SECRET = 'hunter2Hunter2';
/** Nothing listens on port 1. */
const NOWHERE = '127.0.0.1:1';

const secrets = (await registeredPlugins()).flatMap((plugin) =>
  Object.entries(plugin.options)
    .filter(([, spec]) => spec.secret)
    .map(([option, spec]) => ({ plugin, label: `${plugin.kind} ${plugin.name}`, option, type: spec.type })),
);

const rightValue = ({ option, type }: { option: string; type: string }) => {
  if (option === 'cloud_auth' || option === 'api_key') return `user:${SECRET}`;
  return type === 'password' && option !== 'http_proxy' ? SECRET : `http://user:${SECRET}@${NOWHERE}`;
};

/** What makes the option work beside the required ones. */
const BESIDE: Readonly<Record<string, string>> = {
  password: 'user => "elastic"',
  api_key: 'ssl => true',
  secret_access_key: 'access_key_id => "AK"',
  session_token: 'access_key_id => "AK" secret_access_key => "x"',
};

it('there are some to look at', () => {
  expect(secrets.map(({ label, option }) => `${label} ${option}`)).toEqual([
    'input kinesis http_proxy',
    'output elasticsearch hosts',
    'output elasticsearch password',
    'output elasticsearch api_key',
    'output elasticsearch cloud_auth',
    'output elasticsearch proxy',
    'output elasticsearch keystore_password',
    'output elasticsearch ssl_keystore_password',
    'output s3 secret_access_key',
    'output s3 session_token',
  ]);
});

describe.each(secrets)('$label $option', ({ plugin, option, type }) => {
  const right = rightValue({ option, type });

  it('is not shown when it is wrong', async () => {
    const wrong = [
      `["${right}", "${right}"]`,
      `{ "${right}" => "${right}" }`,
      `["http://user:${SECRET}@[::"]`,
      `"user:${SECRET}@[::"`,
      `"ftp://user:${SECRET}@host:port:port"`,
    ];
    for (const value of wrong) {
      const { faults, rendered } = await check(configWith(plugin, `${option} => ${value}`));
      expect(JSON.stringify(faults.map(({ at: _source, ...fault }) => fault))).not.toContain(SECRET);
      expect(rendered, value).not.toContain(SECRET);
    }
  });

  it('is not shown beside another fault', async () => {
    const { faults, rendered } = await check(configWith(plugin, `${option} => "${right}"\n  unheard_of => 1`));
    expect(faults.map(({ code }) => code)).toContain('LST302');
    expect(rendered).not.toContain(SECRET);
  });

  it('is not in the JSON of its value', async () => {
    const { pipeline } = await check(configWith(plugin, `${option} => "${right}" ${BESIDE[option] ?? ''}`));
    const [resolved] = [
      ...pipeline.inputs,
      ...pipeline.outputs.flatMap((s) => (s.type === 'plugin' ? [s.plugin] : [])),
    ];
    expect(resolved?.options[option]).toBeDefined();
    expect(JSON.stringify(resolved?.options)).not.toContain(SECRET);
  });
});

describe('a run against servers that are not there', () => {
  const directory = mkdtempSync(join(tmpdir(), 'logstash-ts-secrets-'));
  beforeAll(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AK');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', SECRET);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Log lines in both layouts at the finest level, and the snapshot, once something went wrong. */
  async function observe(plugin: Registered, more: string): Promise<string> {
    const lines: string[] = [];
    const text = configWith(plugin, more);
    const { pipeline: resolved, reporter } = await compile([{ path: 'secrets.conf', text }], {
      registry,
      variable: () => undefined,
      supportEscapes: false,
      fileExists: () => true,
    });
    expect(reporter.diagnostics).toEqual([]);
    const write = (line: string) => void lines.push(line);
    const pipeline = new Pipeline(
      pipelineSettings({
        dataPath: directory,
        loggerFor: (source) => {
          const settings = { level: 'trace', write, now: Date.now } as const;
          const plain = createLogger({ ...settings, format: 'plain' }, source);
          const json = createLogger({ ...settings, format: 'json' }, source);
          const both = (level: keyof typeof plain) => (message: string, fields?: Record<string, unknown>) => {
            plain[level](message, fields);
            json[level](message, fields);
          };
          return {
            trace: both('trace'),
            debug: both('debug'),
            info: both('info'),
            warn: both('warn'),
            error: both('error'),
            fatal: both('fatal'),
          };
        },
      }),
      reporter,
    );
    const trouble = () => vi.waitFor(() => expect(lines.join('')).toMatch(/WARN|ERROR|FATAL/), { timeout: 20_000 });
    let snapshot = '';
    try {
      await pipeline.start(resolved);
      const running = plugin.kind === 'input' ? pipeline.run().catch(() => {}) : undefined;
      await trouble();
      snapshot = JSON.stringify(pipeline.snapshot());
      pipeline.stop();
      await running;
    } catch (error) {
      if (!(error instanceof PipelineStartError)) throw error;
      await trouble();
      snapshot = JSON.stringify(pipeline.snapshot());
    }
    await pipeline.close();
    return `${lines.join('')}${snapshot}`;
  }

  const elsewhere: Readonly<Record<string, string>> = {
    'input kinesis': '',
    'output elasticsearch': `hosts => "${NOWHERE}"`,
    'output s3': `endpoint => "http://${NOWHERE}" temporary_directory => "${directory}"`,
  };

  it.each(secrets)('$label $option is neither logged nor in the snapshot', async ({ plugin, label, option, type }) => {
    const place = option === 'hosts' ? '' : (elsewhere[label] ?? '');
    const seen = await observe(
      plugin,
      `${option} => "${rightValue({ option, type })}" ${BESIDE[option] ?? ''} ${place}`,
    );
    expect(seen).toContain('"plugins":[');
    expect(seen).not.toContain(SECRET);
    expect(seen).not.toContain(Buffer.from(`user:${SECRET}`).toString('base64'));
  });
});

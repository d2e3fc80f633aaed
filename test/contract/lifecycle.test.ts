/** What inputs and outputs promise about starting and stopping. */
import dns from 'node:dns';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import type { Input, InputContext, Output } from '../../src/plugin-api/index.ts';
import { generator } from '../../src/plugins/inputs/generator.ts';
import { kinesis } from '../../src/plugins/inputs/kinesis/index.ts';
import { file } from '../../src/plugins/outputs/file/index.ts';
import { nullOutput } from '../../src/plugins/outputs/null.ts';
import { stdout } from '../../src/plugins/outputs/stdout.ts';
import {
  defaultsOf,
  jsonLinesCodec,
  numbered,
  outputContext,
  outputOptions,
  TestBatch,
} from '../support/outputHarness.ts';
import { testContext } from '../support/pluginContext.ts';
import { check, configWith, registeredPlugins } from './support.ts';

const directory = mkdtempSync(join(tmpdir(), 'logstash-ts-contract-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(() => void vi.restoreAllMocks());

describe('the check', async () => {
  const plugins = await registeredPlugins();

  it('never touches the network', async () => {
    const connect = vi.spyOn(net.Socket.prototype, 'connect');
    const lookup = vi.spyOn(dns, 'lookup');
    const resolve = vi.spyOn(dns.promises, 'lookup');
    const fetched = vi.spyOn(globalThis, 'fetch');
    const seed = readFileSync(new URL('../data/seed.conf', import.meta.url), 'utf8');
    const databases = new URL('../data/geoip/', import.meta.url).pathname;
    const withDatabase = seed.replace(/database => "[^"]*"/, `database => "${databases}GeoLite2-ASN-Test.mmdb"`);
    for (const text of [withDatabase, ...plugins.map((plugin) => configWith(plugin))]) {
      // The user's file is warned that its objects end by size too.
      expect((await check(text)).faults.filter(({ code }) => code !== 'LST311')).toEqual([]);
    }
    for (const spy of [connect, lookup, resolve, fetched]) expect(spy).not.toHaveBeenCalled();
  });
});

const PATH = join(directory, 'closed.jsonl');
const OUTPUTS = [
  { definition: nullOutput, given: {} },
  { definition: stdout, given: {} },
  { definition: file, given: { path: PATH, flush_interval: 0 } },
];

describe.each(OUTPUTS)('output $definition.name', ({ definition, given }) => {
  async function opened(): Promise<Output> {
    const output = await definition.create(outputOptions(definition, given), outputContext());
    await output.open?.();
    return output;
  }

  it('settles each event once and can be closed twice, at once and again', async () => {
    const printed: string[] = [];
    const write = (text: string, done: () => void) => {
      printed.push(text);
      done();
      return true;
    };
    vi.spyOn(process.stdout, 'write').mockImplementation(write as typeof process.stdout.write);
    const output = await opened();
    const batch = new TestBatch(numbered(3));
    await output.write(batch.events);
    await Promise.all([output.close(), output.close()]);
    await output.close();
    expect(batch.settled).toBe(3);
    if (definition === stdout) expect(printed.join('').match(/"n":\d/g)).toEqual(['"n":0', '"n":1', '"n":2']);
    if (definition === file) expect(readFileSync(PATH, 'utf8').match(/"n":\d/g)).toEqual(['"n":0', '"n":1', '"n":2']);
  });

  it('can be closed without an event', async () => {
    const output = await opened();
    await output.close();
    await expect(output.close()).resolves.toBeUndefined();
  });
});

function inputContext(): InputContext & { readonly emitted: unknown[] } {
  const emitted: unknown[] = [];
  const emit = (events: readonly unknown[]) => void emitted.push(...events);
  return { ...testContext(), emit, batchSize: 125, emitted };
}

describe('inputs', () => {
  it.each([
    [generator, {}],
    [kinesis, { kinesis_stream_name: 'logs' }],
  ])(
    '$name: stopped before it runs, and more than once, it ends at once with nothing emitted',
    async (definition, given) => {
      const context = inputContext();
      const options = { ...defaultsOf(definition.options), codec: jsonLinesCodec(), ...given };
      const input: Input = await definition.create(options, context);
      input.stop();
      input.stop();
      await input.run();
      await input.close?.();
      expect(context.emitted).toEqual([]);
    },
  );
});

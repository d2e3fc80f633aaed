/** What every output promises about an event that it cannot encode: the others are delivered, and all are settled. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Scalar } from '../../src/event/value.ts';
import type { CodecFactory } from '../../src/plugin-api/index.ts';
import { registry } from '../../src/plugins/index.ts';
import { jsonLinesCodec, numbered, outputContext, recordLog, TestBatch } from '../support/outputHarness.ts';
import { type FakeElasticsearch, startFakeElasticsearch } from '../support/servers/fakeElasticsearch.ts';
import { type FakeS3, startFakeS3 } from '../support/servers/fakeS3.ts';
import { check } from './support.ts';

const directory = mkdtempSync(join(tmpdir(), 'logstash-ts-contract-isolation-'));
const printed: string[] = [];
let elasticsearch: FakeElasticsearch;
let s3: FakeS3;

beforeAll(async () => {
  elasticsearch = await startFakeElasticsearch();
  s3 = await startFakeS3({ accessKeyId: 'AK', secretAccessKey: 'secret', buckets: ['logs'] });
});

afterAll(async () => {
  await Promise.all([elasticsearch.stop(), s3.stop()]);
  rmSync(directory, { recursive: true });
});

afterEach(() => void vi.restoreAllMocks());

interface Destination {
  readonly options: (name: string) => string;
  /** All that is there under this name; absent for an output that encodes nothing. */
  readonly written?: (name: string) => string;
  readonly hasCodec: boolean;
}

const DESTINATIONS: Readonly<Record<string, Destination>> = {
  elasticsearch: {
    options: (name) => `hosts => "${elasticsearch.url}" index => "${name}" manage_template => false`,
    written: (name) => [...elasticsearch.documents(name).values()].map(({ source }) => source).join('\n'),
    hasCodec: false,
  },
  file: {
    options: (name) => `path => "${join(directory, name)}" flush_interval => 0`,
    written: (name) => readFileSync(join(directory, name), 'utf8'),
    hasCodec: true,
  },
  null: { options: () => '', hasCodec: false },
  s3: {
    options: (name) => `bucket => "logs" prefix => "${name}/" endpoint => "${s3.url}" access_key_id => "AK"
      secret_access_key => "secret" additional_settings => { "force_path_style" => true }
      temporary_directory => "${join(directory, 'spool')}"`,
    written: (name) =>
      [...s3.objects('logs')]
        .filter(([key]) => key.startsWith(name))
        .map(([, { bytes }]) => String(bytes))
        .join('\n'),
    hasCodec: true,
  },
  stdout: { options: () => '', written: () => printed.join(''), hasCodec: true },
};

/** Stands for a fault of ours: no value that a codec or filter makes throws. */
class Poison extends Scalar {
  override toJSON(): never {
    throw new Error('no JSON for this');
  }

  override toString(): never {
    throw new Error('no text for this');
  }
}

function throwingCodec(): CodecFactory {
  const { name, open } = jsonLinesCodec();
  return {
    name,
    open: () => {
      const codec = open();
      return {
        ...codec,
        encode: (event, out) => {
          codec.encode(event, out);
          // What it has written of the event must not stay.
          if (event.data['n'] === 1) throw new Error('the codec has a bug');
        },
      };
    },
  };
}

async function deliver(config: string, codec: CodecFactory, batch: TestBatch) {
  const [statement] = (await check(`output { ${config} }`)).pipeline.outputs;
  if (statement?.type !== 'plugin') throw new Error(`no output: ${config}`);
  const { definition, options } = statement.plugin;
  const { logger, lines } = recordLog();
  const context = outputContext({ logger });
  const output = await definition.create({ ...options, codec }, context);
  await output.open?.();
  vi.spyOn(process.stdout, 'write').mockImplementation(((text: string, done: () => void) => {
    printed.push(text);
    done();
    return true;
  }) as typeof process.stdout.write);
  await output.write(batch.events);
  await output.close();
  return { deadLetters: context.deadLetters, warnings: lines.filter((line) => line.includes('dead letter')) };
}

describe('an event that cannot be encoded', () => {
  const names = registry.names('output');

  it('is tried with every output', () => {
    expect(Object.keys(DESTINATIONS).sort()).toEqual([...names].sort());
  });

  describe.each(names)('by %s', (name) => {
    const { options, written, hasCodec } = DESTINATIONS[name] as Destination;
    const broken: [string, () => CodecFactory, (batch: TestBatch) => void, string][] = [
      [
        'its value throws',
        jsonLinesCodec,
        ({ events }) => Object.assign(events[1]?.data ?? {}, { a: new Poison() }),
        'no JSON for this',
      ],
    ];
    if (hasCodec) broken.push(['its codec throws', throwingCodec, () => {}, 'the codec has a bug']);

    it.each(broken)(
      'since %s, is in the dead letter queue; the others are delivered, all are settled',
      async (why, codec, spoil, reason) => {
        const place = `${name}-${why.replaceAll(' ', '-')}`;
        const batch = new TestBatch(numbered(3));
        spoil(batch);
        printed.length = 0;
        const { deadLetters, warnings } = await deliver(`${name} { ${options(place)} }`, codec(), batch);
        expect(batch.settled).toBe(3);
        if (written === undefined) return;
        expect(written(place).match(/"n":\d/g)).toEqual(['"n":0', '"n":2']);
        expect(deadLetters.map(({ event }) => event.data['n'])).toEqual([1]);
        expect(deadLetters[0]?.reason).toContain(reason);
        expect(warnings).toEqual([expect.stringMatching(`goes to the dead letter queue: .*${reason}`)]);
      },
    );
  });
});

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach } from 'vitest';
import { s3 } from '../../../../src/plugins/outputs/s3/index.ts';
import { readBody } from '../../../../src/plugins/outputs/s3/objectBody.ts';
import type { ObjectStore, ObjectToPut } from '../../../../src/plugins/outputs/s3/objectStore.ts';
import type { S3Options } from '../../../../src/plugins/outputs/s3/options.ts';
import { S3Output } from '../../../../src/plugins/outputs/s3/output.ts';
import { SpoolPlaces } from '../../../../src/plugins/outputs/s3/spoolPlaces.ts';
import { outputContext, outputOptions, recordLog } from '../../../support/outputHarness.ts';
import { FakeClock } from '../../kinesis/fakes/fakeClock.ts';

/** A bucket in memory that a test can make fail. */
export class StubStore implements ObjectStore {
  readonly objects = new Map<string, Buffer>();
  checks = 0;
  puts = 0;
  closes = 0;
  /** Thrown by `put` while set. */
  failure: Error | undefined;
  /** What `put` waits for before it stores. */
  gate: Promise<void> | undefined;

  async checkWritable(): Promise<void> {
    this.checks += 1;
    if (this.failure !== undefined) throw this.failure;
  }

  async put({ key, body }: ObjectToPut): Promise<void> {
    this.puts += 1;
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    this.objects.set(key, Buffer.from(await readBody(body)));
  }

  describeError(error: unknown): string {
    return String(error);
  }

  close(): void {
    this.closes += 1;
  }

  get keys(): string[] {
    return [...this.objects.keys()];
  }

  lines(key: string): string[] {
    const bytes = this.objects.get(key) ?? Buffer.alloc(0);
    return (key.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n').slice(0, -1);
  }

  /** The `n` of all lines of all objects, in order. */
  numbers(): number[] {
    const all = this.keys.flatMap((key) => this.lines(key).map((line) => (JSON.parse(line) as { n: number }).n));
    return all.sort((left, right) => left - right);
  }
}

const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'logstash-ts-s3-unit-'));
  directories.push(directory);
  return directory;
}

export function optionsOf(given: Record<string, unknown> = {}): S3Options {
  const base = { bucket: 'logs', temporary_directory: temporaryDirectory() };
  return outputOptions(s3, { ...base, ...given }) as unknown as S3Options;
}

/** `places`: how many spool files may be open. */
export async function openOutput(given: Record<string, unknown> = {}, places = 1000, store = new StubStore()) {
  const clock = new FakeClock();
  const { logger, lines: log } = recordLog();
  const context = outputContext({ clock, logger });
  const options = optionsOf(given);
  const dependencies = {
    createStore: async () => store,
    openPlaces: async () => new SpoolPlaces(places),
    random: () => 0,
  };
  const output = new S3Output(options, context, dependencies);
  await output.open();
  return { output, clock, context, store, log, directory: options.temporary_directory };
}

/** All files below a directory, as paths relative to it. */
export function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

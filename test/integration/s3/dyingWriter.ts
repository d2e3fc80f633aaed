/**
 * Runs an s3 output over a bucket that is a directory, and dies (kill -9) at the n-th change of a file, which is done, half
 * done or not done. Prints what a source would know: `settled <n>` for an event that is settled, `stored <n>` when all events
 * up to n are on disk or uploaded, `log <line>`, and `changes <n>` at the end.
 * Usage: node dyingWriter.ts '{"spool": …, "objects": …, "dieAt": 12, "origin": true, "numbers": [0, 1, 2]}'
 */
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Event } from '../../../src/event/event.ts';
import { SourceBatch } from '../../../src/event/sourceBatch.ts';
import { readBody } from '../../../src/plugins/outputs/s3/objectBody.ts';
import type { ObjectStore } from '../../../src/plugins/outputs/s3/objectStore.ts';
import type { Clock } from '../../../src/util/clock.ts';
import { silentLogger } from '../../../src/util/logger.ts';

export interface DyingWriter {
  readonly spool: string;
  readonly objects: string;
  /** The change of a file at which the process dies; 0 for never. */
  readonly dieAt: number;
  /** Whether the source can bring its events again. */
  readonly origin: boolean;
  readonly numbers: readonly number[];
  readonly encoding: 'none' | 'gzip';
}

const given: DyingWriter = JSON.parse(process.argv[2] ?? '{}');
/** An hour of the output's chores passes in 36 s. */
const HASTE = 100;
const BATCH = 10;

let changes = 0;

/** Dies before, in the middle of, or after the change, in turn. */
async function change<T>(whole: () => Promise<T>, half: () => Promise<unknown> = whole): Promise<T> {
  changes += 1;
  if (changes !== given.dieAt) return whole();
  if (changes % 3 === 1) await half();
  if (changes % 3 === 2) await whole();
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}

async function watchFiles(): Promise<void> {
  const { writeFile, rename, unlink, rmdir, mkdir, open } = promises;
  const handle = await open(process.execPath, 'r');
  const prototype: { write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<unknown> } =
    Object.getPrototypeOf(handle);
  await handle.close();
  const write = prototype.write;
  prototype.write = function (bytes, offset, length, position) {
    return change(
      () => write.call(this, bytes, offset, length, position),
      () => write.call(this, bytes, offset, length >> 1, position),
    );
  };
  Object.assign(promises, {
    writeFile: (path: string, text: string, options: object) =>
      change(
        () => writeFile(path, text, options),
        () => writeFile(path, text.slice(0, text.length >> 1), options),
      ),
    rename: (from: string, to: string) => change(() => rename(from, to)),
    unlink: (path: string) => change(() => unlink(path)),
    rmdir: (path: string) => change(() => rmdir(path)),
    mkdir: (path: string, options: object) => change(() => mkdir(path, options)),
    open: (path: string, flags: string, mode: number) =>
      flags === 'r' ? open(path, flags) : change(() => open(path, flags, mode)),
  });
  syncBuiltinESMExports();
}

const store: ObjectStore = {
  checkWritable: async () => {},
  async put({ key, body }) {
    const path = join(given.objects, encodeURIComponent(key));
    await change(async () => {
      await promises.copyFile('/dev/null', `${path}.part`);
      await promises.appendFile(`${path}.part`, await readBody(body));
    });
    await promises.rename(`${path}.part`, path);
  },
  describeError: String,
  close: () => {},
};

const startMs = Date.now();
const clock: Clock = {
  now: () => startMs + (Date.now() - startMs) * HASTE,
  monotonic: () => performance.now() * HASTE,
  sleep: (ms, signal) => wait(ms / HASTE, undefined, signal ? { signal } : {}).catch(() => undefined),
};

await watchFiles();
const { S3Output } = await import('../../../src/plugins/outputs/s3/output.ts');
const { s3 } = await import('../../../src/plugins/outputs/s3/index.ts');
const { SpoolPlaces } = await import('../../../src/plugins/outputs/s3/spoolPlaces.ts');
const { outputContext, outputOptions } = await import('../../support/outputHarness.ts');

const options = outputOptions(s3, {
  bucket: 'logs',
  temporary_directory: given.spool,
  prefix: '%{app}',
  size_file: 600,
  encoding: given.encoding,
  upload_workers_count: 2,
}) as ConstructorParameters<typeof S3Output>[0];
const say = (message: string) => void process.stdout.write(`log ${message}\n`);
const logger = { ...silentLogger, info: say, warn: say, error: say };
const output = new S3Output(options, outputContext({ clock, logger }), {
  createStore: async () => store,
  openPlaces: async () => new SpoolPlaces(100),
  random: () => 0,
});

function eventOf(n: number): Event {
  const event = Event.fromMap({ n, app: `app-${n % 2}`, text: 'x'.repeat(n % 7) }, 0);
  event.batch = new SourceBatch(() => process.stdout.write(`settled ${n}\n`));
  if (given.origin) event.origin = `stream/shard-0/${n}/0`;
  return event;
}

async function untilStored(): Promise<void> {
  while (output.status()['spool_memory_bytes'] !== 0) await wait(2);
}

await output.open();
for (let i = 0; i < given.numbers.length; i += BATCH) {
  const batch = given.numbers.slice(i, i + BATCH);
  await output.write(batch.map(eventOf));
  // Every second batch goes with what comes next, so that objects are half on disk and half in memory.
  if ((i / BATCH) % 2 === 1) continue;
  await untilStored();
  process.stdout.write(`stored ${batch.at(-1)}\n`);
}
await output.close();
process.stdout.write(`changes ${changes}\n`);
process.exit(0);

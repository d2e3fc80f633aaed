import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Event } from '../../../../src/event/event.ts';
import { SourceBatch } from '../../../../src/event/sourceBatch.ts';
import { SpoolDirectory } from '../../../../src/plugins/outputs/s3/spoolDirectory.ts';
import { openSpoolPlaces } from '../../../../src/plugins/outputs/s3/spoolPlaces.ts';
import { numbered, TestBatch } from '../../../support/outputHarness.ts';
import { filesIn, openOutput } from './support.ts';

const apps = (count: number) => Array.from({ length: count }, (_, n) => ({ n, app: `app-${n}` }));
const dataFiles = (directory: string) => filesIn(directory).filter((name) => name.endsWith('.data'));

function diskFull(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
}

afterEach(() => void vi.restoreAllMocks());

describe('places for open files', () => {
  it('are half of the files this process may open', async () => {
    const limit = Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
    const places = await openSpoolPlaces();
    let taken = 0;
    while (places.take()) taken += 1;
    expect(taken).toBe(Math.floor(limit / 2));
    places.giveBack();
    expect([places.take(), places.take()]).toEqual([true, false]);
  });

  it('bound the open files; the others wait in memory and are uploaded from there', async () => {
    const { output, clock, store, directory, log } = await openOutput({ prefix: '%{app}', encoding: 'gzip' }, 2);
    const batch = new TestBatch(apps(10));
    await output.write(batch.events);
    await clock.advance(15_000);
    await vi.waitFor(() => expect(dataFiles(directory)).toHaveLength(2));
    expect(output.status()).toMatchObject({ open_files: 10 });
    await output.close();
    expect([batch.isSettled, store.numbers()]).toEqual([true, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]);
    expect(log).toEqual([]);
  });

  it('are given back, one by one, when files are uploaded', async () => {
    const { output, clock, directory, store } = await openOutput({ prefix: '%{app}', time_file: 1 }, 1);
    for (const app of ['a', 'b', 'c']) {
      await output.write(new TestBatch([{ n: 0, app }]).events);
      await clock.advance(2000);
      await vi.waitFor(() => expect(dataFiles(directory)).toHaveLength(1));
      await clock.advance(60_000);
      await vi.waitFor(() => expect(store.keys.map((key) => key[0])).toContain(app));
      await vi.waitFor(() => expect(dataFiles(directory)).toHaveLength(0));
    }
    await output.close();
  });

  it('lacking, end an object that grows too large for memory', async () => {
    const { output, store, context } = await openOutput({ rotation_strategy: 'time' }, 0);
    const batch = new TestBatch(numbered(300, { text: 'x'.repeat(1000) }));
    await output.write(batch.events);
    await vi.waitFor(() => expect(batch.isSettled).toBe(true));
    expect(store.numbers()).toHaveLength(300);
    expect(context.counter('rotated_early').value).toBe(1);
    await output.close();
  });

  it('lacking, let objects go when all of them together take too much memory', async () => {
    const { output, store } = await openOutput({ prefix: '%{app}', rotation_strategy: 'time' }, 0);
    const text = 'x'.repeat(200_000);
    const batch = new TestBatch(apps(100).map((fields) => ({ ...fields, text })));
    await output.write(batch.events);
    await vi.waitFor(() => expect(batch.isSettled).toBe(true));
    expect(store.puts).toBe(100);
    await output.close();
  });
});

describe('what waits for an upload', () => {
  it('goes to disk after a second when the source cannot bring it again, else after ten', async () => {
    let open = () => {};
    const { output, clock, store, directory } = await openOutput({ size_file: 1, upload_workers_count: 1 });
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const batches = [new TestBatch(numbered(1)), new TestBatch(numbered(1), { origin: 'shard' })];
    await clock.advance(1500);
    for (const { events } of batches) await output.write(events);
    expect(output.status()).toMatchObject({ uploads_waiting: 2, open_files: 0 });
    expect(dataFiles(directory)).toHaveLength(0);
    await clock.advance(2000);
    await vi.waitFor(() => expect(dataFiles(directory)).toHaveLength(1));
    await clock.advance(8000);
    await vi.waitFor(() => expect(dataFiles(directory)).toHaveLength(2));
    open();
    await vi.waitFor(() => expect(batches.every(({ isSettled }) => isSettled)).toBe(true));
    await output.close();
    expect(filesIn(directory)).toEqual([]);
  });

  it('is one object although half of it is on disk and half in memory', async () => {
    const { output, clock, store, directory } = await openOutput({ encoding: 'gzip' });
    await output.write(new TestBatch([{ n: 0 }]).events);
    await clock.advance(2000);
    await vi.waitFor(() => expect(dataFiles(directory)).toHaveLength(1));
    await output.write(new TestBatch([{ n: 1 }]).events);
    await output.close();
    expect(store.keys).toHaveLength(1);
    expect(store.numbers()).toEqual([0, 1]);
    expect(output.status()).toMatchObject({ spool_memory_bytes: 0, spool_disk_bytes: 0 });
  });
});

it('a file is removed before its events are settled: after a crash it would replace the whole object', async () => {
  const { output, clock, directory } = await openOutput();
  let left: string[] | undefined;
  const batch = new SourceBatch(() => {
    left = dataFiles(directory);
  });
  const event = Event.fromMap({ n: 0 }, 0);
  event.batch = batch;
  await output.write([event]);
  await clock.advance(2000);
  await vi.waitFor(() => expect(dataFiles(directory)).toHaveLength(1));
  await output.close();
  expect(left).toEqual([]);
});

describe('a full disk', () => {
  it('is said, and holds up neither uploads nor rotation', async () => {
    const { output, clock, store, log } = await openOutput({ time_file: 1 });
    const create = vi.spyOn(SpoolDirectory.prototype, 'create').mockRejectedValue(diskFull());
    const batch = new TestBatch(numbered(3));
    await output.write(batch.events);
    await clock.advance(30_000);
    expect(create).toHaveBeenCalled();
    expect(log).toEqual([expect.stringMatching(/^WARN writing to .* fails and is tried again: ENOSPC/)]);
    expect(batch.settled).toBe(0);
    await clock.advance(31_000);
    await vi.waitFor(() => expect(batch.isSettled).toBe(true));
    expect(store.numbers()).toEqual([0, 1, 2]);
    await output.close();
    expect(output.status()).toMatchObject({ spool_memory_bytes: 0, spool_disk_bytes: 0 });
  });

  it('that fills in the middle of a file leaves it whole', async () => {
    const { output, clock, store, directory } = await openOutput({ encoding: 'gzip' });
    await output.write(new TestBatch([{ n: 0 }]).events);
    await clock.advance(2000);
    await vi.waitFor(() => expect(dataFiles(directory)).toHaveLength(1));
    const [name = ''] = dataFiles(directory);
    // What a write that failed half-way leaves behind the last whole member.
    appendFileSync(join(directory, name), Buffer.from('1f8b08000000', 'hex'));
    await output.write(new TestBatch([{ n: 1 }]).events);
    await clock.advance(2000);
    await vi.waitFor(() => expect(output.status()).toMatchObject({ spool_memory_bytes: 0 }));
    expect(
      gunzipSync(readFileSync(join(directory, name)))
        .toString()
        .split('\n'),
    ).toHaveLength(3);
    await output.close();
    expect(store.numbers()).toEqual([0, 1]);
  });

  it('is waited for by a file whose upload was given up', async () => {
    const { output, clock, store, directory, log } = await openOutput({ size_file: 1, retry_count: 0 });
    const create = vi.spyOn(SpoolDirectory.prototype, 'create').mockRejectedValue(diskFull());
    store.failure = new Error('AccessDenied');
    await output.write(new TestBatch(numbered(1)).events);
    await vi.waitFor(() => expect(log.join()).toContain('ENOSPC'));
    create.mockRestore();
    await clock.advance(1000);
    await vi.waitFor(() => expect(log.join()).toContain('The file is kept as'));
    await output.close();
    expect(dataFiles(directory)).toHaveLength(1);
  });
});

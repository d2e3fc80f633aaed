import { readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { numbered, TestBatch } from '../../../support/outputHarness.ts';
import { filesIn, openOutput, StubStore } from './support.ts';

const MINUTE = 60_000;

describe('output s3, rotation', () => {
  it('ends an object after time_file minutes, counted from its first event', async () => {
    const { output, clock, store } = await openOutput({ time_file: 5 });
    await clock.advance(3 * MINUTE);
    const batch = new TestBatch(numbered(2), { origin: 'shard' });
    await output.write(batch.events);
    await clock.advance(5 * MINUTE - 1001);
    expect([batch.settled, store.puts]).toEqual([0, 0]);
    await clock.advance(2000);
    await vi.waitFor(() => expect(batch.isSettled).toBe(true));
    expect(store.numbers()).toEqual([0, 1]);
    await output.close();
  });

  it.each([6, -6])('ends it in time although somebody sets the clock by %d hours', async (hours) => {
    const { output, clock, store } = await openOutput({ time_file: 5 });
    const batches = [1, 2].map(() => new TestBatch(numbered(1), { origin: 'shard' }));
    for (const batch of batches) {
      await output.write(batch.events);
      vi.spyOn(clock, 'now').mockImplementation(() => clock.monotonic() + hours * 60 * MINUTE);
      await clock.advance(4 * MINUTE);
      expect(batch.isSettled).toBe(false);
      await clock.advance(MINUTE + 1000);
      await vi.waitFor(() => expect(batch.isSettled).toBe(true));
    }
    expect(store.puts).toBe(2);
    await output.close();
  });

  it('uploads nothing while no event comes', async () => {
    const { output, clock, store } = await openOutput({ time_file: 1 });
    await clock.advance(60 * MINUTE);
    await output.close();
    expect(store.puts).toBe(0);
  });

  it('ends an object by size at once, under the default strategy too', async () => {
    const { output, store } = await openOutput({ size_file: 100 });
    const batches = [1, 2, 3].map(() => new TestBatch(numbered(1, { text: 'x'.repeat(100) })));
    for (const batch of batches) await output.write(batch.events);
    await vi.waitFor(() => expect(batches.every(({ isSettled }) => isSettled)).toBe(true));
    expect(store.keys.map((key) => /part\d+/.exec(key)?.[0]).sort()).toEqual(['part0', 'part1', 'part2']);
    await output.close();
  });

  it('does not look at the size with strategy time', async () => {
    const { output, store } = await openOutput({ size_file: 1, rotation_strategy: 'time' });
    await output.write(new TestBatch(numbered(3)).events);
    await output.close();
    expect(store.keys).toHaveLength(1);
  });

  it('with strategy size, uploads before the stream forgets the records', async () => {
    const { output, clock, store } = await openOutput({ rotation_strategy: 'size', time_file: 1 });
    const batch = new TestBatch(numbered(1), { origin: 'shard' });
    await output.write(batch.events);
    await clock.advance(60 * MINUTE);
    expect(store.puts).toBe(0);
    await clock.advance(5 * 60 * MINUTE + 2000);
    await vi.waitFor(() => expect(batch.isSettled).toBe(true));
    await output.close();
  });

  it('counts parts by prefix, and from 0 again after a quarter of an hour without events', async () => {
    const { output, clock, store } = await openOutput({ prefix: '%{app}', size_file: 1, time_file: 60 });
    const write = async (app: string) => {
      const batch = new TestBatch([{ n: 0, app }]);
      await output.write(batch.events);
      await vi.waitFor(() => expect(batch.isSettled).toBe(true));
      return `${app} ${/part\d+/.exec(store.keys.at(-1) ?? '')?.[0]}`;
    };
    expect([await write('a'), await write('a'), await write('b')]).toEqual(['a part0', 'a part1', 'b part0']);
    await clock.advance(17 * MINUTE);
    expect(await write('a')).toBe('a part0');
    await output.close();
  });

  it('uploads the file longest unused when too many are open', async () => {
    const { output, store, context } = await openOutput({ prefix: '%{app}', max_open_files: 2 });
    for (const app of ['a', 'b', 'a', 'c']) await output.write(new TestBatch([{ n: 0, app }]).events);
    await vi.waitFor(() => expect(store.keys.map((key) => dirname(key))).toEqual(['b']));
    expect(output.status()).toMatchObject({ open_files: 2 });
    expect(context.counter('rotated_early').value).toBe(1);
    await output.close();
    expect(store.keys.map((key) => dirname(key)).sort()).toEqual(['a', 'b', 'c']);
  });
});

describe('output s3, settlement', () => {
  it('settles each event of a batch with its own object', async () => {
    const { output, store } = await openOutput({ prefix: '%{app}', max_open_files: 1 });
    const batch = new TestBatch([
      { n: 0, app: 'a' },
      { n: 1, app: 'a' },
      { n: 2, app: 'b' },
    ]);
    await output.write(batch.events);
    await vi.waitFor(() => expect(batch.settled).toBe(2));
    expect(store.keys).toHaveLength(1);
    await output.close();
    expect(batch.isSettled).toBe(true);
  });

  it('encodes at once: an event may change after the call', async () => {
    const { output, store } = await openOutput();
    const batch = new TestBatch(numbered(1));
    await output.write(batch.events);
    for (const event of batch.events) event.data['n'] = 99;
    await output.close();
    expect(store.numbers()).toEqual([0]);
  });

  it('tries again after retry_delay until it works', async () => {
    const { output, clock, store, log } = await openOutput({ size_file: 1, retry_delay: 3 });
    store.failure = new Error('SlowDown');
    const batch = new TestBatch(numbered(1));
    await output.write(batch.events);
    await vi.waitFor(() => expect(store.puts).toBe(1));
    await clock.advance(2999);
    expect(store.puts).toBe(1);
    await clock.advance(30_001);
    expect(store.puts).toBe(12);
    expect(batch.settled).toBe(0);
    store.failure = undefined;
    await clock.advance(3000);
    await vi.waitFor(() => expect(batch.isSettled).toBe(true));
    expect(log).toEqual([
      expect.stringMatching(/^WARN upload to s3:\/\/logs fails and is tried again: Error: SlowDown/),
      expect.stringMatching(/^WARN upload to s3:\/\/logs still fails after 30(\.0)? s, 10 more tries/),
      expect.stringMatching(/^INFO upload to s3:\/\/logs works again/),
    ]);
    await output.close();
  });

  it('keeps the file and settles nothing when retry_count is used up', async () => {
    const { output, clock, store, log, directory } = await openOutput({ size_file: 1, retry_count: 2 });
    store.failure = new Error('AccessDenied');
    const batch = new TestBatch(numbered(1));
    await output.write(batch.events);
    await vi.waitFor(() => expect(store.puts).toBe(1));
    await clock.advance(10_000);
    await vi.waitFor(() => expect(log.some((line) => line.startsWith('ERROR'))).toBe(true));
    expect(store.puts).toBe(3);
    await output.close();
    expect(batch.settled).toBe(0);
    expect(filesIn(directory).filter((name) => name.endsWith('.data'))).toHaveLength(1);
    expect(log.at(-1)).toMatch(/^ERROR upload given up after retry_count => 2 tries: .* The file is kept as .*\.data/);
  });

  it('makes the source wait at max_spool_bytes, and goes on when the bytes are uploaded', async () => {
    let open = () => {};
    const { output, store, log } = await openOutput({ max_spool_bytes: 1000 });
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    expect(output.write(new TestBatch(numbered(1)).events)).toBeUndefined();
    const batch = new TestBatch(numbered(1, { text: 'x'.repeat(1000) }));
    const waiting = output.write(batch.events);
    expect(waiting).toBeInstanceOf(Promise);
    await vi.waitFor(() => expect(store.puts).toBe(1));
    expect(batch.settled).toBe(0);
    open();
    await waiting;
    expect(batch.isSettled).toBe(true);
    expect(log).toEqual(['WARN the source waits for s3, nothing is lost: max_spool_bytes => 1000 are used up']);
    await output.close();
  });

  it('makes the source wait when too many objects wait for upload', async () => {
    let open = () => {};
    const given = { size_file: 1, upload_queue_size: 2, upload_workers_count: 1 };
    const { output, store } = await openOutput(given);
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const write = () => output.write(new TestBatch(numbered(1)).events);
    expect([write(), write(), write()]).toEqual([undefined, undefined, undefined]);
    const waiting = write();
    expect(waiting).toBeInstanceOf(Promise);
    open();
    await waiting;
    await output.close();
    expect(store.keys).toHaveLength(4);
  });

  it('lets the source go when it is closed although uploads were given up', async () => {
    const { output, store, clock } = await openOutput({ max_spool_bytes: 10, retry_count: 0 });
    store.failure = new Error('AccessDenied');
    const batch = new TestBatch(numbered(1));
    const waiting = output.write(batch.events);
    expect(waiting).toBeInstanceOf(Promise);
    await clock.advance(1000);
    await output.close();
    await waiting;
    expect(batch.settled).toBe(0);
  });

  it('uploads a file once that is both too large and one too many', async () => {
    const { output, store } = await openOutput({ prefix: '%{app}', max_open_files: 1, size_file: 10 });
    const batch = new TestBatch(['a', 'b', 'a'].map((app, n) => ({ n, app })));
    await output.write(batch.events);
    await output.close();
    expect(batch.isSettled).toBe(true);
    expect([store.puts, store.numbers()]).toEqual([3, [0, 1, 2]]);
  });

  it('puts what cannot be named into the dead letter queue and settles it', async () => {
    const { output, context, store } = await openOutput({ prefix: '%{app}' });
    const batch = new TestBatch([
      { n: 0, app: 'x'.repeat(1000) },
      { n: 1, app: 'a' },
    ]);
    await output.write(batch.events);
    expect(batch.settled).toBe(1);
    expect(context.deadLetters.map(({ reason }) => reason)).toEqual([expect.stringContaining('S3 takes 1024')]);
    await output.close();
    expect(store.numbers()).toEqual([1]);
  });

  it('settles an event whose text is empty, without an object', async () => {
    const codec = { name: 'empty', open: () => ({ decode: () => [], flush: () => [], encode: () => '' }) };
    const { output, store } = await openOutput({ codec });
    const batch = new TestBatch(numbered(1));
    await output.write(batch.events);
    await output.close();
    expect([batch.isSettled, store.puts]).toEqual([true, 0]);
  });

  it('closes more than once, and before it was opened', async () => {
    const { output, store } = await openOutput();
    await Promise.all([output.close(), output.close()]);
    await output.close();
    expect(store.closes).toBe(1);
  });
});

describe('output s3, local files', () => {
  it('has a directory of its own that no other user can read, and removes it', async () => {
    const { output, directory, clock } = await openOutput({ encoding: 'gzip' });
    await output.write(new TestBatch(numbered(3)).events);
    await clock.advance(2000);
    await vi.waitFor(() => expect(filesIn(directory).filter((name) => name.endsWith('.data'))).toHaveLength(1));
    const [own = ''] = readdirSync(directory);
    expect(own).toMatch(/^main-logs-[0-9a-f]{12}\./);
    expect(statSync(join(directory, own)).mode & 0o777).toBe(0o700);
    for (const name of filesIn(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    await output.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('writes whole gzip members, so that the file is valid at any time', async () => {
    const { output, directory, clock, store } = await openOutput({ encoding: 'gzip' });
    for (let n = 0; n < 3; n++) {
      await output.write(new TestBatch([{ n }]).events);
      await clock.advance(1500);
      await vi.waitFor(async () => {
        const { readFile } = await import('node:fs/promises');
        const [data = ''] = filesIn(directory).filter((name) => name.endsWith('.data'));
        expect(
          gunzipSync(await readFile(join(directory, data)))
            .toString()
            .split('\n'),
        ).toHaveLength(n + 2);
      });
    }
    await output.close();
    expect(store.numbers()).toEqual([0, 1, 2]);
  });

  it('loses nothing when its directory is removed', async () => {
    const { output, directory, clock, store, context, log } = await openOutput({ prefix: '%{app}' });
    const first = new TestBatch([{ n: 0, app: 'a' }]);
    await output.write(first.events);
    await clock.advance(2000);
    await vi.waitFor(() => expect(output.status()).toMatchObject({ spool_memory_bytes: 0 }));
    rmSync(directory, { recursive: true });
    const second = new TestBatch([
      { n: 1, app: 'a' },
      { n: 2, app: 'b' },
    ]);
    await output.write(second.events);
    await clock.advance(2000);
    await vi.waitFor(() => expect(output.status()).toMatchObject({ spool_memory_bytes: 0 }));
    expect(context.counter('spool_recreated').value).toBe(1);
    await output.close();
    expect([first.isSettled, second.isSettled]).toEqual([true, true]);
    expect(store.numbers()).toEqual([0, 1, 2]);
    expect(readdirSync(directory)).toEqual([]);
    expect(log).toEqual([expect.stringMatching(/^WARN the directory .* was removed while in use/)]);
  });

  it('refuses a temporary directory that cannot be made', async () => {
    const opening = openOutput({ temporary_directory: '/dev/null/x' });
    await expect(opening).rejects.toThrow(/write to the temporary directory: \/dev\/null\/x \(ENOTDIR\)/);
  });
});

describe('output s3, start', () => {
  it('checks that it can write, unless told not to', async () => {
    const checked = await openOutput();
    const unchecked = await openOutput({ validate_credentials_on_root_bucket: false });
    expect([checked.store.checks, unchecked.store.checks]).toEqual([1, 0]);
    await Promise.all([checked.output.close(), unchecked.output.close()]);
  });

  it('fails with what the check says', async () => {
    const store = new StubStore();
    store.failure = new Error('no permission');
    await expect(openOutput({}, 1000, store)).rejects.toThrow('no permission');
    expect(store.closes).toBe(1);
  });
});

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { placeOf } from '../../../../src/plugins/inputs/kinesis/refusedRecords.ts';
import { Manifest, type ManifestEntry } from '../../../../src/plugins/outputs/s3/manifest.ts';
import { ShardRanges } from '../../../../src/plugins/outputs/s3/shardRanges.ts';
import { TroubleReporter } from '../../../../src/util/troubleReporter.ts';
import { numbered, recordLog, TestBatch } from '../../../support/outputHarness.ts';
import { FakeClock } from '../../kinesis/fakes/fakeClock.ts';
import { openOutput, temporaryDirectory } from './support.ts';

function entriesOf(path: string): ManifestEntry[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

const entry = (key: string): ManifestEntry => ({
  bucket: 'logs',
  key,
  encoding: 'none',
  bytes: 1,
  sha256: '',
  events: 1,
  begun: '',
  uploaded: '',
  shards: [],
});

function openManifest(path: string) {
  const clock = new FakeClock();
  const { logger, lines: log } = recordLog();
  const manifest = new Manifest({
    path,
    clock,
    trouble: new TroubleReporter('writing to the manifest', logger, clock),
  });
  return { manifest, clock, log };
}

const record = (sequenceNumber: string, subSequenceNumber = 0) =>
  placeOf(
    { sequenceNumber, subSequenceNumber, partitionKey: '', data: new Uint8Array(), approximateArrivalTimestampMs: 0 },
    { streamName: 'my.stream-1', shardId: 'shardId-000000000003' },
  );

describe('the manifest of an output', () => {
  it('has a line for each object: its sum, its events, and its records by shard', async () => {
    const path = join(temporaryDirectory(), 'manifest.jsonl');
    const { output, store, clock } = await openOutput({ manifest: path, encoding: 'gzip' });
    const begunMs = clock.now();
    for (const sequence of ['1000', '999', '1001']) {
      await output.write(new TestBatch(numbered(2), { origin: record(sequence) }).events);
    }
    await output.write(new TestBatch(numbered(1), { origin: 'other/shard-9/5/0/1' }).events);
    await clock.advance(5000);
    await output.close();
    const [key = ''] = store.keys;
    const bytes = store.objects.get(key) ?? Buffer.alloc(0);
    expect(entriesOf(path)).toEqual([
      {
        bucket: 'logs',
        key,
        encoding: 'gzip',
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        events: 7,
        begun: new Date(begunMs).toISOString(),
        uploaded: new Date(begunMs + 5000).toISOString(),
        shards: [
          { stream: 'my.stream-1', shard: 'shardId-000000000003', first: '999', last: '1001', events: 6 },
          { stream: 'other', shard: 'shard-9', first: '5', last: '5', events: 1 },
        ],
      },
    ]);
  });

  it('adds up to all events, object by object', async () => {
    const path = join(temporaryDirectory(), 'manifest.jsonl');
    const { output, store } = await openOutput({ manifest: path, prefix: '%{app}', max_open_files: 2 });
    for (let n = 0; n < 50; n++) await output.write(new TestBatch([{ n, app: `app-${n % 7}` }]).events);
    await output.close();
    const entries = entriesOf(path);
    expect(entries.map(({ key }) => key).sort()).toEqual(store.keys.toSorted());
    expect(entries.reduce((sum, { events }) => sum + (events ?? 0), 0)).toBe(50);
    for (const { key, sha256 } of entries) {
      expect(
        createHash('sha256')
          .update(store.objects.get(key) ?? '')
          .digest('hex'),
      ).toBe(sha256);
    }
  });

  it('has the line before the events are settled, and waits for a file that cannot be written', async () => {
    const folder = join(temporaryDirectory(), 'gone');
    mkdirSync(folder);
    const { output, store, clock, log } = await openOutput({ manifest: join(folder, 'manifest.jsonl'), size_file: 1 });
    rmSync(folder, { recursive: true });
    const batch = new TestBatch(numbered(1));
    await output.write(batch.events);
    await vi.waitFor(() => expect(log.join()).toContain('fails and is tried again: ENOENT'));
    expect([store.puts, batch.settled]).toEqual([1, 0]);
    mkdirSync(folder);
    await clock.advance(1000);
    await vi.waitFor(() => expect(batch.isSettled).toBe(true));
    expect(entriesOf(join(folder, 'manifest.jsonl'))).toHaveLength(1);
    expect(store.puts).toBe(1);
    await output.close();
  });

  it('is refused at the start where it cannot be written', async () => {
    const opening = openOutput({ manifest: '/dev/null/manifest' });
    await expect(opening).rejects.toThrow(/the manifest cannot be written: ENOTDIR/);
  });
});

describe('a manifest', () => {
  it('begins a line anew after one that a crash cut', async () => {
    const path = join(temporaryDirectory(), 'm');
    writeFileSync(path, `${JSON.stringify(entry('a'))}\n{"key":"b`);
    const { manifest } = openManifest(path);
    await manifest.add(entry('c'));
    expect(readFileSync(path, 'utf8').split('\n')).toEqual([
      JSON.stringify(entry('a')),
      '{"key":"b',
      JSON.stringify(entry('c')),
      '',
    ]);
  });

  it('may be moved away while in use', async () => {
    const path = join(temporaryDirectory(), 'm');
    const { manifest } = openManifest(path);
    await manifest.add(entry('a'));
    renameSync(path, `${path}.1`);
    await manifest.add(entry('b'));
    expect([`${path}.1`, path].map((file) => entriesOf(file).map(({ key }) => key))).toEqual([['a'], ['b']]);
  });

  it('keeps the lines of many whole that are added at once, each once', async () => {
    const path = join(temporaryDirectory(), 'm');
    const manifests = [openManifest(path), openManifest(path)];
    const keys = Array.from({ length: 100 }, (_, n) => `key-${n}`);
    await Promise.all(keys.map((key, n) => manifests[n % 2]?.manifest.add(entry(key))));
    expect(
      entriesOf(path)
        .map(({ key }) => key)
        .sort(),
    ).toEqual(keys.sort());
  });

  it('writes each line once although the disk fails in between', async () => {
    const path = join(temporaryDirectory(), 'm');
    const { manifest, clock, log } = openManifest(path);
    mkdirSync(path);
    const added = Promise.all(['a', 'b'].map((key) => manifest.add(entry(key))));
    await vi.waitFor(() => expect(log).toHaveLength(1));
    rmSync(path, { recursive: true });
    await clock.advance(1000);
    await added;
    expect(entriesOf(path).map(({ key }) => key)).toEqual(['a', 'b']);
    expect(log).toEqual([expect.stringContaining('EISDIR'), expect.stringContaining('works again')]);
  });
});

describe('ranges of sequence numbers', () => {
  it.each([
    [[record('99'), record('100')], [{ first: '99', last: '100', events: 2 }]],
    [[record('100', 3), record('99', 1)], [{ first: '99', last: '100', events: 2 }]],
    [
      ['4', '49590338271490256608559692538361571095921575989136588898'].map((text) => record(text)),
      [{ first: '4', last: '49590338271490256608559692538361571095921575989136588898', events: 2 }],
    ],
    [['stdin', 'a/b', 'a/b/c/d'], []],
  ])('of %j', (origins, expected) => {
    const ranges = new ShardRanges();
    for (const origin of origins) ranges.add(origin);
    expect(ranges.all).toMatchObject(expected);
    expect(ranges.all).toHaveLength(expected.length);
  });
});

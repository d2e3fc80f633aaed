import {
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Event } from '../../../../src/event/event.ts';
import type { Output } from '../../../../src/plugin-api/index.ts';
import { file } from '../../../../src/plugins/outputs/file/index.ts';
import type { TextBuffer } from '../../../../src/util/textBuffer.ts';
import { numbered, outputContext, outputOptions, recordLog, TestBatch } from '../../../support/outputHarness.ts';
import { reportFault } from '../../../support/pluginContext.ts';
import { FakeClock } from '../../kinesis/fakes/fakeClock.ts';

let root: string;
let output: Output | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'logstash-ts-file-'));
});
afterEach(async () => {
  await output?.close();
  rmSync(root, { recursive: true, force: true });
});

async function open(path: string, given: Record<string, unknown> = {}) {
  const clock = new FakeClock();
  const { logger, lines: log } = recordLog();
  const context = outputContext({ clock, logger });
  const options = outputOptions(file, { path: join(root, path), ...given });
  output = await file.create(options, context);
  return { output, clock, context, log };
}

function numbersOf(path: string): unknown[] {
  return readFileSync(join(root, path), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { n: unknown }).n);
}

describe('output file', () => {
  it('writes and settles after flush_interval, not before', async () => {
    const { output, clock } = await open('a/%{app}/%{+YYYY-MM-dd}.log');
    const batch = new TestBatch(numbered(3, { app: 'web' }));
    await output.write(batch.events);
    await clock.advance(1999);
    expect([batch.settled, existsSync(join(root, 'a'))]).toEqual([0, false]);
    await clock.advance(1);
    await vi.waitFor(() => expect(batch.isSettled).toBe(true));
    expect(numbersOf('a/web/2020-10-20.log')).toEqual([0, 1, 2]);
  });

  it('writes at once with flush_interval 0', async () => {
    const { output } = await open('now.log', { flush_interval: 0 });
    const batches = [new TestBatch(numbered(2)), new TestBatch(numbered(1))];
    for (const batch of batches) await output.write(batch.events);
    await vi.waitFor(() => expect(batches.every(({ isSettled }) => isSettled)).toBe(true));
    expect(numbersOf('now.log')).toEqual([0, 1, 0]);
  });

  it('appends on the next run, and closes more than once', async () => {
    for (const n of [1, 2]) {
      const { output } = await open('again.log');
      const batch = new TestBatch([{ n }]);
      await output.write(batch.events);
      await output.close();
      await output.close();
      expect(batch.isSettled).toBe(true);
    }
    expect(numbersOf('again.log')).toEqual([1, 2]);
  });

  it('keeps only the last event with write_behavior overwrite, and settles all', async () => {
    const { output } = await open('last.log', { write_behavior: 'overwrite' });
    writeFileSync(join(root, 'last.log'), 'x'.repeat(5000));
    const batch = new TestBatch(numbered(5));
    await output.write(batch.events);
    await output.close();
    expect(batch.isSettled).toBe(true);
    expect(numbersOf('last.log')).toEqual([4]);
  });

  it('writes valid gzip at every flush', async () => {
    const { output } = await open('g.log.gz', { gzip: true, flush_interval: 0 });
    for (let n = 0; n < 3; n++) {
      const batch = new TestBatch([{ n }]);
      await output.write(batch.events);
      await vi.waitFor(() => expect(batch.isSettled).toBe(true));
      const text = gunzipSync(readFileSync(join(root, 'g.log.gz'))).toString();
      expect(text.split('\n')).toHaveLength(n + 2);
    }
  });

  describe('after a kill inside a write', () => {
    /** As an earlier process has left it. */
    const leave = (path: string, ...parts: (string | Uint8Array)[]) => {
      writeFileSync(join(root, path), Buffer.concat(parts.map((part) => Buffer.from(part))));
      utimesSync(join(root, path), 1, 1);
    };
    const appendTo = async (path: string, given: Record<string, unknown> = {}) => {
      const { output, log } = await open(path, given);
      const batch = new TestBatch([{ n: 7 }]);
      await output.write(batch.events);
      await output.close();
      expect(batch.isSettled).toBe(true);
      return log;
    };
    const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
    const written = /^\{"n":7,.*\}\n$/;

    it('begins a line of its own behind the one that was cut off', async () => {
      leave('cut.log', '{"n":1}\n{"n":');
      await appendTo('cut.log');
      expect(textOf('cut.log').slice(0, 14)).toBe('{"n":1}\n{"n":\n');
      expect(textOf('cut.log').slice(14)).toMatch(written);
    });

    it.each([
      ['a whole line', '{"n":1}\n'],
      ['nothing', ''],
    ])('goes on behind %s', async (_what, text) => {
      leave('whole.log', text);
      await appendTo('whole.log');
      expect(textOf('whole.log').slice(text.length)).toMatch(written);
    });

    it('and with a codec that writes no lines adds none', async () => {
      leave('plain.log', 'abc');
      const encode = ({ data }: Event, out: TextBuffer) => void out.append(String(data['n']));
      const codec = { name: 'plain', open: () => ({ decode: () => [], flush: () => [], encode }) };
      await appendTo('plain.log', { codec });
      expect(textOf('plain.log')).toBe('abc7');
    });

    const member = (text: string) => gzipSync(text);
    const large = member(Array.from({ length: 20_000 }, (_, n) => `${n * 7919}`).join('\n'));
    const cuts: [string, Uint8Array[], Uint8Array][] = [
      ['inside the header of a member', [member('a\n')], member('b\n').subarray(0, 3)],
      ['before the last byte of a member', [member('a\n')], member('b\n').subarray(0, -1)],
      ['inside the only member', [], member('b\n').subarray(0, 15)],
      ['inside a large member', [member('a\n'), large], large.subarray(0, 40_000)],
    ];

    it.each(cuts)('%s takes that out, so that all others can be read', async (_where, whole, rest) => {
      leave('cut.gz', ...whole, rest);
      const log = await appendTo('cut.gz', { gzip: true });
      const before = whole.map((bytes) => gunzipSync(bytes).toString()).join('');
      const text = gunzipSync(readFileSync(join(root, 'cut.gz'))).toString();
      expect([text.slice(0, before.length) === before, text.slice(before.length)]).toEqual([
        true,
        expect.stringMatching(written),
      ]);
      expect(log).toEqual([expect.stringContaining('gzip member that a crash had cut off')]);
    });

    it.each<[string, Uint8Array[], number | undefined]>([
      ['whole members', [member('a\n'), large], undefined],
      ['what is not ours', [member('a\n'), Buffer.from('text')], undefined],
      ['what is being written now', [member('a\n'), member('b\n').subarray(0, 15)], Date.now() / 1000],
    ])('leaves %s alone', async (_what, parts, seconds) => {
      leave('kept.gz', ...parts);
      if (seconds !== undefined) utimesSync(join(root, 'kept.gz'), seconds, seconds);
      const kept = readFileSync(join(root, 'kept.gz'));
      await appendTo('kept.gz', { gzip: true });
      const after = readFileSync(join(root, 'kept.gz'));
      expect(after.subarray(0, kept.length)).toEqual(kept);
      expect(gunzipSync(after.subarray(kept.length)).toString()).toMatch(written);
    });
  });

  it.each([
    ['climbs out', '../../etc/x'],
    ['reaches the sibling of the same name', '../fixed-not/x'],
    ['holds a NUL', 'a\0b'],
  ])('sends an event whose name %s to the failure file', async (_title, app) => {
    const { output, context } = await open('fixed/%{app}');
    const batch = new TestBatch([
      { n: 1, app },
      { n: 2, app: 'good/../fine' },
    ]);
    await output.write(batch.events);
    await output.close();
    expect(batch.isSettled).toBe(true);
    expect(numbersOf('fixed/_filepath_failures')).toEqual([1]);
    expect(numbersOf('fixed/fine')).toEqual([2]);
    expect(context.counter('outside_root').value).toBe(1);
  });

  it('sends what no file can be named to the failure file', async () => {
    const { output } = await open('fixed/%{app}');
    const batch = new TestBatch([{ n: 1, app: 'x'.repeat(300) }]);
    await output.write(batch.events);
    await output.close();
    expect(batch.isSettled).toBe(true);
    expect(numbersOf('fixed/_filepath_failures')).toEqual([1]);
  });

  it('makes a deleted or renamed file again', async () => {
    const { output } = await open('r.log', { flush_interval: 0 });
    const write = async (n: number) => {
      const batch = new TestBatch([{ n }]);
      await output.write(batch.events);
      await vi.waitFor(() => expect(batch.isSettled).toBe(true));
    };
    await write(1);
    rmSync(join(root, 'r.log'));
    await write(2);
    expect(numbersOf('r.log')).toEqual([2]);
    renameSync(join(root, 'r.log'), join(root, 'r.log.1'));
    writeFileSync(join(root, 'r.log'), '');
    await write(3);
    expect([numbersOf('r.log.1'), numbersOf('r.log')]).toEqual([[2], [3]]);
  });

  it('does not make files with create_if_deleted false', async () => {
    const { output } = await open('%{app}.log', { create_if_deleted: false });
    writeFileSync(join(root, 'there.log'), '');
    const batch = new TestBatch([
      { n: 1, app: 'there' },
      { n: 2, app: 'gone' },
    ]);
    await output.write(batch.events);
    await output.close();
    expect(existsSync(join(root, 'gone.log'))).toBe(false);
    expect([numbersOf('there.log'), numbersOf('_filepath_failures')]).toEqual([[1], [2]]);
  });

  it.each([
    [640, 0o640],
    [416, 0o640],
    [600, 0o600],
  ])('gives new files the permissions file_mode => %d', async (file_mode, expected) => {
    const { output } = await open('d/m.log', { file_mode, dir_mode: 700 });
    await output.write(new TestBatch(numbered(1)).events);
    await output.close();
    expect(statSync(join(root, 'd/m.log')).mode & 0o7777).toBe(expected);
    expect(statSync(join(root, 'd')).mode & 0o7777).toBe(0o700);
  });

  it('keeps the events while the file cannot be written, and says so', async () => {
    const { output, clock, log } = await open('sub/x.log', { flush_interval: 0 });
    writeFileSync(join(root, 'sub'), 'a file in the way');
    const batch = new TestBatch(numbered(1));
    await output.write(batch.events);
    await vi.waitFor(() => expect(log).toHaveLength(1));
    expect(batch.settled).toBe(0);
    rmSync(join(root, 'sub'));
    await clock.advance(1000);
    await vi.waitFor(() => expect(batch.isSettled).toBe(true));
    expect(numbersOf('sub/x.log')).toEqual([0]);
    expect(log).toEqual([
      expect.stringMatching(/^WARN writing to .* fails/),
      expect.stringMatching(/^INFO .* works again/),
    ]);
  });

  it('makes the source wait while much is buffered', async () => {
    const { output } = await open('big.log', { flush_interval: 3600 });
    const batch = new TestBatch(numbered(20, { text: 'x'.repeat(1024 * 1024) }));
    const waiting = output.write(batch.events);
    expect(waiting).toBeInstanceOf(Promise);
    await waiting;
    await vi.waitFor(() => expect(batch.isSettled).toBe(true));
  });

  it('closes files that are no longer used', async () => {
    const { output, clock } = await open('%{app}.log', { flush_interval: 1 });
    const beganMs = clock.now();
    await output.write(new TestBatch([{ app: 'a' }, { app: 'b' }]).events);
    expect(output.status?.()).toMatchObject({ open_files: 2 });
    expect(output.unsettledSinceMs?.()).toBe(beganMs);
    await clock.advance(20_000);
    await vi.waitFor(() => expect(output.status?.()).toMatchObject({ open_files: 0, buffered_bytes: 0 }));
    expect(output.unsettledSinceMs?.()).toBeUndefined();
  });

  it('takes many files at once', async () => {
    const { output } = await open('%{n}.log');
    const batch = new TestBatch(numbered(1500));
    await output.write(batch.events);
    await output.close();
    expect(batch.isSettled).toBe(true);
    expect(numbersOf('1499.log')).toEqual([1499]);
  });

  it('refuses a path whose first directory is filled in', () => {
    const options = outputOptions(file, { path: '/%{host}/x.log' });
    expect(() => file.check?.(options, reportFault)).toThrow('The starting part of the path should not be dynamic');
  });

  it('puts an event that cannot be named into the dead letter queue', async () => {
    const { output, context } = await open('%{+QQQ}.log');
    const batch = new TestBatch(numbered(1));
    await output.write(batch.events);
    expect(batch.isSettled).toBe(true);
    expect(context.deadLetters).toEqual([{ event: batch.events[0], reason: expect.stringContaining('QQQ') }]);
  });
});

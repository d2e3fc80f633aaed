/** What happens to the local files while the output runs: a directory that vanishes, a disk that is full. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TestBatch } from '../../support/outputHarness.ts';
import { numbersIn, S3Lab } from './support.ts';

const DISK_BYTES = 1024 * 1024;
const WAIT = { timeout: 30_000, interval: 20 };

let lab: S3Lab;

beforeAll(async () => {
  lab = await S3Lab.start();
}, 120_000);
afterAll(() => lab.stop());

/** Of small size, where this user may mount one. */
function mountDisk(directory: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'none', directory]).status === 0;
}

function unmount(directory: string): void {
  spawnSync('umount', ['-l', directory]);
}

it('loses nothing although its directory is removed again and again', async () => {
  const directory = lab.temporaryDirectory();
  const given = { temporary_directory: directory, prefix: 'vanish/%{app}', size_file: 20_000, encoding: 'gzip' };
  const { output, log, context } = await lab.output(given);
  await output.open?.();
  const batches: TestBatch[] = [];
  for (let n = 0; n < 3000; n += 10) {
    // Incompressible, so that pieces go to disk all the time.
    const text = () => Array.from({ length: 60 }, () => Math.random().toString(36)).join('');
    const batch = new TestBatch(
      Array.from({ length: 10 }, (_, i) => ({ n: n + i, app: `app-${i % 7}`, text: text() })),
    );
    batches.push(batch);
    await output.write(batch.events);
    if (n % 300 === 0) rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
    await setImmediate();
  }
  await output.close();
  expect(batches.every(({ isSettled }) => isSettled)).toBe(true);
  expect(numbersIn(await lab.objects('vanish/'))).toEqual(Array.from({ length: 3000 }, (_, n) => n));
  expect(context.counter('spool_recreated').value).toBeGreaterThan(0);
  // It may vanish once more while it is being made again, which is tried again.
  expect(log.filter((line) => !/was removed while in use|^\w+ writing to /.test(line))).toEqual([]);
}, 60_000);

const probe = '/tmp';
const canMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', probe]).status === 0;

// Only where disks can be mounted; elsewhere the unit tests make the disk full.
if (canMount) {
  describe('a full disk', () => {
    it('is said and waited for while S3 is away, and everything arrives when it is back', async () => {
      const directory = lab.temporaryDirectory();
      expect(mountDisk(directory)).toBe(true);
      try {
        const given = { temporary_directory: directory, prefix: 'full/', rotation_strategy: 'time', time_file: 0.02 };
        const { output, log, context } = await lab.output(given);
        await output.open?.();
        let back = () => {};
        const until = new Promise<void>((done) => {
          back = done;
        });
        lab.proxy.setRule(() => ({ kind: 'hold', until }));
        const text = 'x'.repeat(1000);
        const batches: TestBatch[] = [];
        let waiting: Promise<void> | undefined;
        for (let n = 0; n < 50_000 && waiting === undefined; n += 100) {
          const batch = new TestBatch(Array.from({ length: 100 }, (_, i) => ({ n: n + i, text })));
          batches.push(batch);
          waiting = output.write(batch.events) ?? undefined;
          await setImmediate();
        }
        await vi.waitFor(
          () => expect(log.join('\n')).toMatch(/WARN writing to .* fails and is tried again: ENOSPC/),
          WAIT,
        );
        expect(log.join('\n')).toContain('the source waits for s3, nothing is lost');
        expect(batches.some(({ settled }) => settled > 0)).toBe(false);
        back();
        lab.proxy.setRule(undefined);
        await waiting;
        const after = new TestBatch([{ n: batches.length * 100 }]);
        await output.write(after.events);
        await output.close();
        expect([...batches, after].every(({ isSettled }) => isSettled)).toBe(true);
        const expected = Array.from({ length: batches.length * 100 + 1 }, (_, n) => n);
        expect(numbersIn(await lab.objects('full/'))).toEqual(expected);
        expect(log.filter((line) => line.includes('ENOSPC')).length).toBeLessThan(3);
        expect(context.counter('lines').value).toBe(expected.length);
      } finally {
        lab.proxy.setRule(undefined);
        unmount(directory);
      }
    }, 120_000);
  });
}

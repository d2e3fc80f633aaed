import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { numbersIn, S3Lab } from './support.ts';

const ALL = Array.from({ length: 1000 }, (_, n) => n);

describe('output s3 after a kill -9', () => {
  let lab: S3Lab;

  beforeAll(async () => {
    lab = await S3Lab.start();
  }, 120_000);
  afterAll(() => lab.stop());

  function dataFiles(directory: string): string[] {
    const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
    return names.filter((name) => name.endsWith('.data')).map((name) => join(directory, name));
  }

  /** Gives the temporary directory and its one data file. */
  async function writeAndKill(prefix: string, origin = ''): Promise<{ directory: string; data: string }> {
    const directory = lab.temporaryDirectory();
    const given = { bucket: 'test-accesslog', endpoint: lab.proxy.url, prefix, encoding: 'gzip' };
    const options = JSON.stringify({ ...given, temporary_directory: directory, time_file: 0.02, gzip_level: 1 });
    const script = fileURLToPath(new URL('./stuckWriter.ts', import.meta.url));
    const child = spawn(process.execPath, [script, options, origin], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    const [data = '', ...others] = dataFiles(directory);
    expect(others).toEqual([]);
    return { directory, data };
  }

  it('uploads the file of a source that cannot replay, under its own name', async () => {
    const { directory } = await writeAndKill('crash/plain');
    const { output, log } = await lab.output({ temporary_directory: directory, prefix: 'other' });
    await output.open?.();
    await output.close();
    const objects = await lab.objects('crash/plain/');
    expect(objects).toHaveLength(1);
    expect(objects[0]?.key).toMatch(/part0\.txt\.gz$/);
    expect(objects[0]?.contentEncoding).toBe('gzip');
    expect(numbersIn(objects)).toEqual(ALL);
    expect(log).toEqual([`INFO uploading 1 files that an earlier run left in ${directory}`]);
    expect(readdirSync(directory)).toEqual([]);
  }, 30_000);

  it.each([
    ['a member that was cut', (data: string) => appendFileSync(data, gzipSync('{"n":-1}\n').subarray(0, 15)), ALL],
    ['bytes that are no gzip', (data: string) => appendFileSync(data, Buffer.alloc(100, 7)), ALL],
    ['nothing whole at all', (data: string) => truncateSync(data, readFileSync(data).length - 1), []],
  ])(
    'uploads only whole gzip members: %s',
    async (title, damage, expected) => {
      const prefix = `torn/${title.replaceAll(' ', '-')}`;
      const { directory, data } = await writeAndKill(prefix);
      damage(data);
      const { output } = await lab.output({ temporary_directory: directory });
      await output.open?.();
      await output.close();
      expect(numbersIn(await lab.objects(`${prefix}/`))).toEqual(expected);
      expect(dataFiles(directory)).toEqual([]);
    },
    30_000,
  );

  it('removes the file of a source that reads the records again', async () => {
    const { directory } = await writeAndKill('crash/replayed', 'shard-0');
    const { output, log } = await lab.output({ temporary_directory: directory });
    await output.open?.();
    await output.close();
    expect(await lab.objects('crash/replayed/')).toEqual([]);
    expect(log).toEqual([
      `INFO removed 1 files that an earlier run left in ${directory}: their records are read again`,
    ]);
    expect(dataFiles(directory)).toEqual([]);
  }, 30_000);

  it('leaves the file with restore => false, and takes it on the next start that restores', async () => {
    const { directory, data } = await writeAndKill('crash/kept');
    const first = await lab.output({ temporary_directory: directory, restore: false });
    await first.output.open?.();
    await first.output.close();
    expect(first.log).toEqual([`INFO files of 1 earlier runs stay in ${directory}, since restore is false`]);
    expect(dataFiles(directory)).toEqual([data]);
    const second = await lab.output({ temporary_directory: directory });
    await second.output.open?.();
    await second.output.close();
    expect(numbersIn(await lab.objects('crash/kept/'))).toEqual(ALL);
  }, 30_000);

  it('uploads once although two outputs start at the same time, and leaves what a living one has', async () => {
    const { directory } = await writeAndKill('crash/race');
    const outputs = await Promise.all([1, 2, 3].map(() => lab.output({ temporary_directory: directory })));
    await Promise.all(outputs.map(({ output }) => output.open?.()));
    expect(readdirSync(directory)).toHaveLength(3);
    await Promise.all(outputs.map(({ output }) => output.close()));
    const uploading = outputs.flatMap(({ log }) => log.filter((line) => line.includes('uploading 1 files')));
    expect(uploading).toHaveLength(1);
    expect(numbersIn(await lab.objects('crash/race/'))).toEqual(ALL);
  }, 30_000);

  it('takes leftovers that a second crash left while they were uploaded', async () => {
    const { directory } = await writeAndKill('crash/twice');
    await writeAndKillAgain(directory);
    const { output } = await lab.output({ temporary_directory: directory });
    await output.open?.();
    await vi.waitFor(async () => expect(numbersIn(await lab.objects('crash/twice/'))).toEqual(ALL), 10_000);
    await output.close();
    expect(readdirSync(directory)).toEqual([]);
  }, 30_000);

  async function writeAndKillAgain(directory: string): Promise<void> {
    const given = { bucket: 'test-accesslog', endpoint: lab.proxy.url, prefix: 'crash/second' };
    const options = JSON.stringify({ ...given, temporary_directory: directory });
    const script = fileURLToPath(new URL('./stuckWriter.ts', import.meta.url));
    const child = spawn(process.execPath, [script, options, 'shard-0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
});

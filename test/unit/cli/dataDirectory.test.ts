import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { DataDirectoryInUse, DataDirectoryUnusable, lockDataDirectory } from '../../../src/runtime/dataDirectory.ts';

const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-data-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('makes the directory, holds a lock in it, and gives it back', () => {
  const path = join(folder, 'new', 'data');
  const unlock = lockDataDirectory(path);
  expect(readFileSync(join(path, '.lock'), 'utf8')).toBe(String(process.pid));
  unlock();
  expect(existsSync(join(path, '.lock'))).toBe(false);
  unlock();
});

it('refuses a directory that a living process holds, in the words of Logstash', () => {
  const path = join(folder, 'held');
  lockDataDirectory(path);
  writeFileSync(join(path, '.lock'), String(process.ppid));
  expect(() => lockDataDirectory(path)).toThrow(DataDirectoryInUse);
  expect(() => lockDataDirectory(path)).toThrow('another instance using the configured data directory');
  expect(readFileSync(join(path, '.lock'), 'utf8')).toBe(String(process.ppid));
});

it.each(['', 'garbage', '0', '-1', '2.5'])('takes over a lock that holds %j', (content) => {
  const path = mkdtempSync(join(folder, 'stale-'));
  writeFileSync(join(path, '.lock'), content);
  const unlock = lockDataDirectory(path);
  expect(readFileSync(join(path, '.lock'), 'utf8')).toBe(String(process.pid));
  unlock();
});

it('takes over the lock of a process that was killed', async () => {
  const path = mkdtempSync(join(folder, 'killed-'));
  const dead = spawn(process.execPath, ['-e', 'process.exit()']);
  await once(dead, 'exit');
  writeFileSync(join(path, '.lock'), String(dead.pid));
  lockDataDirectory(path)();
  expect(existsSync(join(path, '.lock'))).toBe(false);
});

it('says why a directory cannot be used', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below')]) {
    expect(() => lockDataDirectory(path)).toThrow(DataDirectoryUnusable);
    expect(() => lockDataDirectory(path)).toThrow(/^path\.data .*file.* cannot be used: E(EXIST|NOTDIR)/);
  }
});

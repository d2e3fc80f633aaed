import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { findTool } from '../../../scripts/setup/tools.ts';
import { parseArguments } from '../../../src/cli/arguments.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const unit = readFileSync(join(REPOSITORY, 'deploy/systemd/logstash-ts.service'), 'utf8');
const hasAnalyze = findTool('systemd-analyze') !== undefined;
const directory = mkdtempSync(join(tmpdir(), 'logstash-ts-systemd-'));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Where the program is really: `verify` looks whether the commands are there. */
function installedHere(): string {
  const file = join(directory, 'logstash-ts.service');
  writeFileSync(file, unit.replaceAll('/usr/share/logstash-ts', REPOSITORY.replace(/\/$/, '')));
  return file;
}

function analyze(...args: string[]) {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

describe('logstash-ts.service', () => {
  const settings = unit.split('\n').filter((line) => /^\w+=/.test(line));

  it('gives the drain time and ends with SIGTERM', () => {
    const expected = ['KillSignal=SIGTERM', 'TimeoutStopSec=120', 'Restart=on-failure', 'User=logstash-ts'];
    expect(settings).toEqual(expect.arrayContaining(expected));
  });

  it.each(settings.filter((line) => line.startsWith('ExecStart')))(
    'starts a command line that is accepted: %s',
    (line) => {
      const [program = '', ...args] = line.slice(line.indexOf('=') + 1).split(' ');
      expect(program).toBe('/usr/share/logstash-ts/bin/logstash-ts');
      expect(() => parseArguments(args)).not.toThrow();
    },
  );

  if (hasAnalyze) {
    it('passes systemd-analyze verify', () => {
      expect(analyze('verify', '--man=no', installedHere())).toEqual({ status: 0, text: '' });
    });

    it('has a low exposure by systemd-analyze security', () => {
      const { text } = analyze('security', '--offline=true', installedHere());
      expect(Number(/exposure level for \S+ ([\d.]+)/.exec(text)?.[1])).toBeLessThan(2);
    });
  } else {
    it('has three sections (systemd-analyze is not on this machine, so it could not verify the unit)', () => {
      expect(unit.match(/^\[\w+\]$/gm)).toEqual(['[Unit]', '[Service]', '[Install]']);
    });
  }
});

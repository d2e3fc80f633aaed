/** The program as a process: what it prints where, and its exit codes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Ended, runProgram } from '../../support/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

function run(args: readonly string[], input = ''): Promise<Ended> {
  return runProgram(args, { input, env: { FROM_ENV: 'set' } });
}

const data = () => ['--path.data', mkdtempSync(join(folder, 'data-'))];

describe('exit code 0', () => {
  it('--version', async () => {
    const { code, stdout, stderr } = await run(['--version']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^logstash-ts \d+\.\d+\.\d+ \(compatible with Logstash 7\.9\.2\)\n$/);
  });

  it('--help names every group of flags', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    for (const flag of ['-f, --path.config', '-t, --config.test_and_exit', '--log.format', 'Not supported:']) {
      expect(stdout).toContain(flag);
    }
  });

  it('-t on a good file prints what Logstash prints', async () => {
    const path = join(folder, 'good.conf');
    writeFileSync(
      path,
      'input { stdin { } }\nfilter { json { source => "${FROM_ENV}" } }\noutput { null { } } # no newline',
    );
    const { code, stdout, stderr } = await run(['-t', '-f', path]);
    expect([code, stdout]).toEqual([0, 'Configuration OK\n']);
    expect(stderr).toContain('Config Validation Result: OK. Exiting Logstash');
  });

  it('the end of stdin: events on stdout, and nothing but events', async () => {
    const config =
      'input { stdin { codec => json } } filter { if [a] > 5 { drop { } } } output { stdout { codec => json_lines } }';
    const { code, stdout, stderr } = await run(
      ['-e', config, '--log.format', 'json', ...data()],
      '{"a":1}\n{"a":9}\n{"a":2}',
    );
    expect(code).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).a),
    ).toEqual([1, 2]);
    const lines = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.at(-1)).toMatchObject({ level: 'INFO', logEvent: { eventsIn: 3, eventsOut: 2, dropped: 1 } });
  });
});

describe('exit code 1', () => {
  it('-t on a file with faults shows all of them and starts nothing', async () => {
    const path = join(folder, 'bad.conf');
    writeFileSync(
      path,
      'input { stdn { } }\noutput { s3 { bucket => "b" secret_access_key => "hunter2" sise_file => 1 } }\n',
    );
    const { code, stdout, stderr } = await run(['-t', '-f', path]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`${path}:1:9  error LST301  Couldn't find any input plugin named 'stdn'`);
    expect(stderr).toContain(`${path}:2:60  error LST302  unknown option \`sise_file\` for output \`s3\``);
    expect(stderr).toContain('2 errors in 1 file. Nothing was started.');
    expect(stderr).not.toContain('hunter2');
  });

  it.each([
    [['--path.confg', 'x'], 'Did you mean --path.config?'],
    [['-f', join(folder, 'none.conf')], 'No config files found in path'],
    [[], 'No configuration: give one with -f'],
    [['-e', 'input { generator { } }', '--path.data', '/dev/null/data'], 'cannot be used: ENOTDIR'],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^ERROR: /);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
  });
});

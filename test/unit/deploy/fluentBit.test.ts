import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { fluentBitParsers, parseLine } from '../../support/fluentBit.ts';

const FOLDER = fileURLToPath(new URL('../../../deploy/fluent-bit/', import.meta.url));
const LINES = 100;

const logs = mkdtempSync(join(tmpdir(), 'logstash-ts-logs-'));
const run = spawnSync('sh', [join(FOLDER, 'write-sample-logs.sh')], {
  env: { PATH: process.env['PATH'], LOGS: logs, LINES: String(LINES), LINES_PER_SECOND: '1000' },
  encoding: 'utf8',
});
const parsers = fluentBitParsers(readFileSync(join(FOLDER, 'parsers.conf'), 'utf8'));
const configuration = readFileSync(join(FOLDER, 'fluent-bit.conf'), 'utf8');

afterAll(() => rmSync(logs, { recursive: true, force: true }));

function linesOf(prefix: string): string[] {
  const file = readdirSync(logs).find((name) => name.startsWith(prefix)) ?? '';
  return readFileSync(join(logs, file), 'utf8').trimEnd().split('\n');
}

describe('the Fluent Bit set-up', () => {
  it('names only parsers that are there, for each of the three log types', () => {
    const used = [...configuration.matchAll(/^ +Parser +(\S+)$/gm)].map(([, name = '']) => name);
    expect(new Set(used)).toEqual(new Set(parsers.keys()));
    const added = [...configuration.matchAll(/^ +Add logtype (\S+)$/gm)].map(([, name]) => name);
    expect(added).toEqual(['accesslog', 'api-responselog', 'api-requestlog']);
  });

  it('tails the files that the writer writes', () => {
    const patterns = [...configuration.matchAll(/^ +Path +.*\/logs\/(\S+)$/gm)].map(([, glob = '']) => glob);
    const expressions = patterns.map((glob) => new RegExp(`^${glob.replace('.', '\\.').replace('*', '.*')}$`));
    expect([run.status, run.stderr]).toEqual([0, '']);
    for (const name of readdirSync(logs))
      expect(expressions.filter((expression) => expression.test(name))).toHaveLength(1);
  });

  it.each([
    [
      'access.log',
      'accesslog',
      ['remote', 'host', 'user', 'time', 'method', 'path', 'code', 'size', 'referer', 'agent'],
    ],
    ['api-response', 'api-responselog', ['time', 'code', 'result', 'path', 'logdata']],
    ['api-request', 'api-requestlog', ['time', 'method', 'path', 'logdata']],
  ])('parses all lines of %s but the few that are meant to fail', (prefix, parser, fields) => {
    const lines = linesOf(prefix);
    const parsed = lines.map((line) => parseLine(parsers, parser, line));
    expect(lines).toHaveLength(LINES);
    expect(parsed.filter((event) => 'log' in event)).toHaveLength(LINES / 50);
    const others = parsed.filter((event) => !('log' in event));
    expect(new Set(others.flatMap((event) => Object.keys(event)))).toEqual(new Set(fields));
    const bodies = others.flatMap(({ logdata }) => (logdata === undefined ? [] : JSON.parse(logdata)));
    expect(bodies.every(({ message }) => message === '주문이 접수되었습니다')).toBe(true);
  });
});

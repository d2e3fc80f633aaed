import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Server, startApart } from '../../support/servers/index.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const KEYS = { accessKeyId: 'AKTEST', secretAccessKey: 'test-secret' };
const RUN_MS = 180_000;

let servers: Server[] = [];
// A run that does not add up leaves its log for the user to look at.
let temporary: string;

beforeEach(async () => {
  temporary = mkdtempSync(join(tmpdir(), 'logstash-ts-demo-test-'));
  servers = await Promise.all([startApart('elasticsearch', {}), startApart('s3', KEYS)]);
});

afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(temporary, { recursive: true, force: true });
});

/** Starts the demo as `npm start` does, on the stand-ins, so that it runs the same on every machine. */
function startDemo(...args: string[]) {
  const env = {
    PATH: process.env['PATH'],
    TMPDIR: temporary,
    ES_URL: servers[0]?.url,
    S3_ENDPOINT: servers[1]?.url,
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
  };
  const command = ['scripts/bootstrap.cjs', 'scripts/demo/main.ts', ...args];
  const child = spawn(process.execPath, command, { cwd: REPOSITORY, env, detached: true });
  const output = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output.text += text;
    });
  }
  const exited = once(child, 'close').then(([code]) => code as number | null);
  /** As Ctrl-C on a terminal: to the whole group. */
  const interrupt = () => process.kill(-(child.pid ?? 0), 'SIGINT');
  const kill = () => process.kill(-(child.pid ?? 0), 'SIGKILL');
  return { output, exited, interrupt, kill };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Processes below one, however deep, as Linux lists them. */
function descendants(root: number): { pid: number; command: string }[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processInfo(Number(name)) ?? []);
  const below = (pid: number): typeof all =>
    all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...below(child.pid)]);
  return below(root);
}

function processInfo(pid: number) {
  try {
    const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    return { pid, parent, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') };
  } catch {
    // It ended meanwhile.
    return undefined;
  }
}

function until(output: { readonly text: string }, pattern: RegExp): Promise<void> {
  return vi.waitFor(() => expect(output.text).toMatch(pattern), { timeout: 60_000, interval: 50 });
}

async function expectAllStopped(text: string): Promise<void> {
  const own = [...text.matchAll(/(?:kinesis|leases) .*(http:\S+)/g)].map(([, url = '']) => url);
  expect(own).toHaveLength(2);
  for (const url of own) await expect(fetch(url)).rejects.toThrow();
}

describe('the demo', () => {
  it(
    'delivers a fixed set, counts it, and exits 0 with all stopped',
    async () => {
      const { output, exited } = startDemo('--once', '--records', '400');
      expect([await exited, output.text]).toEqual([
        0,
        expect.stringContaining('It adds up: each event arrived, once.'),
      ]);
      expect(output.text).toMatch(/s3 lines +154 +154 +ok\n +dead letters +1 +1 +ok\n {2}400 events from the stream/);
      expect(output.text).not.toContain('\u001b');
      await expectAllStopped(output.text);
    },
    RUN_MS,
  );

  it(
    'drains on Ctrl-C and exits 0 when all adds up',
    async () => {
      const { output, exited, interrupt } = startDemo('--rate', '100');
      await until(output, /\n {2}\d\d:\d\d .* [1-9]\d*\s+\d+\s+\d+\s+\d+ \(\d+\)/);
      interrupt();
      expect([await exited, output.text]).toEqual([
        0,
        expect.stringContaining('It adds up: each event arrived, once.'),
      ]);
      await expectAllStopped(output.text);
    },
    RUN_MS,
  );

  it(
    'exits 1 and names the index when a document is found that nobody put',
    async () => {
      const { output, exited } = startDemo('--once', '--records', '300', '--rate', '100');
      await until(output, /\n {2}00:01 /);
      const headers = { 'content-type': 'application/x-ndjson' };
      const body = '{"index":{"_index":"accesslog-199901"}}\n{"code":200}\n';
      await fetch(`${servers[0]?.url}/_bulk`, { method: 'POST', headers, body });
      expect([await exited, output.text]).toEqual([1, expect.stringContaining('It does not add up.')]);
      expect(output.text).toMatch(/accesslog-199901 +0 +1 +1 more\n/);
    },
    RUN_MS,
  );

  it(
    'leaves nothing behind when it is killed',
    async () => {
      const { output, exited, kill } = startDemo('--rate', '50');
      await until(output, /\n {2}00:01 /);
      const pids = descendants(process.pid).filter(({ command }) =>
        /main\.ts|kinesis-local|dynalite|eks-kinesis/.test(command),
      );
      expect(pids.length).toBeGreaterThanOrEqual(4);
      kill();
      await exited;
      await vi.waitFor(() => expect(pids.filter(({ pid }) => isAlive(pid))).toEqual([]), {
        timeout: 10_000,
        interval: 50,
      });
    },
    RUN_MS,
  );

  it('explains a wrong argument and exits 2', async () => {
    const { output, exited } = startDemo('--records', 'many');
    expect([await exited, output.text]).toEqual([2, expect.stringMatching(/^--records takes a whole number from 1/)]);
  });
});

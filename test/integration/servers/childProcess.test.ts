import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { nodeArguments, startChild, startOnFreePort } from '../../support/servers/index.ts';

const SERVERS = fileURLToPath(new URL('../../support/servers/index.ts', import.meta.url));
const FAIL = 'console.error("first line\\nport is taken: EADDRINUSE"); process.exit(3)';

function node(script: string, ready: () => Promise<boolean>, deadlineMs = 10_000) {
  const args = nodeArguments('-e', script);
  return startChild({ name: 'the server', command: process.execPath, args, ready, deadlineMs });
}

/** A process that has ended may wait to be reaped by a slow init: that one is dead. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, 'utf8'));
}

describe('startChild', () => {
  it('tells the exit code and the last lines of a child that ends early', async () => {
    const attempt = node(FAIL, async () => false);
    await expect(attempt).rejects.toThrow(
      'the server ended (exit code 3) before it was ready. It last wrote:\nfirst line\nport is taken: EADDRINUSE',
    );
  });

  it('ends a child that is not ready in time', async () => {
    const attempt = node('console.error("still loading"); setInterval(() => {}, 1e6)', async () => false, 500);
    await expect(attempt).rejects.toThrow('the server was not ready after 500 ms. It last wrote:\nstill loading');
  });

  it('tells when there is no such program', async () => {
    const options = { name: 'x', command: '/no/such/program', args: nodeArguments(), ready: async () => true };
    await expect(startChild(options)).rejects.toThrow(
      'x ended (could not be started: spawn /no/such/program ENOENT) before it was ready.',
    );
  });

  it('is started anew when its port was taken, and not for another fault', async () => {
    const taken = vi.fn(() => node(FAIL, async () => false));
    await expect(startOnFreePort(taken, 2)).rejects.toThrow('EADDRINUSE');
    const broken = vi.fn(() => node('process.exit(1)', async () => false));
    await expect(startOnFreePort(broken, 2)).rejects.toThrow('exit code 1');
    expect([taken.mock.calls.length, broken.mock.calls.length]).toEqual([2, 1]);
  });

  it('kills a child that does not heed SIGTERM', async () => {
    const script = 'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1e6)';
    const args = nodeArguments('-e', script);
    const ready = async (child: { stdout(): string }) => child.stdout().includes('up');
    const child = await startChild({ name: 'deaf', command: process.execPath, args, ready, graceMs: 100 });
    await child.stop();
    expect(isAlive(child.pid)).toBe(false);
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)('leaves no server behind when its parent goes by %s', async (signal) => {
    const script = `
      import { startApart, startChild } from ${JSON.stringify(SERVERS)};
      const s3 = await startApart('s3', { accessKeyId: 'a', secretAccessKey: 'b' });
      const other = await startChild({ name: 'sleep', command: 'sleep', args: ['600'], ready: async () => true });
      console.log(JSON.stringify([s3.pid, other.pid]));
      setInterval(() => {}, 1e6);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(parent.stdout, 'data');
    const pids: number[] = JSON.parse(String(line));
    expect(pids.map(isAlive)).toEqual([true, true]);
    parent.kill(signal);
    const deadline = { timeout: 10_000, interval: 20 };
    await vi.waitFor(() => expect(pids.map(isAlive)).toEqual([false, false]), deadline);
  });
});

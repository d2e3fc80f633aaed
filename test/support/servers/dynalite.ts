import type { Server as HttpServer } from 'node:http';
import { createRequire } from 'node:module';
import { nodeArguments, startChild, startOnFreePort } from './childProcess.ts';
import { packageVersion } from './packageVersion.ts';
import { freePort, type Server, serverOf } from './server.ts';

export interface DynaliteOptions {
  /** In a process of its own, so that it outlives a busy event loop here; in this process by default. */
  readonly childProcess?: boolean;
  /** How long tables stay in CREATING, as real ones do for some seconds. */
  readonly createTableMs?: number;
  /** Directory that keeps the tables over a restart; in memory without it. */
  readonly path?: string;
}

type CreateServer = (options: { createTableMs: number; deleteTableMs: number; path?: string }) => HttpServer;

const NAME = 'dynalite';

export async function startDynalite(options: DynaliteOptions = {}): Promise<Server> {
  return options.childProcess ? startApart(options) : startHere(options);
}

async function startHere(options: DynaliteOptions): Promise<Server> {
  // The package carries no types.
  const createServer: CreateServer = createRequire(import.meta.url)('dynalite');
  const http = createServer({
    createTableMs: options.createTableMs ?? 0,
    deleteTableMs: 0,
    ...(options.path && { path: options.path }),
  });
  return serverOf(NAME, packageVersion(NAME), http);
}

async function startApart(options: DynaliteOptions): Promise<Server> {
  const cli = createRequire(import.meta.url).resolve('dynalite/cli.js');
  return startOnFreePort(async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const tableTimes = ['--createTableMs', String(options.createTableMs ?? 0), '--deleteTableMs', '0'];
    const store = options.path ? ['--path', options.path] : [];
    const child = await startChild({
      name: NAME,
      command: process.execPath,
      args: nodeArguments(cli, '--host', '127.0.0.1', '--port', String(port), ...tableTimes, ...store),
      ready: async () => (await fetch(url)).ok,
    });
    return { name: NAME, version: packageVersion(NAME), url, pid: child.pid, stop: () => child.stop() };
  });
}

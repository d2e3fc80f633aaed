import { fileURLToPath } from 'node:url';
import { nodeArguments, startChild } from './childProcess.ts';
import type { FakeElasticsearchOptions } from './fakeElasticsearch.ts';
import type { FakeS3Options } from './fakeS3.ts';
import type { Server } from './server.ts';

interface StandIns {
  s3: Omit<FakeS3Options, 'respond'>;
  elasticsearch: Omit<FakeElasticsearchOptions, 'respond' | 'respondItem'>;
}

const RUN = fileURLToPath(new URL('./run.ts', import.meta.url));

/** Starts a stand-in in a process of its own. Fault hooks are functions and so only for those in this process. It may run for days: what it was asked is not kept. */
export async function startApart<Kind extends keyof StandIns>(kind: Kind, options: StandIns[Kind]): Promise<Server> {
  const child = await startChild({
    name: `${kind} stand-in`,
    command: process.execPath,
    args: nodeArguments(RUN, kind, JSON.stringify({ keepRequests: false, ...options })),
    ready: async (running) => running.stdout().includes('\n'),
  });
  const { name, version, url }: { name: string; version: string; url: string } = JSON.parse(child.stdout());
  return { name, version, url, pid: child.pid, stop: () => child.stop() };
}

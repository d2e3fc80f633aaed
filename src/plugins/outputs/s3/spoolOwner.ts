/** Whether the process, and the thread of it, that made a spool directory still lives. */
import { readFile, readlink, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isProcessAlive } from '../../../util/process.ts';
import { deadThreads, thisThread } from '../../../util/threads.ts';

export const OWNER_FILE = 'owner.json';

/** A sign of life is given far more often. */
const SILENCE_MS = 60_000;

interface Owner {
  readonly pid: number;
  /** When the process started, in the kernel's own unit: a process id is given again, above all in a container. */
  readonly started: string;
  /** Where process ids have their meaning. */
  readonly namespace: string;
  readonly host: string;
  /** One that dies leaves a process that lives. Absent in directories of older versions. */
  readonly thread?: number;
}

export async function thisOwner(): Promise<Owner> {
  return {
    pid: process.pid,
    started: await startOf(process.pid),
    namespace: await pidNamespace(),
    host: hostname(),
    thread: thisThread,
  };
}

/** Where its process cannot be looked at, an owner lives as long as it has given a sign of life lately. */
export async function isAbandoned(directory: string, nowMs: number): Promise<boolean> {
  const path = join(directory, OWNER_FILE);
  const owner = await readOwner(path);
  if (owner === undefined) return true;
  const us = await thisOwner();
  if (owner.host === us.host && owner.namespace === us.namespace) {
    if (!isProcessAlive(owner.pid) || (await startOf(owner.pid)) !== owner.started) return true;
    return owner.pid === us.pid && owner.thread !== undefined && deadThreads().includes(owner.thread);
  }
  const info = await stat(path).catch(() => undefined);
  return info === undefined || nowMs - info.mtimeMs > SILENCE_MS;
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

/** Field 22 of the process's stat; empty where there is no /proc. The name before it may hold blanks and brackets. */
async function startOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

async function pidNamespace(): Promise<string> {
  return readlink('/proc/self/ns/pid').catch(() => '');
}

/** Which threads of this process are gone: what they held is nobody's. */
import { getEnvironmentData, setEnvironmentData, threadId } from 'node:worker_threads';

const DEAD = 'logstash-ts.deadThreads';

/** Known to threads that start later. */
export function noteDeadThread(id: number): void {
  setEnvironmentData(DEAD, [...deadThreads(), id]);
}

export function deadThreads(): readonly number[] {
  return (getEnvironmentData(DEAD) as readonly number[] | undefined) ?? [];
}

/** 0 is the main thread. */
export const thisThread = threadId;

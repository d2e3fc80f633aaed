/** Where the time of a program went, by the profiles that V8 writes with `--cpu-prof`. */
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The parts of a `.cpuprofile` that are needed. */
export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  /** Ids of the nodes that were running. */
  readonly samples: readonly number[];
  /** Microseconds from the sample before, for the first one from the start. */
  readonly timeDeltas: readonly number[];
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

export interface SelfTime {
  readonly name: string;
  readonly us: number;
}

const IDLE = '(idle)';
const TOP = 25;

/** Self time by function, the most first. What lies between two samples belongs to the earlier one. */
export function selfTimes(profiles: readonly CpuProfile[]): SelfTime[] {
  const us = new Map<string, number>();
  for (const { nodes, samples, timeDeltas } of profiles) {
    const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
    for (const [i, id] of samples.entries()) {
      const name = names.get(id) ?? '(unknown)';
      us.set(name, (us.get(name) ?? 0) + (timeDeltas[i + 1] ?? 0));
    }
  }
  return [...us].map(([name, total]) => ({ name, us: total })).sort((a, b) => b.us - a.us);
}

/** Lines and columns tell functions of one name apart; V8 counts both from 0. */
function nameOf({ functionName, url, lineNumber, columnNumber }: CallFrame): string {
  const place = url === '' ? '' : ` ${basename(url)}:${lineNumber + 1}:${columnNumber + 1}`;
  return `${functionName || '(anonymous)'}${place}`;
}

/** All threads of a program have profiles in its folder. */
export function profileSummary(folder: string): string {
  const profiles = globSync('*.cpuprofile', { cwd: folder }).map(
    (file): CpuProfile => JSON.parse(readFileSync(join(folder, file), 'utf8')),
  );
  const busy = selfTimes(profiles).filter(({ name }) => name !== IDLE);
  const totalUs = busy.reduce((sum, { us }) => sum + us, 0);
  const lines = busy.slice(0, TOP).map(({ name, us }) => {
    return `${((us / totalUs) * 100).toFixed(1).padStart(6)} %  ${(us / 1000).toFixed(0).padStart(6)} ms  ${name}\n`;
  });
  return lines.join('');
}

/** Faults of the machine and of the process itself. */
import { randomInt } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hasCode } from '../../src/util/errors.ts';
import { until } from '../integration/pipeline/harness.ts';
import type { FaultLab } from './lab.ts';
import type { Disturbance } from './wire.ts';

const MS = 1_500;
const FELT_WITHIN_MS = 30_000;
const STEP_MS = 50;
const BLOCK = Buffer.alloc(4096);

/** Goes on for a while, and until the log says that the program has felt it. */
async function untilFelt(lab: FaultLab, said: readonly RegExp[], step: () => void): Promise<void> {
  const startMs = performance.now();
  await until(
    async () => {
      step();
      return lab.program.log;
    },
    (log) => performance.now() - startMs > MS && said.every((pattern) => pattern.test(log)),
    FELT_WITHIN_MS,
    STEP_MS,
  );
}

/** To the last byte, and all the time: what the program frees is taken as well. */
export function diskFull(which: 'data' | 's3', ...said: readonly RegExp[]): Disturbance {
  return async (lab) => {
    const path = join(lab.diskOf(which), 'filler');
    const file = openSync(path, 'w');
    await untilFelt(lab, said, () => fill(file));
    closeSync(file);
    rmSync(path);
  };
}

function fill(file: number): void {
  try {
    for (;;) writeSync(file, BLOCK);
  } catch (error) {
    if (!hasCode(error, 'ENOSPC')) throw error;
  }
}

/** Again and again. */
export function temporaryDirectoryRemoved(said: RegExp): Disturbance {
  return (lab) =>
    untilFelt(lab, [said], () => rmSync(lab.program.s3Directory, { recursive: true, force: true, maxRetries: 3 }));
}

/** To `hours` ahead of the true time, and after a while back to it. */
export function clockJump(hours: number): Disturbance {
  return async (lab) => {
    lab.setClockAhead(hours * 3_600_000);
    await wait(3_000);
    lab.setClockAhead(0);
    await wait(1_000);
  };
}

/** At moments nobody chose, of which some come after a checkpoint, and started again. */
export function killed(times: number): Disturbance {
  return async (lab) => {
    for (let n = 0; n < times; n += 1) {
      await wait(randomInt(200, 2_500));
      await lab.program.end('SIGKILL');
      const before = await lab.documentCount();
      lab.program.start();
      await lab.arrived(before + 1);
    }
  };
}

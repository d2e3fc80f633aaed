import { hasCode } from './errors.ts';

/** Whether a process of that number runs on this machine. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not permitted to signal it, so it is there.
    return hasCode(error, 'EPERM');
  }
}

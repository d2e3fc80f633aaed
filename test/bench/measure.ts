/** Runs a program in a process of its own and measures it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { boundToParent } from '../support/servers/index.ts';

const FIRST_OUTPUT_POLL_MS = 5;
const POLL_MS = 50;
const RUN_MAX_MS = 300_000;

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly stdin: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A file whose first byte is the first output. */
  readonly outputFile?: string;
  /** For a program that does not end by itself: resolves when its work is done. */
  readonly done?: (signal: AbortSignal) => Promise<void>;
}

export interface Measured {
  /** User and system time of the whole process, its start included. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly rssMiB: number;
  /** Milliseconds of the epoch. */
  readonly startMs: number;
  /** When `outputFile` had its first byte. */
  readonly firstOutputMs: number | undefined;
}

/** The shell says the number of the process first, and at its end what it has used. */
const SCRIPT = 'in=$1; shift; "$@" <"$in" >/dev/null & echo $!; wait $!; echo "exit $?"; times';

export async function measure(launch: Launch): Promise<Measured> {
  const startMs = Date.now();
  const program = boundToParent(launch.command, launch.args);
  const shell = boundToParent('sh', ['-c', SCRIPT, 'sh', launch.stdin, program[0], ...program[1]]);
  const child = spawn(...shell, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...launch.env } });
  const output = collect(child);
  const ended = once(child, 'close');
  const watching = watch(launch, output, () => child.exitCode !== null || child.signalCode !== null);
  const limit = AbortSignal.timeout(RUN_MAX_MS);
  limit.addEventListener('abort', () => signalTo(output, 'SIGKILL'));
  launch.done?.(limit).then(
    () => signalTo(output, 'SIGTERM'),
    () => signalTo(output, 'SIGKILL'),
  );
  await ended;
  const wallSeconds = (Date.now() - startMs) / 1000;
  if (!output.stdout.includes('exit 0')) throw new Error(`${launch.command} failed: ${output.stderr || output.stdout}`);
  return { cpuSeconds: childrenSeconds(output.stdout), wallSeconds, startMs, ...(await watching) };
}

interface Output {
  stdout: string;
  stderr: string;
}

function collect({ stdout, stderr }: ChildProcess): Output {
  const output = { stdout: '', stderr: '' };
  stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  stderr?.setEncoding('utf8').on('data', (text: string) => {
    output.stderr = (output.stderr + text).slice(-4000);
  });
  return output;
}

async function watch({ outputFile }: Launch, output: Output, hasEnded: () => boolean) {
  let rssMiB = 0;
  let firstOutputMs: number | undefined;
  do {
    const isAwaited = outputFile !== undefined && firstOutputMs === undefined;
    if (isAwaited && hasContent(outputFile)) firstOutputMs = Date.now();
    rssMiB = Math.max(rssMiB, rssMostMiB(pidIn(output.stdout)));
    await wait(isAwaited ? FIRST_OUTPUT_POLL_MS : POLL_MS);
  } while (!hasEnded());
  return { rssMiB, firstOutputMs };
}

function hasContent(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

function pidIn(stdout: string): number {
  return Number(stdout.slice(0, stdout.indexOf('\n')));
}

function signalTo({ stdout }: Output, signal: NodeJS.Signals): void {
  try {
    process.kill(pidIn(stdout), signal);
  } catch {
    // It has ended.
  }
}

function rssMostMiB(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    // It has ended, or has not begun.
    return 0;
  }
}

/** The last line of `times`: user and system time of the children, such as `0m1.250s 0m0.110s`. */
export function childrenSeconds(times: string): number {
  const last = times.trim().split('\n').at(-1) ?? '';
  const parts = [...last.matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface ChildOptions {
  /** Used in messages: "dynalite ended (exit code 1) before it was ready". */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Asked again and again until it is true; an exception counts as "not yet". */
  readonly ready: (child: Child) => Promise<boolean>;
  readonly deadlineMs?: number;
  /** SIGTERM first, SIGKILL after this time. */
  readonly graceMs?: number;
}

export interface Child {
  readonly pid: number;
  /** The last lines of standard error, oldest first. */
  stderrTail(): string;
  stdout(): string;
  hasExited(): boolean;
  stop(): Promise<void>;
}

const STDERR_LINES = 30;
const OUTPUT_BYTES_MAX = 64 * 1024;
const POLL_MS = 20;
const PARENT_WATCH = fileURLToPath(new URL('./dieWithParent.cjs', import.meta.url));
const SETPRIV = '/usr/bin/setpriv';

const running = new Set<number>();
process.once('exit', () => {
  for (const pid of running) killGroup(pid, 'SIGKILL');
});

/** Arguments that make a Node child end when this process is gone, however it went, and listen on loopback only. */
export function nodeArguments(...args: string[]): string[] {
  return ['--require', PARENT_WATCH, ...args];
}

/**
 * Starts a program and waits until it is ready. It gets a process group of its own, so that Ctrl-C on the terminal reaches
 * only us and we decide the order in which things end; it is killed when this process ends.
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const child = new RunningChild(options);
  const deadline = Date.now() + (options.deadlineMs ?? 30_000);
  while (!(await isReady(options, child))) {
    if (child.hasExited())
      throw new Error(`${options.name} ended (${child.ending}) before it was ready.${tailOf(child)}`);
    if (Date.now() > deadline) {
      await child.stop();
      throw new Error(`${options.name} was not ready after ${options.deadlineMs ?? 30_000} ms.${tailOf(child)}`);
    }
    await new Promise((next) => setTimeout(next, POLL_MS));
  }
  return child;
}

/** Starts again, with a new port each time, when another process took the port between the choice and the start. */
export async function startOnFreePort<T>(start: () => Promise<T>, attempts = 4): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      const portWasTaken = /EADDRINUSE|[Aa]ddress already in use|BindException/.test(String(error));
      if (!portWasTaken || attempt === attempts) throw error;
    }
  }
}

async function isReady(options: ChildOptions, child: RunningChild): Promise<boolean> {
  if (child.hasExited() || child.pid < 0 || !isBound(child.pid)) return false;
  const answer = await options.ready(child).catch(() => false);
  return answer && !child.hasExited();
}

/** Until setpriv has made way for the program, the end of our process would not reach it. */
function isBound(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== 'setpriv';
  } catch {
    // No /proc on this system, or the process has just ended, which its exit tells.
    return true;
  }
}

function tailOf(child: Child): string {
  const tail = child.stderrTail() || child.stdout().trim();
  return tail === '' ? ' It wrote nothing.' : ` It last wrote:\n${tail}`;
}

class RunningChild implements Child {
  readonly pid: number;
  ending = '';
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #graceMs: number;
  #stderr = '';
  #stdout = '';

  constructor(options: ChildOptions) {
    const [command, args] = boundToParent(options.command, options.args);
    this.#graceMs = options.graceMs ?? 5_000;
    this.#process = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.pid = this.#process.pid ?? -1;
    if (this.pid > 0) running.add(this.pid);
    this.#exited = new Promise((resolve) => {
      this.#process.once('error', (error) => {
        this.ending = `could not be started: ${error.message}`;
        resolve();
      });
      this.#process.once('exit', (code, signal) => {
        this.ending = signal === null ? `exit code ${code}` : `signal ${signal}`;
        running.delete(this.pid);
        resolve();
      });
    });
    this.#process.stdin?.on('error', () => undefined);
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout = (this.#stdout + text).slice(-OUTPUT_BYTES_MAX);
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-OUTPUT_BYTES_MAX);
    });
  }

  stderrTail(): string {
    return this.#stderr.trimEnd().split('\n').slice(-STDERR_LINES).join('\n');
  }

  stdout(): string {
    return this.#stdout;
  }

  hasExited(): boolean {
    return this.ending !== '';
  }

  async stop(): Promise<void> {
    if (this.hasExited()) return;
    killGroup(this.pid, 'SIGTERM');
    const timer = setTimeout(() => killGroup(this.pid, 'SIGKILL'), this.#graceMs);
    await this.#exited;
    clearTimeout(timer);
  }
}

/** Node children watch their stdin; for others Linux itself sends the signal when the parent is gone. Gives command and arguments. */
export function boundToParent(command: string, args: readonly string[]): [string, string[]] {
  const watchesByItself = args.includes(PARENT_WATCH);
  if (watchesByItself || process.platform !== 'linux' || !existsSync(SETPRIV)) return [command, [...args]];
  return [SETPRIV, ['--pdeathsig', 'KILL', command, ...args]];
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    running.delete(pid);
  }
}

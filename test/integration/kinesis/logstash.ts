/** `bin/logstash-ts` as a process that may be killed and started again with the same command. */
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { boundToParent } from '../../support/servers/index.ts';

export interface LogstashOptions {
  readonly configPath: string;
  /** State of its own, kept over restarts. */
  readonly dataPath: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Such as `-w 2`. */
  readonly flags?: readonly string[];
}

export class Logstash {
  readonly #options: LogstashOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<number | string> | undefined;
  #log = '';

  constructor(options: LogstashOptions) {
    this.#options = options;
  }

  start(): void {
    const { configPath, dataPath, env, flags = [] } = this.#options;
    const args = ['-f', configPath, '--path.data', dataPath, ...flags];
    const child = spawn(...boundToParent(resolve('bin/logstash-ts'), args), {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', ...env },
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    this.#child = child;
    this.#ended = new Promise((done) => child.once('exit', (code, signal) => done(code ?? signal ?? '')));
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Standard error of all its runs. */
  get log(): string {
    return this.#log;
  }

  /** As in the lease table, of the run that goes on or was the last; `undefined` before it holds leases. */
  get workerId(): string | undefined {
    const run = this.#log.slice(this.#log.lastIndexOf('Starting logstash-ts'));
    return /workerId=>"([^"]+)"/.exec(run)?.[1];
  }

  /** Gives the exit code, or the name of the signal that ended it. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string> {
    this.#child?.kill(signal);
    return (await this.#ended) ?? '';
  }
}

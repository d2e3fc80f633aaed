import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDeadLetters } from '../../src/delivery/deadLetters.ts';
import { boundToParent } from '../../test/support/servers/index.ts';
import type { Stack } from './stack.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const PIPELINE = 'pipelines/eks-kinesis.conf';
const TAIL_LINES = 15;

/** The program under show: `bin/logstash-ts` as a user starts it, in a process of its own. */
export class PipelineProcess {
  readonly file = PIPELINE;
  readonly #directory: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number>;
  #exitCode: number | undefined;

  constructor(stack: Stack, timeFileMinutes: number) {
    this.#directory = mkdtempSync(join(tmpdir(), 'logstash-ts-demo-'));
    const own = ['-f', PIPELINE, '--path.data', join(this.#directory, 'data')];
    const [command, args] = boundToParent(join(REPOSITORY, 'bin/logstash-ts'), own);
    this.#child = spawn(command, args, {
      cwd: REPOSITORY,
      env: { ...process.env, ...environment(stack, this.#directory, timeFileMinutes) },
      // Ctrl-C on the terminal is for us: we stop the producer first.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = createWriteStream(this.logFile);
    this.#child.stdout?.pipe(log, { end: false });
    this.#child.stderr?.pipe(log, { end: false });
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', () => resolve(127));
      this.#child.once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 137)));
    });
    void this.#exited.then((code) => {
      this.#exitCode = code;
      log.end();
    });
    process.once('exit', () => this.kill());
  }

  get logFile(): string {
    return join(this.#directory, 'logstash-ts.log');
  }

  /** Undefined while it runs. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Asks it to drain and gives its exit code. */
  async stop(): Promise<number> {
    if (this.#exitCode === undefined) this.#child.kill('SIGTERM');
    return this.#exited;
  }

  kill(): void {
    if (this.#exitCode === undefined) this.#child.kill('SIGKILL');
  }

  /** Entries of its dead letter queue. */
  async deadLetters(): Promise<number> {
    let count = 0;
    for await (const _entry of readDeadLetters(join(this.#directory, 'data/dead_letter_queue/main'))) count += 1;
    return count;
  }

  lastLines(): string {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  }

  removeFiles(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function environment(stack: Stack, directory: string, timeFileMinutes: number): NodeJS.ProcessEnv {
  return {
    KINESIS_ENDPOINT: stack.kinesis,
    DYNAMODB_ENDPOINT: stack.dynamodb,
    ES_URL: stack.elasticsearch,
    S3_ENDPOINT: stack.s3.endpoint,
    S3_FORCE_PATH_STYLE: 'true',
    S3_BUCKET: stack.s3.bucket,
    S3_TEMP: join(directory, 's3'),
    S3_TIME_FILE: String(timeFileMinutes),
    AWS_ACCESS_KEY_ID: stack.s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: stack.s3.secretAccessKey,
  };
}

/**
 * Start-up and idle figures, each the median of 5: `--version`, `-t` on the user's pipeline, first event out, and memory of
 * the user's pipeline when its stream is empty. Usage: node test/bench/startup.ts
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  documentCounts,
  fluentBitRecords,
  leases,
  Program,
  putRecords,
  startStack,
  stopStack,
  sum,
  until,
} from '../integration/pipeline/harness.ts';
import { median } from './statistics.ts';

const ROUNDS = 5;
const IDLE_MS = 10_000;

function report(name: string, values: readonly number[], unit: string): void {
  const digits = unit === 's' ? 3 : 0;
  const range = `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`;
  process.stdout.write(`${name.padEnd(44)} ${median(values).toFixed(digits)} ${unit}  (${range})\n`);
}

function seconds(args: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(resolve('bin/logstash-ts'), args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return (performance.now() - start) / 1000;
}

/** From the start of the process to the first line on its stdout. */
function firstLine(config: string, dataPath: string): Promise<number> {
  const start = performance.now();
  const child = spawn(resolve('bin/logstash-ts'), ['-e', config, '--path.data', dataPath], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return new Promise((done) => {
    child.stdout.once('data', () => {
      done((performance.now() - start) / 1000);
      child.kill('SIGKILL');
    });
  });
}

function rssMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

const times = <T>(run: () => T): T[] => Array.from({ length: ROUNDS }, run);

const stack = await startStack();
try {
  report(
    '--version',
    times(() => seconds(['--version'])),
    's',
  );
  const checked = new Program(stack);
  const seed = readFileSync('test/data/seed.conf', 'utf8').replace(
    /database => "[^"]*"/,
    'database => "geoip/GeoLite2-ASN-Test.mmdb"',
  );
  const seedPath = join(checked.folder, 'seed.conf');
  writeFileSync(seedPath, seed);
  report(
    "-t on the user's pipeline",
    times(() => seconds(['-t', '-f', seedPath])),
    's',
  );
  checked.remove();

  const generator = 'input { generator { count => 1 } } output { stdout { codec => line } }';
  const first: number[] = [];
  for (let i = 0; i < ROUNDS; i++) first.push(await firstLine(generator, join(checked.folder, 'data')));
  report('first event, generator to stdout', first, 's');

  await putRecords(stack, fluentBitRecords().slice(0, 20));
  const firstDocument: number[] = [];
  const idle: number[] = [];
  let documents = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const program = new Program(stack);
    const start = performance.now();
    program.start();
    await until(
      () => documentCounts(stack),
      (counts) => sum(counts) > documents,
      60_000,
      10,
    );
    firstDocument.push((performance.now() - start) / 1000);
    await until(
      async () => Object.values(await leases(stack)).length,
      (count) => count === 2,
    );
    await new Promise((done) => setTimeout(done, IDLE_MS));
    idle.push(rssMiB(program.pid));
    await program.end('SIGTERM');
    program.remove();
    documents = sum(await documentCounts(stack));
    await putRecords(stack, fluentBitRecords().slice(20 * (i + 1), 20 * (i + 2)));
  }
  report("first document of the user's pipeline", firstDocument, 's');
  report("resident memory, user's pipeline idle", idle, 'MiB');
} finally {
  await stopStack(stack);
}

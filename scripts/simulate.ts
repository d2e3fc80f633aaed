/**
 * The simulation of Kinesis workers on many seeds (`npm run simulate -- --seeds 10000`), or on one with a trace
 * (`npm run simulate -- --seed 4711 --trace`). Ends with the line `N seeds, M violations`; exit code 1 when there are any.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { plant } from '../test/simulation/mutants.ts';
import type { Outcome } from '../test/simulation/simulation.ts';
import { failureText } from '../test/simulation/violations.ts';

const USAGE = `npm run simulate -- [options]

  --seeds N       so many seeds (200 unless given)
  --from S        beginning with this one (0 unless given)
  --seed S        only this one; may be given several times
  --trace         says all that happens (with --seed)
  --steps N       no more than N steps of a seed before all faults end
  --mutant NAME   with this fault put into the code (test/simulation/mutants.ts)
`;
const PROGRESS_MS = 10_000;

interface Task {
  readonly seeds: readonly number[];
  readonly steps: number | undefined;
  readonly mutant: string | undefined;
  readonly trace: boolean;
}

if (isMainThread) await main();
else await run(workerData as Task, (outcome) => parentPort?.postMessage(outcome));

async function main(): Promise<void> {
  const task = parseTask();
  if (task === undefined) return;
  const beganMs = performance.now();
  let done = 0;
  let failed = 0;
  let cutShort = 0;
  const onOutcome = (outcome: Outcome) => {
    done += 1;
    if (outcome.isCutShort) cutShort += 1;
    const [violation] = outcome.violations;
    if (violation === undefined) return;
    failed += 1;
    say(failureText(outcome.seed, violation, [...flag('--steps', task.steps), ...flag('--mutant', task.mutant)]));
  };
  const secondsText = () => `${((performance.now() - beganMs) / 1_000).toFixed(0)} s`;
  const progress = setInterval(
    () => say(`${done} of ${task.seeds.length} seeds, ${failed} violations, ${secondsText()}`),
    PROGRESS_MS,
  );
  if (task.seeds.length < 10) await run(task, onOutcome);
  else await runInThreads(task, onOutcome);
  clearInterval(progress);
  say(`${done} seeds, ${failed} violations (${secondsText()}${cutShort > 0 ? `, ${cutShort} cut short` : ''})`);
  process.exitCode = failed > 0 ? 1 : 0;
}

async function run({ seeds, steps, mutant, trace }: Task, onOutcome: (outcome: Outcome) => void): Promise<void> {
  const assertPlanted = mutant === undefined ? () => {} : plant(mutant);
  // Loaded only now, so that a mutant takes part.
  const { simulate } = await import('../test/simulation/simulation.ts');
  assertPlanted();
  for (const seed of seeds) onOutcome(await simulate(seed, { steps, onTrace: trace ? say : undefined }));
}

async function runInThreads(task: Task, onOutcome: (outcome: Outcome) => void): Promise<void> {
  const threads = availableParallelism();
  const shares = Array.from({ length: threads }, (_, nth) =>
    task.seeds.filter((_seed, index) => index % threads === nth),
  );
  await Promise.all(
    shares.map((seeds) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: { ...task, seeds } });
      worker.on('message', onOutcome);
      return new Promise<void>((resolve, reject) => worker.on('error', reject).on('exit', () => resolve()));
    }),
  );
}

function parseTask(): Task | undefined {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '200' },
      from: { type: 'string', default: '0' },
      seed: { type: 'string', multiple: true },
      trace: { type: 'boolean', default: false },
      steps: { type: 'string' },
      mutant: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    say(USAGE);
    return undefined;
  }
  const from = whole('--from', values.from);
  const range = Array.from({ length: whole('--seeds', values.seeds) }, (_, index) => from + index);
  return {
    seeds: values.seed?.map((text) => whole('--seed', text)) ?? range,
    steps: values.steps === undefined ? undefined : whole('--steps', values.steps),
    mutant: values.mutant,
    trace: values.trace && values.seed !== undefined,
  };
}

function whole(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${name} takes a whole number, not "${text}"`);
  return Number(text);
}

function flag(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [name, String(value)];
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

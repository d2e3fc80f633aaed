/**
 * CPU time, memory and throughput of the user's filters, beside a bare loop of `JSON.parse` and `JSON.stringify` in the same run.
 * What is measured and how: docs/performance.md. Usage: npm run bench -- [--events N] [--rounds N] [--only A,B,A:2] [--quick [--keep]] [--json]
 * [--profile DIR] [--peers] | --complexity [--events N] [--rounds N]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildIfStale } from './bundle.ts';
import { complexity } from './complexity.ts';
import { profileSummary } from './cpuProfile.ts';
import { databases } from './databases.ts';
import { figuresOf, type Row, tableOf } from './figures.ts';
import { fromKinesis, fromKinesisToElasticsearch, fromKinesisUnfiltered } from './kinesisPrograms.ts';
import { linesFile } from './lines.ts';
import { peers } from './peers.ts';
import { bareLoop, type Program, toElasticsearch, toFile, toS3, type Work } from './programs.ts';
import { changesOf, keepRatios } from './reference.ts';
import { runRounds } from './rounds.ts';

const { values } = parseArgs({
  options: {
    events: { type: 'string' },
    rounds: { type: 'string' },
    only: { type: 'string', default: 'A,B,C,D' },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    profile: { type: 'string' },
    peers: { type: 'boolean', default: false },
    complexity: { type: 'boolean', default: false },
  },
});
const isShort = values.quick || values.complexity;
const events = Number(values.events ?? (isShort ? 100_000 : 1_000_000));
const rounds = Number(values.rounds ?? (values.complexity || values.profile ? 1 : 3));

const makers: Readonly<Record<string, (work: Work) => Program | Promise<Program>>> = {
  A: toFile,
  B: toElasticsearch,
  C: toS3,
  D: fromKinesis,
  D0: fromKinesisUnfiltered,
  E: fromKinesisToElasticsearch,
};

function say(text: string): void {
  process.stderr.write(text);
}

async function makePrograms(work: Work): Promise<void> {
  programs.push(bareLoop(work));
  for (const id of values.only.split(',')) programs.push(await makeProgram(id, work));
  if (values.peers) programs.push(...(await peers(work)));
}

/** `A:2` is A with two workers. */
async function makeProgram(given: string, work: Work): Promise<Program> {
  const [id = '', workers] = given.split(':');
  const make = makers[id];
  if (make === undefined) throw new Error(`no program ${id}: ${Object.keys(makers).join(', ')}`);
  if (workers === undefined) return make(work);
  const program = await make({ ...work, workers: Number(workers) });
  return { ...program, id: given, title: `${program.title}, ${workers} workers` };
}

function show(rows: readonly Row[]): void {
  const loop = rows[0] as Row;
  if (values.json) {
    const figures = Object.fromEntries([...rows.slice(1), loop].map((row) => [row.id, figuresOf(row, loop)]));
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    return;
  }
  const title = `${events.toLocaleString('en')} events, medians of ${loop.runs.length} rounds`;
  process.stdout.write(`\n${title}\n${tableOf(rows, loop)}`);
  if (!values.quick) return;
  if (values.keep) keepRatios(rows);
  process.stdout.write(changesOf(rows));
}

const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-bench-'));
const programs: Program[] = [];
try {
  buildIfStale();
  if (values.complexity) {
    const print = (row: string) => void process.stdout.write(row);
    await complexity({ events, rounds, folder, say, show: print });
  } else {
    const work: Work = {
      events,
      lines: linesFile(events),
      databases: databases(),
      folder,
      profiles: values.profile,
      workers: 1,
    };
    await makePrograms(work);
    // Else those of an earlier run would be added up with them.
    if (values.profile !== undefined) {
      for (const { id } of programs) rmSync(join(values.profile, id), { recursive: true, force: true });
    }
    show(await runRounds(programs, work, rounds, say));
  }
  if (values.profile !== undefined) {
    for (const { id, title } of programs) say(`\nself time of ${title}\n${profileSummary(join(values.profile, id))}`);
  }
} finally {
  await Promise.all(programs.map((program) => program.stop()));
  rmSync(folder, { recursive: true, force: true });
}

/**
 * CPU time, memory and throughput of the user's filters, beside a bare loop of `JSON.parse` and `JSON.stringify` in the same run.
 * What is measured and how: docs/performance.md. Usage: npm run bench -- [--events N] [--rounds N] [--only A,B] [--json]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildIfStale } from './bundle.ts';
import { checkCount, Oracle } from './check.ts';
import { profileSummary } from './cpuProfile.ts';
import { databases } from './databases.ts';
import { figuresOf, type Row, tableOf } from './figures.ts';
import { fromKinesis, fromKinesisToElasticsearch } from './kinesisPrograms.ts';
import { linesFile } from './lines.ts';
import type { Measured } from './measure.ts';
import type { Tally } from './outputTally.ts';
import { peers } from './peers.ts';
import { bareLoop, type Program, toElasticsearch, toFile, toS3, type Work } from './programs.ts';

const { values } = parseArgs({
  options: {
    events: { type: 'string' },
    rounds: { type: 'string' },
    only: { type: 'string', default: 'A,B,C,D' },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    profile: { type: 'string' },
    peers: { type: 'boolean', default: false },
  },
});
const events = Number(values.events ?? (values.quick ? 100_000 : 1_000_000));
const rounds = Number(values.rounds ?? (values.quick || values.profile ? 1 : 3));
/** No round is begun that would end later. */
const TIME_MAX_MS = 230_000;

const makers: Readonly<Record<string, (work: Work) => Program | Promise<Program>>> = {
  A: toFile,
  B: toElasticsearch,
  C: toS3,
  D: fromKinesis,
  E: fromKinesisToElasticsearch,
};

function say(text: string): void {
  process.stderr.write(text);
}

async function programsFor(work: Work): Promise<Program[]> {
  const programs = [bareLoop(work)];
  for (const id of values.only.split(',')) {
    const make = makers[id];
    if (make === undefined) throw new Error(`no program ${id}: ${Object.keys(makers).join(', ')}`);
    programs.push(await make(work));
  }
  if (values.peers) programs.push(...(await peers(work)));
  return programs;
}

/** All in turn, round by round, so that what else the machine does falls on all alike. */
async function runRounds(programs: readonly Program[], work: Work): Promise<Row[]> {
  const oracle = new Oracle(work.databases);
  const runs = new Map<Program, Measured[]>(programs.map((program) => [program, []]));
  const startMs = performance.now();
  let longestMs = 0;
  for (let round = 1; round <= rounds; round++) {
    const roundMs = performance.now();
    if (roundMs - startMs + longestMs > TIME_MAX_MS) {
      say(`round ${round} would take too long: figures are of ${round - 1} rounds\n`);
      break;
    }
    const tallies: Tally[] = [];
    for (const program of programs) {
      say(`round ${round}: ${program.title}\n`);
      const { measured, tally } = await program.run();
      checkRun(program, tally, oracle);
      if (program.isOurs) tallies.push(tally);
      runs.get(program)?.push(measured);
    }
    checkAlike(tallies);
    longestMs = Math.max(longestMs, performance.now() - roundMs);
  }
  return programs.map(({ id, title }, i) => ({ id, title, events, runs: runs.get(programs[i] as Program) ?? [] }));
}

function checkRun({ title, shape }: Program, tally: Tally, oracle: Oracle): void {
  try {
    if (shape === undefined) checkCount(tally, events);
    else oracle.check(tally, events, shape);
  } catch (error) {
    throw new Error(`the output of "${title}" is wrong: ${error instanceof Error ? error.message : error}`);
  }
}

function checkAlike(tallies: readonly Tally[]): void {
  const hits = new Set(tallies.map(({ cityHits, asnHits }) => `${cityHits} cities, ${asnHits} networks`));
  if (hits.size > 1) throw new Error(`outputs differ: ${[...hits].join(' / ')}`);
}

const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-bench-'));
let programs: Program[] = [];
try {
  buildIfStale();
  const work: Work = { events, lines: linesFile(events), databases: databases(), folder, profiles: values.profile };
  programs = await programsFor(work);
  const rows = await runRounds(programs, work);
  const loop = rows[0] as Row;
  if (values.json) {
    const figures = Object.fromEntries(rows.map((row) => [row.id, figuresOf(row, loop)]));
    process.stdout.write(`${JSON.stringify(figures)}\n`);
  } else
    process.stdout.write(
      `\n${events.toLocaleString('en')} events, medians of ${loop.runs.length} rounds\n${tableOf(rows, loop)}`,
    );
  if (values.profile !== undefined) {
    for (const { id, title } of programs) say(`\nself time of ${title}\n${profileSummary(join(values.profile, id))}`);
  }
} finally {
  await Promise.all(programs.map((program) => program.stop()));
  rmSync(folder, { recursive: true, force: true });
}

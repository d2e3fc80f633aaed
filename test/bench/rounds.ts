import { checkCount, Oracle } from './check.ts';
import type { Row } from './figures.ts';
import type { Measured } from './measure.ts';
import type { Tally } from './outputTally.ts';
import type { Program, Work } from './programs.ts';

/** No round is begun that is likely to end later. */
const TIME_MAX_MS = 230_000;

/** All in turn, round by round, so that what else the machine does falls on all alike. */
export async function runRounds(
  programs: readonly Program[],
  work: Work,
  rounds: number,
  say: (text: string) => void,
): Promise<Row[]> {
  const oracle = new Oracle(work.databases);
  const runs = programs.map((): Measured[] => []);
  const startMs = performance.now();
  let longestMs = 0;
  for (let round = 1; round <= rounds; round++) {
    const roundMs = performance.now();
    if (roundMs - startMs + longestMs > TIME_MAX_MS) {
      say(`round ${round} would take too long: figures are of ${round - 1} rounds\n`);
      break;
    }
    const ours: Tally[] = [];
    for (const [i, program] of programs.entries()) {
      say(`round ${round}: ${program.title}\n`);
      const { measured, tally } = await program.run();
      checkRun(program, tally, work.events, oracle);
      if (program.isOurs) ours.push(tally);
      runs[i]?.push(measured);
    }
    checkAlike(ours);
    longestMs = Math.max(longestMs, performance.now() - roundMs);
  }
  return programs.map(({ id, title }, i) => ({ id, title, events: work.events, runs: runs[i] ?? [] }));
}

function checkRun({ title, shape }: Program, tally: Tally, events: number, oracle: Oracle): void {
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

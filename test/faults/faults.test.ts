/** The whole pipeline as a process of its own, in every fault of the table while records come, with one checker after each. */
import { spawnSync } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack, stopStack } from '../integration/pipeline/harness.ts';
import { check, type Outcome } from './checker.ts';
import { FaultLab } from './lab.ts';
import type { FaultRow } from './row.ts';
import { table } from './table.ts';

const FEEDING_AFTER_MS = 500;
const TIMEOUT_MS = 150_000;

/** Where no disk can be mounted, the unit tests alone make one full. */
const canMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/tmp']).status === 0;
const rows = table.filter(({ smallDisk }) => smallDisk === undefined || canMount);

const outcomes = new Map<string, Outcome & { readonly seconds: number }>();
let stack: Stack;

beforeAll(async () => {
  stack = await startStack(rows.map(idOf));
});

afterAll(async () => {
  await stopStack(stack);
  process.stdout.write(report());
});

describe.concurrent('nothing is lost, and no reader of Elasticsearch sees a document twice', () => {
  it.each(rows)('$name', { timeout: TIMEOUT_MS }, async (row) => {
    const startMs = performance.now();
    const lab = await FaultLab.open(idOf(row), stack, row);
    try {
      const outcome = await play(lab, row);
      outcomes.set(row.name, { ...outcome, seconds: (performance.now() - startMs) / 1000 });
    } catch (error) {
      throw new Error(`${String(error)}\nthe log of the program:\n${lab.program.log}`, { cause: error });
    } finally {
      await lab.close();
    }
  });
});

/** Also the name of its stream, lease table, index and prefix. */
function idOf(row: FaultRow): string {
  return `fault-${table.indexOf(row)}`;
}

async function play(lab: FaultLab, row: FaultRow): Promise<Outcome> {
  await lab.start();
  await row.disturb(lab);
  await wait(FEEDING_AFTER_MS);
  await lab.stopFeeding();
  const refused = lab.numbers().filter((n) => row.deadLetters?.(n));
  await lab.arrived(lab.records - refused.length);
  expect(await lab.program.end('SIGTERM')).toBe(0);
  for (const said of row.says) expect(lab.program.log).toMatch(said);
  return check(lab, row);
}

function report(): string {
  const head = [
    'fault',
    'records',
    'documents',
    'dead letters',
    'lines in S3',
    'of them again',
    'log lines',
    'seconds',
  ];
  const cells = [...outcomes].map(([name, outcome]) => {
    const { records, documents, deadLetters, s3Lines, s3Repeats, logLines, seconds } = outcome;
    return [name, ...[records, documents, deadLetters, s3Lines, s3Repeats, logLines].map(String), seconds.toFixed(1)];
  });
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = ([name = '', ...numbers]: readonly string[]) =>
    [name.padEnd(widths[0] ?? 0), ...numbers.map((text, index) => text.padStart(widths[index + 1] ?? 0))].join('  ');
  return `\n${[head, ...cells].map(line).join('\n')}\n`;
}

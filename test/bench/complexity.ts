/**
 * Whether an event costs the same however many shards, filters and open prefixes there are. The cost is that of each event more: a run of
 * twice as many events less a run of them, so that the start, and objects that are uploaded at the end, do not count.
 */
import { join } from 'node:path';
import { checkCount } from './check.ts';
import { databases } from './databases.ts';
import { fromKinesis } from './kinesisPrograms.ts';
import { linesFile, tenantLinesFile } from './lines.ts';
import { intoFile, intoS3, logstash, type Outcome, STDIN, s3Output, type Work } from './programs.ts';
import { median } from './statistics.ts';

interface Axis {
  readonly what: string;
  readonly steps: readonly number[];
  /** Fewer events, where so many would take too long. */
  readonly eventsMax?: (step: number) => number;
  /** Beside the cost an event, that of an event and one of them. */
  readonly isPerStep?: boolean;
  run(work: Work, step: number): Promise<Outcome>;
}

const SHARDS: Axis = {
  what: 'shards',
  steps: [1, 16, 64],
  async run(work, shards) {
    const program = await fromKinesis(work, shards);
    try {
      return await program.run();
    } finally {
      await program.stop();
    }
  },
};

const FILTERS: Axis = {
  what: 'filters reached',
  steps: [1, 10, 50, 200],
  isPerStep: true,
  run(work, filters) {
    const outputFile = join(work.folder, 'filters.jsonl');
    const mutates = Array.from({ length: filters }, (_, n) => `mutate { replace => { "user" => "user ${n}" } }`);
    const filter = `filter {\n${mutates.join('\n')}\n}`;
    return intoFile({ ...logstash(work, 'filters', STDIN, `file { path => "${outputFile}" }`, filter), outputFile });
  },
};

const PREFIXES: Axis = {
  what: 'open S3 prefixes',
  steps: [1, 100, 10_000],
  // Beyond the bound on open files each event comes to be an object of its own, when the prefixes come in turn.
  eventsMax: (prefixes) => (prefixes < 10_000 ? Number.POSITIVE_INFINITY : 10_000),
  run(work, prefixes) {
    const tenants = { ...work, lines: tenantLinesFile(work.events, prefixes) };
    return intoS3((url) => logstash(tenants, 'prefixes', STDIN, s3Output(url, 'tenant=%{tenant}'), ''));
  },
};

export interface ComplexityOptions {
  /** Of the smaller run of each pair. */
  readonly events: number;
  readonly rounds: number;
  readonly folder: string;
  readonly say: (text: string) => void;
  /** Takes the table, row by row. */
  readonly show: (row: string) => void;
}

export async function complexity(options: ComplexityOptions): Promise<void> {
  const show = (what: string, us: string, each: string) =>
    options.show(`${what.padEnd(30)}${us.padStart(12)}${each.padStart(18)}\n`);
  show('CPU µs of each event more', 'an event', 'and one of them');
  for (const axis of [SHARDS, FILTERS, PREFIXES]) {
    for (const step of axis.steps) {
      const us = await costOf(axis, step, options);
      const each = axis.isPerStep ? (us / step).toFixed(3) : '';
      show(`${step.toLocaleString('en')} ${axis.what}`, us.toFixed(2), each);
    }
  }
}

async function costOf(axis: Axis, step: number, options: ComplexityOptions): Promise<number> {
  const { rounds, folder, say } = options;
  const events = Math.min(options.events, axis.eventsMax?.(step) ?? options.events);
  const costs: number[] = [];
  const secondsOf = async (count: number) => {
    const work = {
      events: count,
      lines: linesFile(count),
      databases: databases(),
      folder,
      profiles: undefined,
      workers: 1,
    };
    const { measured, tally } = await axis.run(work, step);
    checkCount(tally, count);
    return measured.cpuSeconds;
  };
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round}: ${step} ${axis.what}\n`);
    const once = await secondsOf(events);
    costs.push((((await secondsOf(2 * events)) - once) * 1e6) / events);
  }
  return median(costs);
}

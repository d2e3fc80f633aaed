import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import PQueue from 'p-queue';
import { describe, expect, it } from 'vitest';
import type { DyingWriter } from './dyingWriter.ts';

const SCRIPT = fileURLToPath(new URL('./dyingWriter.ts', import.meta.url));
const PROCESSES = 2;

interface Run {
  readonly given: readonly number[];
  readonly isDead: boolean;
  readonly settled: ReadonlySet<number>;
  /** All that was given up to here is on disk or uploaded. */
  readonly stored: number | undefined;
  readonly log: readonly string[];
  readonly changes: number;
}

/** One temporary directory and one bucket, which survive the writers. */
class Place {
  readonly #folder = mkdtempSync(join(tmpdir(), 'logstash-ts-s3-points-'));
  readonly #given: Pick<DyingWriter, 'spool' | 'objects' | 'origin' | 'encoding'>;

  constructor(origin: boolean, encoding: DyingWriter['encoding']) {
    const [spool, objects] = [join(this.#folder, 'spool'), join(this.#folder, 'objects')];
    mkdirSync(objects);
    this.#given = { spool, objects, origin, encoding };
  }

  async write(numbers: readonly number[], dieAt: number): Promise<Run> {
    const settings: DyingWriter = { ...this.#given, numbers, dieAt };
    const child = spawn(process.execPath, [SCRIPT, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const signal = await new Promise((done) => child.once('close', (_code, by) => done(by)));
    const all = (word: string) =>
      said.split('\n').flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
    return {
      given: numbers,
      isDead: signal === 'SIGKILL',
      settled: new Set(all('settled').map(Number)),
      stored: all('stored').map(Number).at(-1),
      log: all('log'),
      changes: Number(all('changes')[0]),
    };
  }

  /** How often each number is in the bucket. Reading an object that is not valid gzip, or a line that is not whole, throws. */
  counts(): Map<number, number> {
    const counts = new Map<number, number>();
    for (const name of readdirSync(this.#given.objects)) {
      if (name.endsWith('.part')) continue;
      const bytes = readFileSync(join(this.#given.objects, name));
      const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
      for (const line of text.split('\n').slice(0, -1)) {
        const { n } = JSON.parse(line) as { n: number };
        counts.set(n, (counts.get(n) ?? 0) + 1);
      }
    }
    return counts;
  }

  /** But for directories that were not born yet: nobody can tell for a minute whether they will be. */
  leftInSpool(): string[] {
    return readdirSync(this.#given.spool).filter((name) => !name.startsWith('.'));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);

/** What a source that cannot bring its events again may rely on. */
function safeNumbers({ given, settled, stored }: Run): number[] {
  const end = stored === undefined ? 0 : given.indexOf(stored) + 1;
  return given.filter((n, index) => index < end || settled.has(n));
}

/** Three writers one after another: the first dies at the point, the second at another, the third ends well. */
async function checkPrecious(encoding: DyingWriter['encoding'], point: number): Promise<boolean> {
  const place = new Place(false, encoding);
  const runs = [
    await place.write(range(0, 40), point),
    await place.write(range(1000, 20), (point * 5) % 23),
    await place.write(range(2000, 10), 0),
  ];
  const counts = place.counts();
  const missing = runs.flatMap(safeNumbers).filter((n) => !counts.has(n));
  const repeated = [...counts].filter(([, count]) => count > 1);
  expect({ point, missing, repeated, left: place.leftInSpool() }).toEqual({
    point,
    missing: [],
    repeated: [],
    left: [],
  });
  place.remove();
  return runs[0]?.isDead === true;
}

/** The same for a source that brings again what was not settled. */
async function checkReplayed(encoding: DyingWriter['encoding'], point: number): Promise<boolean> {
  const place = new Place(true, encoding);
  let deaths = 0;
  let wanted = range(0, 40);
  for (const dieAt of [point, (point * 5) % 23, 0]) {
    const run = await place.write(wanted, dieAt);
    wanted = wanted.filter((n) => !run.settled.has(n));
    if (run.isDead) deaths += 1;
    expect(run.log.filter((line) => line.includes('uploading'))).toEqual([]);
  }
  const counts = place.counts();
  const missing = range(0, 40).filter((n) => !counts.has(n));
  expect({ point, wanted, missing, left: place.leftInSpool() }).toEqual({ point, wanted: [], missing: [], left: [] });
  place.remove();
  return deaths > 0;
}

async function changesOf(origin: boolean, encoding: DyingWriter['encoding']): Promise<number> {
  const place = new Place(origin, encoding);
  const { changes, isDead } = await place.write(range(0, 40), 0);
  expect([isDead, place.counts().size, place.leftInSpool()]).toEqual([false, 40, []]);
  place.remove();
  return changes;
}

/** Every so many changes, to the last but a few: how many there are depends a little on the time. */
async function checkPoints(step: number, count: number, check: (point: number) => Promise<boolean>): Promise<void> {
  const points = range(1, count).filter((point) => point % step === 1 % step);
  const queue = new PQueue({ concurrency: PROCESSES });
  const died = await queue.addAll(points.map((point) => () => check(point)));
  expect(died.filter(Boolean).length).toBeGreaterThan(points.length * 0.7);
}

describe.each([
  ['gzip', 1],
  ['none', 4],
] as const)('output s3 killed at changes of files, encoding %s', (encoding, step) => {
  it('loses and repeats nothing that a source without replay could rely on', async () => {
    const count = await changesOf(false, encoding);
    expect(count).toBeGreaterThan(15);
    await checkPoints(step, count, (point) => checkPrecious(encoding, point));
  }, 180_000);

  it('leaves to the replay what a source brings again', async () => {
    await checkPoints(4, await changesOf(true, encoding), (point) => checkReplayed(encoding, point));
  }, 180_000);
});

it('two outputs on one temporary directory, each killed again and again, take only what the dead left', async () => {
  const place = new Place(false, 'gzip');
  const lives = (from: number, deaths: readonly number[]) =>
    deaths.reduce<Promise<Run[]>>(async (before, dieAt, life) => {
      const runs = await before;
      return [...runs, await place.write(range(from + 100 * life, 40), dieAt)];
    }, Promise.resolve([]));
  const runs = (await Promise.all([lives(0, [9, 21, 14, 0]), lives(1000, [17, 6, 25, 0])])).flat();
  expect(runs.filter(({ isDead }) => isDead).length).toBeGreaterThan(3);
  // Both may have looked before the other's last file was left.
  await place.write([], 0);
  const counts = place.counts();
  expect(runs.flatMap(safeNumbers).filter((n) => !counts.has(n))).toEqual([]);
  expect([...counts].filter(([, count]) => count > 1)).toEqual([]);
  expect(place.leftInSpool()).toEqual([]);
  place.remove();
}, 60_000);

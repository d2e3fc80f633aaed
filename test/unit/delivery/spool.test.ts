import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { encodeEvents } from '../../../src/delivery/eventLines.ts';
import { SegmentDamaged, SegmentLog } from '../../../src/delivery/segmentLog.ts';
import { clearSpools, Spool, type SpoolSettings, spoolDirectory } from '../../../src/delivery/spool.ts';
import type { Event } from '../../../src/event/event.ts';
import { encodeJson } from '../../../src/event/json.ts';
import { Decimal, Float } from '../../../src/event/value.ts';
import { commonOptions } from '../../../src/plugin-api/commonOptions.ts';
import type { OptionContext } from '../../../src/plugin-api/index.ts';
import type { Clock } from '../../../src/util/clock.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { numbered, recordLog, TestBatch } from '../../support/outputHarness.ts';

/** Takes what it is given, and says that it is full while it is told so. */
class FakeOutput {
  readonly taken: Event[] = [];
  #full: PromiseWithResolvers<void> | undefined;

  readonly write = (events: readonly Event[]): void | Promise<void> => {
    this.taken.push(...events);
    return this.#full?.promise;
  };

  get numbers(): unknown[] {
    return this.taken.map(({ data }) => data['n']);
  }

  settleAll(): void {
    for (const event of this.taken) event.batch.settle();
  }

  close(): void {
    this.#full ??= Promise.withResolvers();
  }

  open(): void {
    this.#full?.resolve();
    this.#full = undefined;
  }

  /** Room for one call. */
  step(): void {
    this.#full?.resolve();
    this.#full = Promise.withResolvers();
  }

  fail(reason: Error): void {
    this.#full?.reject(reason);
  }
}

let base: string;
let directory: string;
let output: FakeOutput;
const { logger, lines } = recordLog();
const broken: unknown[] = [];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'spool-'));
  directory = spoolDirectory(base, 'main', 'out');
  output = new FakeOutput();
  lines.length = 0;
  broken.length = 0;
});

afterEach(async () => {
  await rm(base, { recursive: true });
});

function spoolOf(settings: Partial<SpoolSettings> = {}): Spool {
  const onBroken = (error: unknown) => void broken.push(error);
  return new Spool({
    directory,
    bytesMax: 10_000_000,
    write: output.write,
    refuse: () => {},
    onBroken,
    clock: systemClock,
    logger,
    ...settings,
  });
}

const batchOf = (from: number, count: number, fields = {}) =>
  new TestBatch(numbered(count, fields).map(({ n, ...rest }) => ({ n: from + Number(n), ...rest })));

async function filesOnDisk(): Promise<string[]> {
  return readdir(directory).catch(() => []);
}

describe('a spool', () => {
  test('is not there while the output has room', async () => {
    const spool = spoolOf();
    expect(spool.write(batchOf(0, 3).events)).toBeUndefined();
    expect(output.numbers).toEqual([0, 1, 2]);
    await spool.close();
    expect(await readdir(base)).toEqual([]);
  });

  test('takes what the output has no room for, settles nothing, and gives it back in order', async () => {
    const spool = spoolOf();
    output.close();
    const batches = Array.from({ length: 40 }, (_, i) => batchOf(i * 5, 5));
    for (const { events } of batches) expect(spool.write(events)).toBeUndefined();
    expect(output.numbers).toEqual([0, 1, 2, 3, 4]);
    await vi.waitFor(async () => expect(await filesOnDisk()).toHaveLength(1));
    expect(spool.status).toMatchObject({ spooled_events: 195 });
    expect(spool.oldestMs).toBeLessThanOrEqual(Date.now());
    expect(batches.map(({ settled }) => settled)).toEqual(new Array(40).fill(0));

    output.open();
    await vi.waitFor(() => expect(output.taken).toHaveLength(200));
    output.settleAll();
    expect(output.numbers).toEqual(numbered(200).map(({ n }) => n));
    expect(batches.every(({ isSettled }) => isSettled)).toBe(true);
    expect(spool.status).toMatchObject({ spooled_events: 0 });
    expect(spool.oldestMs).toBeUndefined();

    expect(spool.write(batchOf(200, 1).events)).toBeUndefined();
    expect(output.taken).toHaveLength(201);
    await spool.close();
    expect(await filesOnDisk()).toEqual([]);
    expect(lines).toEqual([]);
  });

  test('keeps events as they are: number forms, metadata, origin, batches of one call apart', async () => {
    const spool = spoolOf();
    output.close();
    void spool.write(batchOf(0, 1).events);
    const [one, two] = [
      new TestBatch([{ a: new Float(1), b: new Decimal('150', 2) }], { origin: 'stream/shard/1' }),
      new TestBatch([{ big: 12345678901234567890n }, {}]),
    ];
    const events = [...one.events, ...two.events];
    (events[0] as Event).metadata['index'] = 'logs';
    const before = events.map(({ data }) => encodeJson(data));
    void spool.write(events);
    (events[0] as Event).data['a'] = 'changed after the call';
    output.open();
    await vi.waitFor(() => expect(output.taken).toHaveLength(4));
    const [, first, ...others] = output.taken;
    expect([first, ...others].map((event) => encodeJson(event?.data ?? null))).toEqual(before);
    expect(first?.data['b']).toBeInstanceOf(Decimal);
    expect(first?.metadata).toEqual({ index: 'logs' });
    expect([first?.origin, others[0]?.origin]).toEqual(['stream/shard/1', undefined]);
    first?.batch.settle();
    expect([one.isSettled, two.settled]).toEqual([true, 0]);
    for (const { batch } of others) batch.settle();
    expect(two.isSettled).toBe(true);
    await spool.close();
  });

  test('makes the source wait at its bound, says so, and gives back in order all the same', async () => {
    const bytesMax = 1_000_000;
    const spool = spoolOf({ bytesMax });
    output.close();
    const text = 'x'.repeat(1000);
    let next = 0;
    let isWaiting: Promise<void> | undefined;
    for (; isWaiting === undefined; next += 50)
      isWaiting = spool.write(batchOf(next, 50, { text }).events) ?? undefined;
    await vi.waitFor(() => expect(lines).toEqual([expect.stringContaining('all 1000000 bytes of max_bytes are used')]));
    const { spooled_bytes: bytes } = spool.status;
    expect(bytes).toBeLessThanOrEqual(bytesMax);
    expect(bytes).toBeGreaterThan(bytesMax * 0.9);
    // About 4 MiB more wait in memory.
    expect(next).toBeGreaterThan(3500);
    expect(next).toBeLessThan(6000);

    output.open();
    await isWaiting;
    void spool.write(batchOf(next, 1).events);
    await vi.waitFor(() => expect(output.taken).toHaveLength(next + 1));
    expect(output.numbers).toEqual(numbered(next + 1).map(({ n }) => n));
    await spool.close();
    expect(lines.at(-1)).toMatch(/^INFO writing to the spool .* works again after/);
    expect(broken).toEqual([]);
  });

  test('gives no more back than the output has room for, and frees the disk by and by', async () => {
    const spool = spoolOf();
    output.close();
    const text = 'x'.repeat(1000);
    const runs = 150;
    for (let run = 0; run <= runs; run++) await spool.write(batchOf(run * 50, 50, { text }).events);
    await vi.waitFor(() => expect(spool.status['spooled_bytes']).toBeGreaterThan(runs * 50_000));
    for (let run = 1; run <= 100; run++) {
      output.step();
      await vi.waitFor(() => expect(output.taken).toHaveLength(50 * (run + 1)), { interval: 2 });
    }
    expect(spool.status['spooled_bytes']).toBeLessThan(70 * 50_000);
    expect(spool.status['spooled_events']).toBeGreaterThan(20 * 50);
    output.open();
    await spool.close();
    expect(output.numbers).toEqual(numbered((runs + 1) * 50).map(({ n }) => n));
  });

  test('says, once, that events have waited for long, and that they no longer do', async () => {
    let nowMs = 0;
    const clock: Clock = { ...systemClock, monotonic: () => nowMs };
    const spool = spoolOf({ clock });
    output.close();
    for (nowMs of [0, 29_000, 30_000, 40_000, 63_000]) void spool.write(batchOf(nowMs, 1).events);
    output.open();
    await spool.close();
    expect(lines).toEqual([
      `INFO the output has had no room for 30 s: events wait on disk, in ${directory}`,
      'INFO the output has all that waited on disk, after 63 s',
    ]);
  });

  test('a disk that takes nothing makes the source wait; what waits goes to the output past it, and loses nothing', async () => {
    await mkdir(join(base, 'spool'));
    await writeFile(join(base, 'spool', 'main'), 'in the way');
    const spool = spoolOf({ clock: { ...systemClock, sleep: () => systemClock.sleep(1) } });
    output.close();
    const text = 'x'.repeat(1000);
    let next = 0;
    let waits: Promise<void> | undefined;
    for (; waits === undefined; next += 50) waits = spool.write(batchOf(next, 50, { text }).events) ?? undefined;
    await vi.waitFor(() =>
      expect(lines[0]).toMatch(/^WARN writing to the spool .* fails and is tried again: .*(EEXIST|ENOTDIR)/),
    );
    output.open();
    await waits;
    await vi.waitFor(() => expect(output.taken).toHaveLength(next));

    output.close();
    void spool.write(batchOf(next, 1).events);
    void spool.write(batchOf(next + 1, 1).events);
    await rm(join(base, 'spool', 'main'));
    await vi.waitFor(() => expect(spool.status['spooled_bytes']).toBeGreaterThan(0));
    output.open();
    await spool.close();
    expect(output.numbers).toEqual(numbered(next + 2).map(({ n }) => n));
    expect(lines.at(-1)).toMatch(/works again after/);
  });

  test('begins empty, whatever an earlier process left', async () => {
    const log = await SegmentLog.open({ directory });
    await log.append([encodeEvents(batchOf(0, 2).events)], false);
    await log.close();

    output.close();
    const spool = spoolOf();
    void spool.write(batchOf(7, 1).events);
    void spool.write(batchOf(8, 1).events);
    await vi.waitFor(async () => expect(spool.status['spooled_bytes']).toBeGreaterThan(0));
    output.open();
    await spool.close();
    expect(output.numbers).toEqual([7, 8]);

    await mkdir(spoolDirectory(base, 'main', 'of an output that is gone'), { recursive: true });
    await mkdir(spoolDirectory(base, 'other', 'out'), { recursive: true });
    await clearSpools(base, 'main');
    expect(await readdir(join(base, 'spool'))).toEqual(['other']);
  });

  test.each(['a rejection', 'damage on disk'])(
    '%s breaks it down: nothing is settled, and nobody waits',
    async (fault) => {
      const spool = spoolOf();
      output.close();
      const batches = [batchOf(0, 1), batchOf(1, 1), batchOf(2, 1)];
      for (const { events } of batches) void spool.write(events);
      await vi.waitFor(() => expect(spool.status['spooled_bytes']).toBeGreaterThan(100));
      if (fault === 'a rejection') output.fail(new Error('the output is broken'));
      else {
        const path = join(directory, (await filesOnDisk())[0] ?? '');
        const bytes = await readFile(path);
        await writeFile(path, bytes.fill(0xff, 40, 41));
        output.open();
      }
      await vi.waitFor(() => expect(broken).toHaveLength(1));
      if (fault === 'a rejection') expect(broken).toEqual([new Error('the output is broken')]);
      else expect(broken[0]).toBeInstanceOf(SegmentDamaged);
      const { spooled_events: before } = spool.status;
      expect(spool.write(batchOf(3, 1).events)).toBeUndefined();
      expect(spool.status).toMatchObject({ spooled_events: before });
      expect(output.numbers).toEqual([0]);
      await spool.close();
      expect(batches.map(({ settled }) => settled)).toEqual([0, 0, 0]);
    },
  );

  test.each([1, 2, 3, 4, 5, 6])(
    'keeps order and settles each once, whenever the output is full (seed %i)',
    async (seed) => {
      let state = seed;
      const random = () => {
        state = (state * 48271) % 2147483647;
        return state / 2147483647;
      };
      const spool = spoolOf({ bytesMax: 1_000_000 });
      const batches: TestBatch[] = [];
      let next = 0;
      for (let step = 0; step < 400; step++) {
        const dice = random();
        if (dice < 0.1) output.close();
        else if (dice < 0.2) output.open();
        const count = 1 + Math.floor(random() * 30);
        const batch = batchOf(next, count, { text: 'y'.repeat(Math.floor(random() * 2000)) });
        next += count;
        batches.push(batch);
        const room = spool.write(batch.events);
        if (room) {
          output.open();
          await room;
        } else if (random() < 0.5) await new Promise((done) => setImmediate(done));
      }
      output.open();
      await spool.close();
      output.settleAll();
      expect(output.numbers).toEqual(numbered(next).map(({ n }) => n));
      expect(batches.every(({ isSettled }) => isSettled)).toBe(true);
      expect(broken).toEqual([]);
    },
  );
});

describe('the option spool', () => {
  const spec = commonOptions('output')['spool'];
  const context: OptionContext = {
    fileExists: () => true,
    codec: () => {
      throw new Error('not asked for');
    },
  };
  const parse = (...given: [string, string | number][]) => spec?.parse(new Map(given), context);

  test.each([
    ['4gb', 4_000_000_000],
    ['1GiB', 1024 ** 3],
    [2_000_000, 2_000_000],
  ])('max_bytes => %s', (size, bytesMax) => {
    expect(parse(['max_bytes', size])).toEqual({ bytesMax });
  });

  test.each<[[string, string | number][], RegExp]>([
    [[], /needs `max_bytes`/],
    [[['max_bytes', '1000']], /at least 1mb/],
    [[['max_bytes', 'much']], /Unparseable filesize: much/],
    [[['max_byte', '1gb']], /nothing else, not `max_byte`/],
  ])('%j is refused', (given, reason) => {
    expect(() => parse(...given)).toThrow(reason);
  });
});

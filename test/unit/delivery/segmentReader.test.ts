import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HEADER_BYTES, RECORD_HEADER_BYTES } from '../../../src/delivery/segmentFormat.ts';
import { SegmentDamaged, SegmentLog } from '../../../src/delivery/segmentLog.ts';
import { SegmentReader } from '../../../src/delivery/segmentReader.ts';

let directory: string;
let log: SegmentLog;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reader-'));
  log = await SegmentLog.open({ directory, segmentBytesMax: 60 });
});

afterEach(async () => {
  await log.close();
  await rm(directory, { recursive: true });
});

const append = (...texts: string[]) =>
  log.append(
    texts.map((text) => Buffer.from(text)),
    false,
  );

async function readAll(reader: SegmentReader): Promise<string[]> {
  const all: string[] = [];
  for (;;) {
    const records = await reader.next();
    if (records.length === 0) return all;
    all.push(...records.map(({ id, payload }) => `${id} ${Buffer.from(payload)}`));
  }
}

describe('a reader of a segment log', () => {
  test('goes on where it was, through segments that come and go', async () => {
    const reader = new SegmentReader(log, 0);
    expect(await reader.next()).toEqual([]);
    for (const text of ['a', '', 'cccc', 'd']) await append(text);
    expect(await readAll(reader)).toEqual(['0 a', '1 ', '2 cccc', '3 d']);
    await log.trim(4);
    await append('e');
    expect(await readAll(reader)).toEqual(['4 e']);
    await append('f', 'g');
    expect(await readAll(reader)).toEqual(['5 f', '6 g']);
    expect(await reader.next()).toEqual([]);
    await reader.close();
  });

  test('begins in the midst of a segment', async () => {
    for (const text of ['a', 'b', 'c', 'd', 'e']) await append(text);
    for (const [from, first] of [
      [0, '0 a'],
      [1, '1 b'],
      [3, '3 d'],
      [4, '4 e'],
    ] as const) {
      const reader = new SegmentReader(log, from);
      expect((await readAll(reader))[0]).toBe(first);
      await reader.close();
    }
  });

  test('takes records larger than its chunks whole, and many small ones in several', async () => {
    const large = 'x'.repeat(3 * 1024 * 1024);
    const many = await SegmentLog.open({ directory: join(directory, 'many') });
    await many.append(
      [Buffer.from('first'), Buffer.from(large), ...Array.from({ length: 50_000 }, () => Buffer.alloc(30))],
      false,
    );
    const reader = new SegmentReader(many, 0);
    const sizes: number[] = [];
    let chunks = 0;
    for (let records = await reader.next(); records.length > 0; records = await reader.next()) {
      sizes.push(...records.map(({ payload }) => payload.length));
      chunks += 1;
    }
    expect(sizes).toEqual([5, large.length, ...new Array(50_000).fill(30)]);
    expect(chunks).toBeLessThan(8);
    await reader.close();
    await many.close();
  });

  test.each([HEADER_BYTES, HEADER_BYTES + RECORD_HEADER_BYTES])(
    'says where it is damaged: a byte of %i',
    async (at) => {
      await append('abc');
      const path = log.segments[0]?.path ?? '';
      const bytes = await readFile(path);
      bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      await writeFile(path, bytes);
      const damaged = await new SegmentReader(log, 0).next().catch((error) => error);
      expect(damaged).toBeInstanceOf(SegmentDamaged);
      expect(damaged).toMatchObject({ path, offset: HEADER_BYTES });
    },
  );
});

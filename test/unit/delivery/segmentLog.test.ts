import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HEADER_BYTES, RECORD_HEADER_BYTES } from '../../../src/delivery/segmentFormat.ts';
import {
  listSegments,
  readSegment,
  repairSegment,
  SegmentDamaged,
  SegmentLog,
  SegmentLogFull,
} from '../../../src/delivery/segmentLog.ts';

let directory: string;

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'segments-')), 'log');
});

afterEach(async () => {
  await rm(join(directory, '..'), { recursive: true });
});

const payloads = (...texts: string[]) => texts.map((text) => Buffer.from(text));

async function append(log: SegmentLog, ...texts: string[]): Promise<number[]> {
  const ids: number[] = [];
  for (const text of texts) ids.push(await log.append(payloads(text), false));
  return ids;
}

async function read(log: SegmentLog, id = 0): Promise<string[]> {
  const all: string[] = [];
  for await (const records of log.read(id)) {
    all.push(...records.map((record) => `${record.id} ${Buffer.from(record.payload)}`));
  }
  return all;
}

async function reopened(): Promise<string[]> {
  const log = await SegmentLog.open({ directory });
  const all = await read(log);
  await log.close();
  return all;
}

const names = async () => (await readdir(directory)).sort();

describe('a segment log', () => {
  test('gives back what was appended, in order, now and after opening it again', async () => {
    const log = await SegmentLog.open({ directory });
    expect(await append(log, 'a', '', 'c')).toEqual([0, 1, 2]);
    expect(await read(log)).toEqual(['0 a', '1 ', '2 c']);
    expect(await read(log, 2)).toEqual(['2 c']);
    expect(await read(log, 3)).toEqual([]);
    await log.close();
    expect(await reopened()).toEqual(['0 a', '1 ', '2 c']);
    const again = await SegmentLog.open({ directory });
    expect(await append(again, 'd')).toEqual([3]);
    expect(await read(again, 2)).toEqual(['2 c', '3 d']);
    await again.close();
  });

  test('appends of many at once keep their order, and each is told its first id', async () => {
    const log = await SegmentLog.open({ directory, segmentBytesMax: 60 });
    const ids = await Promise.all([
      log.append(payloads('a', 'b'), true),
      log.append(payloads('c'), false),
      log.append(payloads('d', 'e'), true),
    ]);
    expect(ids).toEqual([0, 2, 3]);
    expect(await read(log)).toEqual(['0 a', '1 b', '2 c', '3 d', '4 e']);
    await log.close();
  });

  test('begins another segment beyond the bound, and removes those that are trimmed', async () => {
    const log = await SegmentLog.open({ directory, segmentBytesMax: 50 });
    await append(log, 'aaaa', 'bbbb', 'cccc', 'dddd', 'eeee');
    expect(await names()).toEqual(['0000000000000000.seg', '0000000000000002.seg', '0000000000000004.seg']);
    const before = log.bytes;
    await log.trim(3);
    expect(await names()).toEqual(['0000000000000002.seg', '0000000000000004.seg', 'head']);
    expect(before - log.bytes).toBe(HEADER_BYTES + 2 * (RECORD_HEADER_BYTES + 4));
    expect(log.headId).toBe(3);
    expect(await read(log)).toEqual(['3 dddd', '4 eeee']);
    await log.close();
    expect(await reopened()).toEqual(['3 dddd', '4 eeee']);
  });

  test('trimmed to the end it goes on counting', async () => {
    const log = await SegmentLog.open({ directory, segmentBytesMax: 20 });
    await append(log, 'a', 'b');
    await log.trim(99);
    expect([log.headId, log.nextId]).toEqual([2, 2]);
    expect(await append(log, 'c')).toEqual([2]);
    expect(await read(log)).toEqual(['2 c']);
    await log.close();
    expect(await reopened()).toEqual(['2 c']);
  });

  test('refuses what goes beyond its bound, and takes it after a trim', async () => {
    const log = await SegmentLog.open({ directory, segmentBytesMax: 40, bytesMax: 100 });
    await append(log, 'aaaaaaaaaa', 'bbbbbbbbbb');
    await expect(append(log, 'cccccccccc')).rejects.toThrow(SegmentLogFull);
    expect(log.nextId).toBe(2);
    await log.trim(1);
    expect(await append(log, 'cccccccccc')).toEqual([2]);
    expect(await read(log)).toEqual(['1 bbbbbbbbbb', '2 cccccccccc']);
    await log.close();
  });

  test('a write that the disk refuses is not there, and the next one is', async () => {
    const log = await SegmentLog.open({ directory, segmentBytesMax: 20 });
    await append(log, 'a');
    await rm(directory, { recursive: true });
    await expect(append(log, 'b')).rejects.toThrow('ENOENT');
    await mkdir(directory);
    expect(await append(log, 'c')).toEqual([1]);
    expect(await read(log, 1)).toEqual(['1 c']);
    await log.close();
  });
});

describe('after a crash', () => {
  test('at any byte the records that were whole are there, and new ones follow them', async () => {
    const log = await SegmentLog.open({ directory, segmentBytesMax: 40 });
    await append(log, 'first', 'second', 'third', 'fourth');
    await log.close();
    const [, last] = await names();
    const path = join(directory, last as string);
    const whole = await readFile(path);
    await cp(directory, `${directory}.copy`, { recursive: true });
    const records = ['0 first', '1 second', '2 third', '3 fourth'];
    const ends = [0, RECORD_HEADER_BYTES + 5, 2 * RECORD_HEADER_BYTES + 11].map((end) => HEADER_BYTES + end);
    for (let size = 0; size < whole.length; size += 1) {
      await rm(directory, { recursive: true });
      await cp(`${directory}.copy`, directory, { recursive: true });
      await truncate(path, size);
      const sound = 2 + Math.max(0, ends.filter((end) => end <= size).length - 1);
      const again = await SegmentLog.open({ directory });
      expect(await read(again), `cut at ${size}`).toEqual(records.slice(0, sound));
      expect(await append(again, 'new')).toEqual([sound]);
      await again.close();
      expect((await reopened()).at(-1)).toBe(`${sound} new`);
    }
  });

  test('a file of zeros behind the last record is cut off', async () => {
    const log = await SegmentLog.open({ directory });
    await append(log, 'a');
    await log.close();
    const [name = ''] = await names();
    const path = join(directory, name);
    await writeFile(path, Buffer.concat([await readFile(path), Buffer.alloc(4_096)]));
    expect(await reopened()).toEqual(['0 a']);
  });
});

describe('damage', () => {
  test('of any byte before the last record is told, and a repair keeps the others', async () => {
    const log = await SegmentLog.open({ directory });
    await append(log, 'one', 'two', 'three');
    await log.close();
    const [segment] = await listSegments(directory);
    if (segment === undefined) throw new Error('no segment');
    const whole = await readFile(segment.path);
    const lastRecord = whole.length - RECORD_HEADER_BYTES - 5;
    for (let at = 0; at < lastRecord; at += 1) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] as number) ^ 0x40;
      await writeFile(segment.path, bytes);
      await expect(SegmentLog.open({ directory }), `byte ${at}`).rejects.toThrow(SegmentDamaged);
      await expect(readSegment(segment)).rejects.toThrow(SegmentDamaged);
      const inHeader = at < HEADER_BYTES;
      const kept = inHeader ? [0, 1, 2] : at < HEADER_BYTES + RECORD_HEADER_BYTES + 3 ? [1, 2] : [0, 2];
      expect(await repairSegment(segment)).toBe(inHeader ? HEADER_BYTES : RECORD_HEADER_BYTES + 3);
      expect((await readFile(`${segment.path}.damaged`)).length).toBeGreaterThan(0);
      const all = ['0 one', '1 two', '2 three'];
      expect(await reopened()).toEqual(kept.map((id) => all[id]));
      expect(await repairSegment(segment)).toBe(0);
    }
  });

  test('in a segment before the last is told by reading', async () => {
    const log = await SegmentLog.open({ directory, segmentBytesMax: 20 });
    await append(log, 'one', 'two');
    const [first] = await listSegments(directory);
    if (first === undefined) throw new Error('no segment');
    await truncate(first.path, HEADER_BYTES + 5);
    await expect(read(log)).rejects.toThrow(SegmentDamaged);
    await log.close();
  });
});

import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { DeadLetterQueue } from '../../../src/delivery/deadLetterQueue.ts';
import { Event } from '../../../src/event/event.ts';

const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-dlq-'));
afterAll(() => rmSync(folder, { recursive: true }));

const LETTER = { pluginType: 'elasticsearch', pluginId: 'es1', reason: 'mapper_parsing_exception', timeMs: 0 };
const event = (n: number) => new Event({ n }, { m: 1 });

function entries(path: string): { event: { n: number } }[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Handles that this process has open on the file; none where there is no way to tell. */
function openHandles(path: string): number {
  if (!existsSync('/proc/self/fd')) return 0;
  const links = readdirSync('/proc/self/fd').map((fd) => {
    const link = join('/proc/self/fd', fd);
    return existsSync(link) ? readlinkSync(link) : '';
  });
  return links.filter((link) => link === path).length;
}

it('writes what was refused, by whom and why, with all of the event', async () => {
  const path = join(folder, 'one', 'entries.jsonl');
  const queue = new DeadLetterQueue(path);
  const refused = event(1);
  refused.data['big'] = 9007199254740993n;
  refused.origin = 'logs/shard/1/0';
  await queue.add(refused, LETTER);
  expect(readFileSync(path, 'utf8')).toContain('"big":9007199254740993');
  expect(entries(path)).toMatchObject([
    {
      entry_time: '1970-01-01T00:00:00.000Z',
      plugin_type: 'elasticsearch',
      plugin_id: 'es1',
      reason: 'mapper_parsing_exception',
      origin: 'logs/shard/1/0',
      metadata: { m: 1 },
    },
  ]);
  expect(queue.count).toBe(1);
  await queue.close();
});

it('keeps order and opens its file once, however they come', async () => {
  const path = join(folder, 'many', 'entries.jsonl');
  const queue = new DeadLetterQueue(path);
  const added: Promise<void>[] = [];
  for (let n = 0; n < 50; n++) {
    added.push(queue.add(event(n), LETTER));
    // So that some come before the file is open, some while a write runs, and some together.
    for (let turns = n % 7; turns > 0; turns--) await Promise.resolve();
    if (n % 20 === 19) await added[n];
  }
  await Promise.all(added);
  expect(openHandles(path)).toBeLessThanOrEqual(1);
  expect(entries(path).map((entry) => entry.event.n)).toEqual(Array.from({ length: 50 }, (_, n) => n));
  await queue.close();
  expect(openHandles(path)).toBe(0);
  expect(queue.count).toBe(50);
});

it('closes after the write that is under way', async () => {
  const path = join(folder, 'closing', 'entries.jsonl');
  const queue = new DeadLetterQueue(path);
  const added = queue.add(event(1), LETTER);
  await queue.close();
  await added;
  expect(entries(path)).toHaveLength(1);
  await queue.close();
});

it('rejects what the disk refuses, and goes on when it can', async () => {
  const blocked = join(folder, 'blocked');
  writeFileSync(blocked, 'a file where a directory should be');
  const queue = new DeadLetterQueue(join(blocked, 'entries.jsonl'));
  await expect(queue.add(event(1), LETTER)).rejects.toThrow(/EEXIST|ENOTDIR/);
  rmSync(blocked);
  await queue.add(event(2), LETTER);
  expect(entries(join(blocked, 'entries.jsonl')).map((entry) => entry.event.n)).toEqual([2]);
  await queue.close();
});

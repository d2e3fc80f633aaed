import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DeadLetterQueue } from '../../../../src/delivery/deadLetterQueue.ts';
import { readDeadLetters } from '../../../../src/delivery/deadLetters.ts';
import { Event } from '../../../../src/event/event.ts';
import type { Input } from '../../../../src/plugin-api/index.ts';
import { deadLetterQueue } from '../../../../src/plugins/inputs/dead_letter_queue.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { silentLogger } from '../../../../src/util/logger.ts';
import { testContext } from '../../../support/pluginContext.ts';

const TIME_MS = Date.parse('2026-11-22T09:00:00Z');
let directory: string;
let queue: DeadLetterQueue;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'logstash-ts-dlq-input-'));
  queue = new DeadLetterQueue({ directory: join(directory, 'main'), clock: systemClock, logger: silentLogger });
});

afterEach(async () => {
  await queue.close();
  rmSync(directory, { recursive: true });
});

async function refuse(n: number, metadata: Event['metadata'] = {}): Promise<void> {
  const event = Event.fromMap({ n }, TIME_MS + n * 1_000);
  event.metadata = metadata;
  event.origin = `logs/shard/${n}/0`;
  const timeMs = TIME_MS + n * 1_000;
  await queue.add(event, { pluginType: 'elasticsearch', pluginId: 'es', reason: '400 mapping', timeMs });
}

interface Reader {
  readonly input: Input;
  readonly events: Event[];
  readonly settleAll: () => void;
  readonly numbers: () => number[];
  readonly end: () => Promise<void>;
}

async function read(given: Record<string, unknown> = {}): Promise<Reader> {
  const events: Event[] = [];
  const open: (() => void)[] = [];
  const context = {
    ...testContext({
      clock: { ...systemClock, sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / 100, signal) },
    }),
    dataPath: directory,
    batchSize: 2,
    emit: (emitted: Event[], onSettled?: () => void) => {
      events.push(...emitted);
      open.push(onSettled ?? (() => {}));
    },
    deadLetter: () => Promise.reject(new Error('not used')),
  };
  const defaults = Object.fromEntries(
    Object.entries(deadLetterQueue.options).map(([name, spec]) => [name, spec.default]),
  );
  const codec = { name: 'plain', open: () => ({ decode: () => [], flush: () => [], encode: () => '' }) };
  const input = await deadLetterQueue.create({ ...defaults, path: directory, ...given, codec }, context);
  const running = input.run();
  return {
    input,
    events,
    settleAll: () => {
      for (const settle of open.splice(0)) settle();
    },
    numbers: () => events.map((event) => Number(event.data['n'])),
    async end() {
      input.stop();
      await running;
      await input.close?.();
    },
  };
}

describe('the dead_letter_queue input', () => {
  it('gives events as they were refused, with why, and those that come later', async () => {
    await refuse(1);
    const reader = await read();
    await vi.waitFor(() => expect(reader.numbers()).toEqual([1]));
    await refuse(2);
    await vi.waitFor(() => expect(reader.numbers()).toEqual([1, 2]));
    const [event] = reader.events;
    expect(event?.origin).toBe('logs/shard/1/0');
    expect(event?.timestamp?.epochMs).toBe(TIME_MS + 1_000);
    expect(event?.metadata).toEqual({
      dead_letter_queue: {
        entry_time: '2026-11-22T09:00:01.000Z',
        plugin_type: 'elasticsearch',
        plugin_id: 'es',
        reason: '400 mapping',
      },
    });
    await reader.end();
  });

  it('goes on behind what is settled, and reads what is not settled again', async () => {
    for (const n of [1, 2, 3]) await refuse(n);
    const first = await read();
    await vi.waitFor(() => expect(first.numbers()).toEqual([1, 2, 3]));
    expect(first.input.unsettledSinceMs?.()).toBeGreaterThan(0);
    await first.end();
    const second = await read();
    await vi.waitFor(() => expect(second.numbers()).toEqual([1, 2, 3]));
    second.settleAll();
    await second.end();
    await refuse(4);
    const third = await read();
    await vi.waitFor(() => expect(third.numbers()).toEqual([4]));
    await third.end();
    const other = await read({ commit_offsets: false });
    await vi.waitFor(() => expect(other.numbers()).toEqual([1, 2, 3, 4]));
    await other.end();
  });

  it('leaves alone what was refused again, and what is older than asked for', async () => {
    await refuse(1);
    await refuse(2, { dead_letter_queue: { reason: 'before' } });
    await refuse(3);
    const reader = await read({ start_timestamp: '2026-11-22T09:00:02Z' });
    await vi.waitFor(() => expect(reader.numbers()).toEqual([3]));
    await reader.end();
  });

  it('removes what is settled when it is told so', async () => {
    for (const n of [1, 2]) await refuse(n);
    const reader = await read({ clean_consumed: true });
    await vi.waitFor(() => expect(reader.numbers()).toEqual([1, 2]));
    reader.settleAll();
    await reader.end();
    const left: number[] = [];
    for await (const { id } of readDeadLetters(join(directory, 'main'))) left.push(id);
    expect(left).toEqual([]);
  });

  it('refuses a start that is no time', () => {
    const given = { path: directory, start_timestamp: 'yesterday' };
    expect(() => deadLetterQueue.check?.(given, () => {})).toThrow('start_timestamp has to be a time in ISO 8601');
  });
});

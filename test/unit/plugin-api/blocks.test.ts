import { describe, expect, it, vi } from 'vitest';
import { BlockLanes, type Link, LinkLost, type WorkerLink } from '../../../src/plugin-api/index.ts';
import { silentLogger } from '../../../src/util/logger.ts';

interface Given {
  readonly text: string | undefined;
  readonly memory: SharedArrayBuffer | undefined;
  isSettled: boolean;
  settle(): void;
  die(): void;
}

/** A worker that keeps what it is given. */
class FakeWorker implements WorkerLink {
  readonly given: Given[] = [];
  readonly #handlers = new Map<string, () => unknown>();

  handle(name: string, handler: (payload: never) => unknown): void {
    this.#handlers.set(name, handler as () => unknown);
  }

  take(): void {
    this.#handlers.get('taken')?.();
  }

  async connected(): Promise<Link> {
    const call = (_name: string, payload: unknown) =>
      new Promise<void>((settle, reject) => {
        const { memory, byteCount } = payload as { memory?: SharedArrayBuffer; byteCount: number };
        const text = memory && Buffer.from(memory, 0, byteCount).toString();
        const given: Given = {
          text,
          memory,
          isSettled: false,
          settle() {
            settle();
            setImmediate(() => {
              given.isSettled = true;
            });
          },
          die: () => reject(new LinkLost('died')),
        };
        this.given.push(given);
      });
    return { call, send() {}, handle() {} };
  }

  get texts(): (string | undefined)[] {
    return this.given.map(({ text }) => text);
  }
}

function lab(keptBytesMax?: number) {
  const workers = [new FakeWorker(), new FakeWorker()] as const;
  const errors: unknown[] = [];
  const logger = { ...silentLogger, error: (_message: string, fields?: unknown) => void errors.push(fields) };
  const lanes = new BlockLanes(workers, logger, keptBytesMax);
  const give = (text: string) => lanes.give(Buffer.from(text), 0);
  return { workers, lanes, give, errors };
}

async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  return (
    (await Promise.race([promise.then(() => 'done'), new Promise((done) => setImmediate(done, 'open'))])) === 'open'
  );
}

describe('blocks to workers', () => {
  it('go to the one with the fewest, four to each, and then wait', async () => {
    const { workers, give } = lab();
    for (const text of 'abcdefg') await give(text);
    const last = give('h');
    expect(await isOpen(last)).toBe(true);
    expect(workers.map(({ texts }) => texts.join(''))).toEqual(['aceg', 'bdfh']);
    workers[1].take();
    await last;
    expect(await isOpen(give('i'))).toBe(true);
    expect(workers[1].texts.join('')).toBe('bdfhi');
  });

  it('stand in memory that is used again once they are settled', async () => {
    const { workers, give } = lab();
    const [first, second, third] = ['x', 'y', 'z'].map((letter) => letter.repeat(200_000));
    await give(first as string);
    await give(second as string);
    workers[0].take();
    workers[0].given[0]?.settle();
    await vi.waitFor(() => expect(workers[0].given[0]?.isSettled).toBe(true));
    await give(third as string);
    expect(workers[0].given[1]?.memory).toBe(workers[0].given[0]?.memory);
    expect(workers[1].given[0]?.memory).not.toBe(workers[0].given[0]?.memory);
    expect(workers[0].texts).toEqual([first, third]);
  });

  it('are all taken when nothing is on its way', async () => {
    const { workers, lanes, give } = lab();
    await give('a');
    const taken = lanes.whenTaken();
    expect(await isOpen(taken)).toBe(true);
    workers[0].take();
    await taken;
  });

  it('go to a worker once more when the one that had them dies, settled ones excepted', async () => {
    const { workers, give, errors } = lab();
    for (const text of ['a', 'b', 'c']) await give(text);
    workers[0].take();
    workers[0].given[0]?.settle();
    workers[0].given[1]?.die();
    await vi.waitFor(() =>
      expect([...workers[0].texts, ...workers[1].texts].filter((text) => text === 'c')).toHaveLength(2),
    );
    expect([...workers[0].texts, ...workers[1].texts].filter((text) => text === 'a')).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  it('are kept up to a bound, and what is beyond is told when its worker dies', async () => {
    const { workers, give, errors } = lab(3);
    await give('aa');
    await give('bb');
    workers[0].take();
    workers[1].take();
    workers[0].given[0]?.die();
    await vi.waitFor(() => expect(errors).toEqual([{ bytes: 2 }]));
    expect(workers[1].texts).toEqual(['bb']);
  });
});

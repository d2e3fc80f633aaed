import { describe, expect, it, vi } from 'vitest';
import { BlockLanes, type Link, LinkLost, type WorkerLink } from '../../../src/plugin-api/index.ts';
import { silentLogger } from '../../../src/util/logger.ts';

interface Given {
  readonly text: string | undefined;
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
        const { bytes } = payload as { bytes?: Uint8Array };
        const text = bytes === undefined ? undefined : Buffer.from(bytes).toString();
        this.given.push({ text, settle, die: () => reject(new LinkLost('died')) });
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
  it('go to the one with the fewest, two to each, and then wait', async () => {
    const { workers, give } = lab();
    for (const text of ['a', 'b', 'c']) await give(text);
    const fourth = give('d');
    expect(await isOpen(fourth)).toBe(true);
    expect(workers.map(({ texts }) => texts)).toEqual([
      ['a', 'c'],
      ['b', 'd'],
    ]);
    workers[1].take();
    await fourth;
    expect(await isOpen(give('e'))).toBe(true);
    expect(workers[1].texts).toEqual(['b', 'd', 'e']);
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

/** Bytes of a source that is no set of shards, cut into blocks which the workers decode, filter and write. */
import { whenAborted } from '../util/abort.ts';
import type { Logger } from '../util/logger.ts';
import type { Codec } from './codec.ts';
import { LinkLost, type WorkerLink } from './parallel.ts';
import type { Input, WorkerInputContext } from './plugin.ts';

interface Block {
  readonly id: number;
  /** Gone once too much is kept. */
  bytes: Uint8Array | undefined;
  readonly byteCount: number;
  readonly arrivalMs: number;
}

type SentBlock = Pick<Block, 'id' | 'arrivalMs'> & { readonly bytes: Uint8Array };

/** The workers as blocks go to them: so many are on the way to each or decoded there. */
const BLOCKS_A_WORKER = 2;
/** What is kept for the case that a worker dies before it has settled it. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024;

interface Lane {
  readonly link: WorkerLink;
  untaken: number;
}

/** Of a coordinator: gives each block to the worker with the fewest, and once more when that dies with it. */
export class BlockLanes {
  readonly #lanes: readonly Lane[];
  readonly #logger: Logger;
  readonly #keptBytesMax: number;
  readonly #unsettled = new Map<number, Block>();
  #keptBytes = 0;
  #count = 0;
  #room = Promise.withResolvers<void>();

  constructor(workers: readonly WorkerLink[], logger: Logger, keptBytesMax = KEPT_BYTES_MAX) {
    this.#lanes = workers.map((link) => ({ link, untaken: 0 }));
    for (const lane of this.#lanes) lane.link.handle('taken', () => this.#taken(lane));
    this.#logger = logger;
    this.#keptBytesMax = keptBytesMax;
  }

  /** Whole events. Resolves when there is room for more: it is the back-pressure. */
  async give(bytes: Uint8Array, arrivalMs: number): Promise<void> {
    const block = { id: ++this.#count, bytes, byteCount: bytes.length, arrivalMs };
    this.#unsettled.set(block.id, block);
    this.#keptBytes += bytes.length;
    this.#send(block);
    this.#forgetOldest();
    while (this.#emptiest().untaken >= BLOCKS_A_WORKER) await this.#room.promise;
  }

  /** Resolves when the workers have emitted all that was given. */
  async whenTaken(): Promise<void> {
    while (this.#lanes.some(({ untaken }) => untaken > 0)) await this.#room.promise;
  }

  #emptiest(): Lane {
    return this.#lanes.reduce((least, lane) => (lane.untaken < least.untaken ? lane : least));
  }

  #send(block: Block): void {
    const lane = this.#emptiest();
    lane.untaken += 1;
    void this.#untilSettled(lane, block);
  }

  async #untilSettled(lane: Lane, block: Block): Promise<void> {
    try {
      const link = await lane.link.connected();
      const { id, bytes, arrivalMs } = block;
      await link.call('block', { id, bytes, arrivalMs });
      this.#settled(block);
    } catch (error) {
      if (!(error instanceof LinkLost)) throw error;
      this.#lost(lane, block);
    }
  }

  #taken(lane: Lane): void {
    lane.untaken -= 1;
    this.#makeRoom();
  }

  #settled(block: Block): void {
    this.#unsettled.delete(block.id);
    if (block.bytes !== undefined) this.#keptBytes -= block.byteCount;
  }

  /** None of the worker that died is on its way any more. */
  #lost(lane: Lane, block: Block): void {
    lane.untaken = 0;
    if (block.bytes !== undefined) this.#send(block);
    else {
      this.#unsettled.delete(block.id);
      this.#logger.error('lines went with a worker that died: their source cannot bring them again', {
        bytes: block.byteCount,
      });
    }
    this.#makeRoom();
  }

  #makeRoom(): void {
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }

  /** An output may settle late, as s3 does. */
  #forgetOldest(): void {
    for (const block of this.#unsettled.values()) {
      if (this.#keptBytes <= this.#keptBytesMax) return;
      if (block.bytes === undefined) continue;
      block.bytes = undefined;
      this.#keptBytes -= block.byteCount;
    }
  }
}

/** Of a worker: the input that decodes blocks, one after the other. */
export function blockInput(
  codec: Codec,
  context: WorkerInputContext,
  emit: (events: ReturnType<Codec['decode']>, onSettled: () => void) => Promise<void>,
): Input {
  let last: Promise<void> = Promise.resolve();

  async function take({ bytes, arrivalMs }: SentBlock, settled: () => void): Promise<void> {
    const events = [...codec.decode(bytes, arrivalMs), ...codec.flush(arrivalMs)];
    await emit(events, settled);
    context.coordinator.send('taken');
  }

  context.coordinator.handle('block', async (block: SentBlock) => {
    const settled = Promise.withResolvers<void>();
    last = last.then(() => take(block, settled.resolve));
    await Promise.all([last, settled.promise]);
  });
  return {
    async run() {
      await whenAborted(context.ended);
      await last;
    },
    // What was given is read already: the coordinator gives no more.
    stop() {},
  };
}

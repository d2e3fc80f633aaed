/** Bytes of a source that is no set of shards, cut into blocks which the workers decode, filter and write. */
import { whenAborted } from '../util/abort.ts';
import type { Logger } from '../util/logger.ts';
import type { Codec } from './codec.ts';
import { LinkLost, type WorkerLink } from './parallel.ts';
import type { Input, WorkerInputContext } from './plugin.ts';

interface Block {
  readonly id: number;
  /** Both sides read it: a copy for each would keep the garbage collectors busy. Gone once too much is kept. */
  memory: SharedArrayBuffer | undefined;
  readonly byteCount: number;
  readonly arrivalMs: number;
}

type SentBlock = Pick<Block, 'id' | 'arrivalMs' | 'byteCount'> & { readonly memory: SharedArrayBuffer };

/** The workers as blocks go to them: so many are on the way to each or decoded there. */
const BLOCKS_A_WORKER = 4;
/** Memory of full blocks is used again; smaller ones, as of a terminal, have as much as they need. */
const FULL_BYTES = 256 * 1024;
const SPARE_MAX = 16;
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
  readonly #spare: SharedArrayBuffer[] = [];
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
    const block = { id: ++this.#count, memory: this.#copy(bytes), byteCount: bytes.length, arrivalMs };
    this.#unsettled.set(block.id, block);
    this.#keptBytes += block.memory.byteLength;
    this.#send(block);
    this.#forgetOldest();
    while (this.#emptiest().untaken >= BLOCKS_A_WORKER) await this.#room.promise;
  }

  /** Resolves when the workers have emitted all that was given. */
  async whenTaken(): Promise<void> {
    while (this.#lanes.some(({ untaken }) => untaken > 0)) await this.#room.promise;
  }

  #copy(bytes: Uint8Array): SharedArrayBuffer {
    const isFull = bytes.length > FULL_BYTES / 2 && bytes.length <= FULL_BYTES;
    const memory = (isFull && this.#spare.pop()) || new SharedArrayBuffer(isFull ? FULL_BYTES : bytes.length);
    new Uint8Array(memory).set(bytes);
    return memory;
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
      await link.call('block', block);
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
    if (block.memory === undefined) return;
    this.#keptBytes -= block.memory.byteLength;
    if (block.memory.byteLength === FULL_BYTES && this.#spare.length < SPARE_MAX) this.#spare.push(block.memory);
  }

  /** None of the worker that died is on its way any more. */
  #lost(lane: Lane, block: Block): void {
    lane.untaken = 0;
    if (block.memory !== undefined) this.#send(block);
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
      if (block.memory === undefined) continue;
      this.#keptBytes -= block.memory.byteLength;
      block.memory = undefined;
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

  async function take({ memory, byteCount, arrivalMs }: SentBlock, settled: () => void): Promise<void> {
    // Nobody reads of it any more once all its events are settled.
    const events = [...codec.decode(Buffer.from(memory, 0, byteCount), arrivalMs), ...codec.flush(arrivalMs)];
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

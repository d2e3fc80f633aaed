/** The place of one worker thread: starts it, starts it again when it dies, and keeps the way to it. */
import type { Worker } from 'node:worker_threads';
import type { Link, WorkerLink } from '../../plugin-api/index.ts';
import { backoffMs } from '../../util/backoff.ts';
import type { Clock } from '../../util/clock.ts';
import { messageOf } from '../../util/errors.ts';
import type { Logger } from '../../util/logger.ts';
import { noteDeadThread } from '../../util/threads.ts';
import type { PipelineSnapshot } from '../snapshot.ts';
import { Duplex, type Handlers, handlersOf } from './duplex.ts';

/** Between the process and its workers, beside the channels of inputs. */
export const WORKER_CHANNEL = '';

export interface WorkerSlotSettings {
  /** From 0. */
  readonly index: number;
  readonly spawn: (index: number) => Worker;
  /** Takes a dead letter as it is to stand on disk. */
  readonly addDeadLetter: (entry: Uint8Array) => Promise<void>;
  readonly writeLog: (line: string) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** What a worker says at its end. */
export interface WorkerEnd {
  readonly snapshot: PipelineSnapshot;
  /** Why it broke down, which its log has told. */
  readonly failure?: string | undefined;
}

const RESTART_MS = 250;
const RESTART_MAX_MS = 30_000;
/** A worker that lived so long begins with the shortest pause again. */
const HEALTHY_MS = 60_000;

export class WorkerSlot {
  readonly #settings: WorkerSlotSettings;
  readonly #handlers: Handlers = new Map();
  readonly #ended = Promise.withResolvers<WorkerEnd>();
  #connected = Promise.withResolvers<Duplex>();
  #worker: Worker | undefined;
  #isEnding = false;
  #hasEnded = false;
  #deaths = 0;
  readonly #endedInputs = new Set<string>();

  constructor(settings: WorkerSlotSettings) {
    this.#settings = settings;
    const handlers = handlersOf(this.#handlers, WORKER_CHANNEL);
    handlers.set('log', (line: string) => settings.writeLog(line));
    handlers.set('deadLetter', (entry: Uint8Array) => settings.addDeadLetter(entry));
    handlers.set('ended', (end: WorkerEnd) => {
      this.#hasEnded = true;
      this.#ended.resolve(end);
    });
  }

  /**
   * Resolves when the worker is ready; to `false` when it said why it cannot start. It loads what it needs at once, and touches
   * the outside world when `turn` has come.
   */
  start(turn: Promise<unknown> = Promise.resolve()): Promise<boolean> {
    return this.#spawn(turn);
  }

  /** Resolves when its pipeline has ended and everything is settled, or when it died after `stop`. */
  get ended(): Promise<WorkerEnd> {
    return this.#ended.promise;
  }

  /** The way to what stands in this worker, under that name. */
  link(channel: string): WorkerLink {
    return {
      handle: (name, handler) => void handlersOf(this.#handlers, channel).set(name, handler),
      connected: async () => (await this.#connected.promise).channel(channel),
    };
  }

  stop(): void {
    this.#isEnding = true;
    void this.#tell('stop');
  }

  /** The input gets nothing more; also of a worker that is started again. */
  endInput(id: string): void {
    this.#endedInputs.add(id);
    void this.#tell('endInput', id);
  }

  /** As it is now, or was at its end. */
  async snapshot(): Promise<PipelineSnapshot> {
    if (this.#hasEnded) return (await this.#ended.promise).snapshot;
    return (await (await this.#own()).call('snapshot')) as PipelineSnapshot;
  }

  async #own(): Promise<Link> {
    return (await this.#connected.promise).channel(WORKER_CHANNEL);
  }

  async #tell(name: string, payload?: unknown): Promise<void> {
    (await this.#own()).send(name, payload);
  }

  async #spawn(turn: Promise<unknown> = Promise.resolve()): Promise<boolean> {
    const worker = this.#settings.spawn(this.#settings.index);
    const { threadId } = worker;
    const duplex = new Duplex(worker, this.#handlers);
    const started = Promise.withResolvers<boolean>();
    const bornMs = this.#settings.clock.monotonic();
    let reason: unknown;
    handlersOf(this.#handlers, WORKER_CHANNEL).set('started', (isReady: boolean) => {
      if (isReady) this.#begin(worker, duplex);
      started.resolve(isReady);
    });
    worker.on('error', (error) => {
      reason = error;
    });
    worker.on('exit', () => {
      noteDeadThread(threadId);
      duplex.lose(`worker ${this.#settings.index + 1} has died`);
      if (this.#worker === worker) {
        if (!this.#hasEnded) void this.#died(reason, bornMs);
        return;
      }
      if (reason !== undefined) this.#settings.logger.error('a worker cannot start', { error: reason });
      started.resolve(false);
    });
    await turn;
    duplex.channel(WORKER_CHANNEL).send('begin');
    return started.promise;
  }

  #begin(worker: Worker, duplex: Duplex): void {
    this.#worker = worker;
    this.#connected.resolve(duplex);
    const own = duplex.channel(WORKER_CHANNEL);
    for (const id of this.#endedInputs) own.send('endInput', id);
  }

  async #died(reason: unknown, bornMs: number): Promise<void> {
    const { clock, random, index } = this.#settings;
    this.#worker = undefined;
    this.#connected = Promise.withResolvers();
    const why = reason === undefined ? 'it ended by itself' : messageOf(reason);
    if (this.#isEnding) return this.#giveUp(why);
    this.#deaths = clock.monotonic() - bornMs > HEALTHY_MS ? 1 : this.#deaths + 1;
    this.#settings.logger.error(
      `worker ${index + 1} died and is started again; what it had not settled is read again where its source can bring it: ${why}`,
    );
    for (;;) {
      if (this.#deaths > 1) await clock.sleep(backoffMs(RESTART_MS, RESTART_MAX_MS, this.#deaths - 1, random));
      if (this.#isEnding) return this.#giveUp(why);
      if (await this.#spawn()) return;
      this.#deaths += 1;
    }
  }

  /** While it drained: nobody waits for a new one, and what was not settled comes again at the next start. */
  #giveUp(why: string): void {
    const failure = `worker ${this.#settings.index + 1} died while it drained: ${why}`;
    this.#settings.logger.error(failure);
    this.#hasEnded = true;
    this.#ended.resolve({ snapshot: NOTHING, failure });
  }
}

/** Of a worker that can no longer be asked. */
const NOTHING: PipelineSnapshot = {
  id: '',
  eventsIn: 0,
  eventsOut: 0,
  deadLetters: 0,
  poisoned: 0,
  dropped: 0,
  unrouted: 0,
  incomparable: 0,
  filterExceptions: 0,
  queue: null,
  plugins: [],
};

/** The readers of all streams of an input, as the thread sees them that holds the leases. */
import {
  type Lease,
  type Position,
  ReaderDied,
  type ReaderSnapshot,
  type ShardEnd,
  type ShardKnowledge,
  type ShardReader,
} from '../../../kinesis/types.ts';
import { type Link, LinkLost, type WorkerLink } from '../../../plugin-api/index.ts';
import { orAborted } from '../../../util/abort.ts';
import type { ReadCall, ReaderId, ReaderState, ReaderStates, ReadResult, ShardQuestion } from './readerProtocol.ts';

interface Place {
  readonly link: WorkerLink;
  /** Those that are open there. */
  readonly readers: Map<ReaderId, RemoteReader>;
}

export class RemoteReaders {
  readonly #places: readonly Place[];
  #count = 0;

  constructor(workers: readonly WorkerLink[]) {
    this.#places = workers.map((link) => ({ link, readers: new Map() }));
    for (const { link, readers } of this.#places) {
      link.handle('states', (states: ReaderStates) => {
        for (const [id, state] of states) readers.get(id)?.note(state);
      });
    }
  }

  /** What the workers ask of shards. */
  answerFrom(knowledgeOf: (streamName: string) => ShardKnowledge): void {
    const unhurried = new AbortController().signal;
    for (const { link } of this.#places) {
      link.handle('isGone', ({ streamName, shardId }: ShardQuestion) =>
        knowledgeOf(streamName).isGone(shardId, unhurried),
      );
      link.handle('isClosed', ({ streamName, shardId }: ShardQuestion) => knowledgeOf(streamName).isClosed(shardId));
    }
  }

  /** In the worker that has the fewest: shards of one stream are about as busy as each other. */
  open(streamName: string, lease: Lease): ShardReader {
    const place = this.#places.reduce((least, each) => (each.readers.size < least.readers.size ? each : least));
    const id = ++this.#count;
    const reader = new RemoteReader({ id, streamName, lease }, place.link, () => place.readers.delete(id));
    place.readers.set(id, reader);
    return reader;
  }
}

class RemoteReader implements ShardReader {
  readonly #call: ReadCall;
  readonly #worker: WorkerLink;
  readonly #onClosed: () => void;
  #link: Link | undefined;
  #state: ReaderState = UNREAD;

  constructor(call: ReadCall, worker: WorkerLink, onClosed: () => void) {
    this.#call = call;
    this.#worker = worker;
    this.#onClosed = onClosed;
  }

  note(state: ReaderState): void {
    this.#state = state;
  }

  async read(stop: AbortSignal): Promise<ShardEnd | undefined> {
    const link = await orAborted(this.#worker.connected(), stop);
    if (link === undefined || stop.aborted) return undefined;
    this.#link = link;
    const onStop = () => link.send('stop', this.#call.id);
    stop.addEventListener('abort', onStop, { once: true });
    try {
      const { end, state } = (await this.#ask(link, 'read', this.#call)) as ReadResult;
      this.#state = state;
      return end;
    } finally {
      stop.removeEventListener('abort', onStop);
    }
  }

  settledPosition(): Position | null {
    return this.#state.settled;
  }

  isSettled(): boolean {
    return this.#state.isSettled;
  }

  async whenSettled(signal: AbortSignal): Promise<void> {
    if (this.#link === undefined) return;
    const state = await orAborted(this.#ask(this.#link, 'whenSettled', this.#call.id), signal);
    if (state === undefined) return;
    this.#state = state as ReaderState;
    this.#onClosed();
  }

  lost(): void {
    this.#link?.send('lost', this.#call.id);
    this.#onClosed();
  }

  snapshot(): ReaderSnapshot {
    const { settled: _settled, isSettled: _isSettled, ...snapshot } = this.#state;
    return snapshot;
  }

  async #ask(link: Link, name: string, payload: unknown): Promise<unknown> {
    try {
      return await link.call(name, payload);
    } catch (error) {
      this.#onClosed();
      if (error instanceof LinkLost) throw new ReaderDied(error.message, { cause: error });
      throw error;
    }
  }
}

const UNREAD: ReaderState = {
  state: 'reading',
  source: null,
  lastFetchedSequenceNumber: null,
  millisBehindLatest: null,
  recordCount: 0,
  byteCount: 0,
  lastFetchMs: null,
  consecutiveFailures: 0,
  unsettledSinceMs: null,
  settled: null,
  isSettled: true,
};

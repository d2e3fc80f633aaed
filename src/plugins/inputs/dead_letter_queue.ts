import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { createAckTracker } from '../../delivery/ackTracker.ts';
import { readDeadLetters, removeDeadLetters, type StoredDeadLetter } from '../../delivery/deadLetters.ts';
import { Event } from '../../event/event.ts';
import { isMap } from '../../event/value.ts';
import {
  boolean,
  defineInput,
  type Input,
  type InputContext,
  type OptionValues,
  PluginConfigError,
  string,
} from '../../plugin-api/index.ts';
import { hasCode } from '../../util/errors.ts';

const options = {
  path: string({
    doc: 'The directory of all dead letter queues: `dead_letter_queue` below the `path.data` of the pipeline whose queue is read.',
    required: true,
  }),
  pipeline_id: string({ doc: 'Whose queue.', default: 'main' }),
  commit_offsets: boolean({
    doc: 'Remember how far the queue is read, so that the next start goes on there; an entry counts when it is settled.',
    default: true,
  }),
  sincedb_path: string({ doc: 'File in which that is remembered; by default one below `path.data`.' }),
  start_timestamp: string({ doc: 'Only entries of this time and later, in ISO 8601, such as `2020-10-20T00:00:00Z`.' }),
  clean_consumed: boolean({ doc: 'Remove entries from the queue once they are settled.', default: false }),
};

type DeadLetterOptions = OptionValues<typeof options>;

const POLL_MS = 1_000;
const COMMIT_MS = 1_000;
/** Marks an event as one that has been in the queue. */
const MARK = 'dead_letter_queue';

export const deadLetterQueue = defineInput({
  name: 'dead_letter_queue',
  summary: 'Reads the events that a destination refused, to mend them and send them again.',
  replays: true,
  options,
  check(given) {
    startMs(given);
  },
  create: (given, context) => new DeadLetterInput(given, context),
});

function startMs({ start_timestamp: text }: DeadLetterOptions): number {
  if (text === undefined) return Number.NEGATIVE_INFINITY;
  const ms = Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  const reason = `start_timestamp has to be a time in ISO 8601, such as "2020-10-20T00:00:00Z", not "${text}"`;
  throw new PluginConfigError(reason, 'start_timestamp');
}

class DeadLetterInput implements Input {
  readonly #options: DeadLetterOptions;
  readonly #context: InputContext;
  readonly #directory: string;
  readonly #sincedb: string;
  readonly #stopping = new AbortController();
  readonly #acks;
  #nextId = 0;
  #committed = -1;
  #committedMs = Number.NEGATIVE_INFINITY;
  #consumed: number[] = [];

  constructor(given: DeadLetterOptions, context: InputContext) {
    this.#options = given;
    this.#context = context;
    this.#directory = join(given.path, given.pipeline_id);
    const ownFile = resolve(this.#directory).replaceAll(/[^A-Za-z0-9.-]/g, '_');
    this.#sincedb =
      given.sincedb_path ?? join(context.dataPath, 'plugins', 'inputs', 'dead_letter_queue', `${ownFile}.sincedb`);
    this.#acks = createAckTracker<number>(context.clock.now);
  }

  async run(): Promise<void> {
    if (this.#options.commit_offsets) this.#nextId = await readNumber(this.#sincedb);
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#readOn();
      await this.#commit(false);
      await this.#context.clock.sleep(POLL_MS, signal);
    }
  }

  async #readOn(): Promise<void> {
    const fromMs = startMs(this.#options);
    let batch: StoredDeadLetter[] = [];
    for await (const entry of readDeadLetters(this.#directory, this.#nextId)) {
      if (this.#stopping.signal.aborted) break;
      this.#nextId = entry.id + 1;
      if (entry.timeMs < fromMs || this.#wasReadBefore(entry)) continue;
      batch.push(entry);
      if (batch.length < this.#context.batchSize) continue;
      await this.#emit(batch);
      batch = [];
    }
    if (batch.length > 0) await this.#emit(batch);
  }

  /** As Logstash: what is refused again after it was read from a queue does not go round for ever. It stays in the queue. */
  #wasReadBefore({ metadata }: StoredDeadLetter): boolean {
    if (!isMap(metadata[MARK] ?? null)) return false;
    this.#context.counter('refused_again').value += 1;
    return true;
  }

  async #emit(entries: readonly StoredDeadLetter[]): Promise<void> {
    const last = entries.at(-1)?.id ?? 0;
    const token = this.#acks.open(last);
    await this.#context.emit(entries.map(eventOf), () => {
      if (this.#options.clean_consumed) this.#consumed.push(...entries.map(({ id }) => id));
      this.#acks.settle(token);
    });
    await this.#commit(false);
  }

  /** What is settled; not more often than once in a while, but for the last time. */
  async #commit(isLast: boolean): Promise<void> {
    const { clock } = this.#context;
    if (!isLast && clock.monotonic() - this.#committedMs < COMMIT_MS) return;
    this.#committedMs = clock.monotonic();
    const consumed = this.#consumed;
    this.#consumed = [];
    if (consumed.length > 0) await removeDeadLetters(this.#directory, consumed);
    const settled = this.#acks.settledPosition();
    if (!this.#options.commit_offsets || settled === null || settled <= this.#committed) return;
    await mkdir(dirname(this.#sincedb), { recursive: true });
    await writeFile(`${this.#sincedb}.new`, String(settled + 1));
    await rename(`${this.#sincedb}.new`, this.#sincedb);
    this.#committed = settled;
  }

  stop(): void {
    this.#stopping.abort();
  }

  close(): Promise<void> {
    return this.#commit(true);
  }

  unsettledSinceMs(): number | undefined {
    return this.#acks.snapshot().oldestOpenSinceMs ?? undefined;
  }
}

/** As it was refused, with why under `[@metadata][dead_letter_queue]`; its origin makes the same document id. */
function eventOf({ data, metadata, origin, timeMs, pluginType, pluginId, reason }: StoredDeadLetter): Event {
  const event = Event.fromMap(data, timeMs);
  const entry_time = new Date(timeMs).toISOString();
  event.metadata = { ...metadata, [MARK]: { entry_time, plugin_type: pluginType, plugin_id: pluginId, reason } };
  event.origin = origin;
  return event;
}

async function readNumber(file: string): Promise<number> {
  try {
    return Number.parseInt(await readFile(file, 'utf8'), 10) || 0;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 0;
    throw error;
  }
}

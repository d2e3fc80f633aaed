/** Kills the program at one moment after another, and notes what each run had done. */
import type { Random } from '../../../../scripts/geoip/random.ts';
import { leases, linesOf, type Program, type Stack, type StoredObject } from '../harness.ts';
import type { Copy, Run } from './copies.ts';
import { MOMENTS, type Moment, type Victim, type Watch } from './moments.ts';

export class Series {
  readonly runs: Run[] = [];
  /** How often a kill came at a moment that it was meant for. */
  readonly hits = new Map<Moment, number>();
  readonly #program: Program;
  readonly #watch: Watch;
  readonly #random: Random;
  /** Of the runs before. */
  #logLength = 0;
  /** By key: which run sent it first, and when. */
  readonly #uploads = new Map<string, { readonly run: number; readonly uploadedMs: number }>();

  constructor(program: Program, watch: Watch, random: Random) {
    this.#program = program;
    this.#watch = watch;
    this.#random = random;
    watch.onUpload = (key) => {
      if (!this.#uploads.has(key)) this.#uploads.set(key, { run: this.runs.length, uploadedMs: Date.now() });
    };
  }

  /** So many times; at the end it runs. */
  async kill(times: number): Promise<void> {
    const moments = this.#moments();
    this.#program.start();
    for (let killed = 0; killed < times; ) {
      if (await this.#killAt(moments.next().value)) killed += 1;
      this.#program.start();
    }
  }

  /** Stops the program in good order and gives its exit code. */
  async stop(): Promise<number | string> {
    const ended = await this.#program.end('SIGTERM');
    await this.#note();
    return ended;
  }

  /** Of every event, by its id, what the objects hold. */
  copiesIn(objects: readonly StoredObject[]): Map<number, Copy[]> {
    const copies = new Map<number, Copy[]>();
    for (const object of objects) {
      const upload = this.#uploads.get(object.key);
      if (upload === undefined) throw new Error(`no run uploaded ${object.key}`);
      for (const line of linesOf(object)) {
        const { id } = JSON.parse(line) as { id: number };
        copies.set(id, [...(copies.get(id) ?? []), { key: object.key, ...upload }]);
      }
    }
    return copies;
  }

  /** Gives false for a program that had stopped in good order before it was killed. */
  async #killAt(moment: Moment): Promise<boolean> {
    const program = this.#program;
    const victim: Victim = {
      kill: () => void program.end('SIGKILL'),
      terminate: () => void program.end('SIGTERM'),
    };
    const isHit = await this.#watch.killAt(moment, victim);
    const ended = await program.end('SIGKILL');
    await this.#note();
    // Before it has its handlers SIGTERM ends it at once.
    const hasStopped = moment === 'stopping' && (ended === 0 || ended === 'SIGTERM');
    if (ended !== 'SIGKILL' && !hasStopped) {
      throw new Error(`the program ended by itself (${ended}):\n${program.log.slice(-2_000)}`);
    }
    if (isHit && ended === 'SIGKILL') this.hits.set(moment, (this.hits.get(moment) ?? 0) + 1);
    return ended === 'SIGKILL';
  }

  async #note(): Promise<void> {
    const endedMs = Date.now();
    const log = this.#program.log.slice(this.#logLength);
    this.#logLength += log.length;
    const lostShards = new Set(
      [...log.matchAll(/lost the lease of shard ([\w-]+)/g)].map(([, shardId = '']) => shardId),
    );
    this.runs.push({ endedMs, checkpoints: await checkpointsOf(this.#watch.stack), lostShards });
  }

  /** All kinds in another order each time. */
  *#moments(): Generator<Moment, never> {
    for (;;) {
      const order = MOMENTS.map((moment) => ({ moment, place: this.#random() })).sort((a, b) => a.place - b.place);
      for (const { moment } of order) yield moment;
    }
  }
}

/** By shard; none while there is no table. */
export async function checkpointsOf(stack: Stack): Promise<Map<string, string>> {
  const rows = await leases(stack).catch((error: unknown) => {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return {};
    throw error;
  });
  return new Map(Object.entries(rows).map(([shardId, { checkpoint }]) => [shardId, checkpoint]));
}

/** The workers of one simulation: ours and foreign ones, how they come and go, and what they owe when all faults are over. */
import { ForeignWorker } from './foreignWorker.ts';
import { checkpointOf, indexOf } from './leaseRow.ts';
import type { Plan } from './plan.ts';
import { SimulatedWorker, type Surroundings } from './worker.ts';

export class Fleet {
  readonly #plan: Plan;
  readonly #around: Surroundings;
  /** Alive and not closing. */
  #workers: SimulatedWorker[] = [];
  readonly #closing = new Set<SimulatedWorker>();
  #foreign: ForeignWorker[] = [];
  #names = 0;

  constructor(plan: Plan, around: Surroundings) {
    this.#plan = plan;
    this.#around = around;
  }

  get size(): number {
    return this.#workers.length;
  }

  get isClosing(): boolean {
    return this.#closing.size > 0;
  }

  start(): void {
    const { workersMax, skewMsMax, isFaultless, worker } = this.#plan;
    // With no fault one worker has to have closed before the next begins: else leases would be stolen.
    if (this.size >= workersMax || (isFaultless && this.isClosing)) return;
    this.#names += 1;
    const skewMs = Math.round(this.#around.dice.between(-skewMsMax, skewMsMax));
    const made = new SimulatedWorker(`w${this.#names}`, skewMs, worker, this.#around);
    this.#workers.push(made);
    made.start();
  }

  /** Lets the outputs of one worker write for so long, at most. */
  closeOne(patienceMs: number): void {
    const worker = this.#removeOne();
    if (worker) this.#close(worker, patienceMs);
  }

  closeAll(): void {
    for (const worker of this.#workers.splice(0)) this.#close(worker, 0);
  }

  crashOne(): void {
    const worker = this.#removeOne();
    if (worker) worker.actor.isDead = true;
  }

  freezeOne(ms: number): void {
    const { time } = this.#around;
    this.#pick()?.actor.freeze(time.nowMs, ms);
  }

  cutOffOne(ms: number): void {
    const caller = this.#pick()?.caller;
    if (caller) caller.cutOffUntilMs = this.#around.time.nowMs + ms;
  }

  startForeign(): void {
    if (this.#foreign.length >= 2) return;
    this.#names += 1;
    const made = new ForeignWorker(`java${this.#names}`, this.#plan.foreign, this.#around);
    this.#foreign.push(made);
    made.run();
  }

  killForeign(): void {
    const dead = this.#foreign.shift();
    if (dead) dead.actor.isDead = true;
  }

  /** No more faults among workers. */
  calm(): void {
    while (this.#foreign.length > 0) this.killForeign();
    for (const { caller } of this.#workers) caller.cutOffUntilMs = 0;
    for (const { caller } of this.#closing) caller.cutOffUntilMs = 0;
    if (this.size === 0) this.start();
  }

  /** What is still to be done by a fleet that is left in peace; `undefined` at rest. */
  unrest(): string | undefined {
    const { ledger, stream, rows } = this.#around;
    if (this.isClosing) return `${[...this.#closing].map(({ actor }) => actor.name).join()} still close`;
    if (this.size === 0) return 'no worker is there';
    const unsettled = ledger.unsettled();
    if (unsettled.length > 0) return `${unsettled.length} events are not settled, ${unsettled[0]?.id} the first`;
    const extra = [...rows.rows.keys()].filter((shardId) => !stream.isOpen(shardId));
    if (extra.length > 0) return `rows of ended shards are left: ${extra.join()}`;
    const late = stream.openShards.find((shardId) => !this.#isAtTip(shardId));
    if (late !== undefined) return `${late} is not checkpointed up to its last record`;
    return this.#imbalance();
  }

  /** Who has what, as the table says. */
  owners(): string {
    const { rows, stream } = this.#around;
    return stream.openShards.map((shardId) => rows.rows.get(shardId)?.['leaseOwner']?.S ?? 'nobody').join();
  }

  #isAtTip(shardId: string): boolean {
    const { ledger, rows } = this.#around;
    const row = rows.rows.get(shardId);
    const log = ledger.shard(shardId);
    // A shard that was opened at LATEST behind its last record has nothing to checkpoint.
    return row !== undefined && (indexOf(log, row) === log.records.length - 1 || checkpointOf(row) === 'LATEST');
  }

  #imbalance(): string | undefined {
    const counts = new Map(this.#workers.map(({ actor }) => [actor.name, 0]));
    for (const owner of this.owners().split(',')) {
      const count = counts.get(owner);
      if (count === undefined) return `a shard is with ${owner}, who is gone`;
      counts.set(owner, count + 1);
    }
    const [least, most] = [Math.min(...counts.values()), Math.max(...counts.values())];
    return most - least > 1 ? `one worker has ${most} shards, another ${least}` : undefined;
  }

  #close(worker: SimulatedWorker, patienceMs: number): void {
    const { report } = this.#around;
    this.#closing.add(worker);
    worker
      .close(patienceMs)
      .catch((error) => report('unexpected failure', `close of ${worker.actor.name}: ${error}`))
      .finally(() => this.#closing.delete(worker));
  }

  #removeOne(): SimulatedWorker | undefined {
    const worker = this.#pick();
    this.#workers = this.#workers.filter((other) => other !== worker);
    return worker;
  }

  #pick(): SimulatedWorker | undefined {
    return this.size > 0 ? this.#around.dice.pick(this.#workers) : undefined;
  }
}

/**
 * A worker of another make on the same table, such as Logstash's or a Java KCL one: takes leases that have expired or
 * steals them, reads, delivers, checkpoints and renews by KCL's rules, each time it looks in one step.
 */
import { Holding, startOf } from './holding.ts';
import { checkpointOf, describeChange, number, type Row } from './leaseRow.ts';
import type { Writer } from './leaseRows.ts';
import type { ShardLog } from './ledger.ts';
import { Actor } from './virtualTime.ts';
import type { Surroundings } from './worker.ts';

export interface ForeignSettings {
  readonly failoverTimeMs: number;
  readonly leasesMax: number;
  /** Chance to steal a lease at each look when none is free. */
  readonly stealing: number;
  readonly leavesChildrenToSync: boolean;
}

interface Held {
  readonly holding: Holding;
  counter: number;
  /** Records read, from the first of the shard. */
  readTo: number;
}

export class ForeignWorker implements Writer {
  readonly actor: Actor;
  readonly leavesChildrenToSync: boolean;
  readonly seenVersions = new Map<string, number>();
  readonly #settings: ForeignSettings;
  readonly #around: Surroundings;
  readonly #held = new Map<string, Held>();
  readonly #sightings = new Map<string, { readonly counter: number; readonly sinceMs: number }>();

  constructor(name: string, settings: ForeignSettings, around: Surroundings) {
    this.actor = new Actor(name);
    this.leavesChildrenToSync = settings.leavesChildrenToSync;
    this.#settings = settings;
    this.#around = around;
  }

  get id(): string {
    return this.actor.name;
  }

  /** Looks until it dies: three times in one failover time, as a KCL worker renews. */
  run(): void {
    this.#look();
    this.#around.time.after(this.#settings.failoverTimeMs / 3, () => this.run(), this.actor);
  }

  #look(): void {
    const { rows } = this.#around.rows;
    for (const [shardId, held] of this.#held) this.#work(shardId, held);
    const free = [...rows].filter(([shardId, row]) => this.#isFree(shardId, row));
    if (this.#held.size >= this.#settings.leasesMax) return;
    const { dice } = this.#around;
    const others = [...rows].filter(([shardId]) => !this.#held.has(shardId));
    if (free.length > 0) this.#take(...dice.pick(free));
    else if (others.length > 0 && dice.chance(this.#settings.stealing)) this.#take(...dice.pick(others));
  }

  #isFree(shardId: string, row: Row): boolean {
    const { nowMs } = this.#around.time;
    const counter = number(row, 'leaseCounter');
    const before = this.#sightings.get(shardId);
    const sighting = before?.counter === counter ? before : { counter, sinceMs: nowMs };
    this.#sightings.set(shardId, sighting);
    const isExpired = nowMs - sighting.sinceMs > this.#settings.failoverTimeMs;
    return !this.#held.has(shardId) && (row['leaseOwner'] === undefined || isExpired);
  }

  #take(shardId: string, row: Row): void {
    const { ledger, report, stream } = this.#around;
    const isSwitch = row['leaseOwner'] !== undefined;
    const switches = number(row, 'ownerSwitchesSinceCheckpoint') + (isSwitch ? 1 : 0);
    const taken = { leaseOwner: { S: this.id }, ownerSwitchesSinceCheckpoint: { N: String(switches) } };
    const log = ledger.shard(shardId);
    const start = startOf(log, row, undefined);
    const holding = new Holding(this.id, log, start, ledger, report);
    // Of what it cannot place it reads nothing, nor of a shard that has left the stream.
    const readTo = Number.isFinite(start.to) && start.from === start.to && stream.isInStream(shardId) ? start.to : -1;
    const held = { holding, counter: number(row, 'leaseCounter'), readTo };
    this.#held.set(shardId, held);
    this.#write(shardId, held, taken);
  }

  #work(shardId: string, held: Held): void {
    const row = this.#around.rows.rows.get(shardId);
    if (row === undefined || number(row, 'leaseCounter') !== held.counter) {
      this.#held.delete(shardId);
      return;
    }
    const { log } = held.holding;
    const isReadable = held.readTo >= 0 && checkpointOf(row) !== 'SHARD_END' && !this.#waitsForParent(log);
    if (!isReadable) this.#write(shardId, held, {});
    else if (held.readTo < log.records.length && this.#around.stream.isInStream(shardId)) this.#read(shardId, held);
    else if (this.#around.stream.isOpen(shardId)) this.#write(shardId, held, {});
    else this.#end(log, held);
  }

  #waitsForParent(log: ShardLog): boolean {
    const { rows } = this.#around.rows;
    return log.parents.some(
      ({ shardId }) => checkpointOf(rows.get(shardId) ?? { checkpoint: { S: 'SHARD_END' } }) !== 'SHARD_END',
    );
  }

  /** Delivers before it checkpoints: what others do wrong is not to be found here. */
  #read(shardId: string, held: Held): void {
    const { dice, ledger } = this.#around;
    const { holding } = held;
    const records = holding.log.records.slice(held.readTo, held.readTo + dice.whole(1, 4));
    const events = records.flatMap((record) => record.events);
    this.#around.trace(this.id, () => `emits ${events.map(({ id }) => id).join()} of ${holding.log.shortId}`);
    this.#around.rows.checkParents(holding.log, this.id);
    holding.emitted(events);
    ledger.settled(events);
    holding.settled(events);
    held.readTo += records.length;
    const last = records.at(-1);
    if (last === undefined) return;
    this.#checkpoint(shardId, held, last.sequenceNumber, last.subSequenceNumber);
  }

  #end(log: ShardLog, held: Held): void {
    const { ledger, stream } = this.#around;
    const children = stream.childrenOf(log.shardId);
    if (!this.leavesChildrenToSync) {
      for (const child of children) this.#makeRow(ledger.shard(child));
      if (children.length > 0) this.#change(log.shardId, held, { childShardIds: { SS: children } });
    }
    this.#checkpoint(log.shardId, held, 'SHARD_END', 0);
  }

  /** The child of a merge is left to the worker that ends its other parent, as long as that has no row. */
  #makeRow(child: ShardLog): void {
    const { rows, stream, dynamodb } = this.#around;
    const isEarly = child.parents.some(({ shardId }) => stream.isInStream(shardId) && !rows.rows.has(shardId));
    if (rows.rows.has(child.shardId) || isEarly) return;
    dynamodb.put(newRow(child));
    rows.written(child.shardId, undefined, this, undefined);
  }

  #checkpoint(shardId: string, held: Held, checkpoint: string, subSequenceNumber: number): void {
    this.#write(shardId, held, {
      checkpoint: { S: checkpoint },
      checkpointSubSequenceNumber: { N: String(subSequenceNumber) },
      ownerSwitchesSinceCheckpoint: { N: '0' },
    });
  }

  #write(shardId: string, held: Held, change: Row): void {
    held.counter += 1;
    this.#change(shardId, held, { ...change, leaseCounter: { N: String(held.counter) } });
  }

  #change(shardId: string, { holding }: Held, change: Row): void {
    const { rows, dynamodb } = this.#around;
    const before = rows.rows.get(shardId);
    this.seenVersions.set(shardId, rows.versionOf(shardId));
    dynamodb.put({ ...before, ...change });
    rows.written(shardId, before, this, holding);
    this.#around.trace(
      this.id,
      () => `writes ${holding.log.shortId}: ${describeChange(before, rows.rows.get(shardId))}`,
    );
  }
}

function newRow(log: ShardLog): Row {
  return {
    leaseKey: { S: log.shardId },
    leaseCounter: { N: '0' },
    ownerSwitchesSinceCheckpoint: { N: '0' },
    checkpoint: { S: 'TRIM_HORIZON' },
    checkpointSubSequenceNumber: { N: '0' },
    parentShardId: { SS: log.parents.map((parent) => parent.shardId) },
  };
}

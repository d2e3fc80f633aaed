/** What was put into the stream, and how far each event came: the truth that the code under test is measured by. */
import type { Position } from '../../src/kinesis/types.ts';
import type { Report } from './violations.ts';

export interface LoggedEvent {
  /** What the event carries: `e17`. */
  readonly id: string;
  readonly record: LoggedRecord;
  /** Its place in the record. */
  readonly nth: number;
  readonly nthOfKey: number;
  emissions: number;
  /** Taken by a destination for good, or not to be read at all. */
  isSettled: boolean;
}

/** One user record. */
export interface LoggedRecord extends Position {
  readonly shardId: string;
  /** Its place in the shard. */
  readonly index: number;
  readonly key: string;
  readonly arrivedMs: number;
  readonly events: readonly LoggedEvent[];
}

export class ShardLog {
  readonly shardId: string;
  readonly parents: readonly ShardLog[];
  readonly records: LoggedRecord[] = [];
  readonly #places = new Map<string, number>();
  #settled = 0;

  constructor(shardId: string, parents: readonly ShardLog[]) {
    this.shardId = shardId;
    this.parents = parents;
  }

  /** As people write it: `#7`. */
  get shortId(): string {
    return shortId(this.shardId);
  }

  add(record: LoggedRecord): void {
    this.#places.set(place(record), this.records.length);
    this.records.push(record);
  }

  /** `undefined` for a position that no user record has. */
  indexOf(position: Position): number | undefined {
    return this.#places.get(place(position));
  }

  /** How many records from the first on are settled. */
  get settledCount(): number {
    while (this.records[this.#settled]?.events.every((event) => event.isSettled)) this.#settled += 1;
    return this.#settled;
  }

  get isSettled(): boolean {
    return this.settledCount === this.records.length;
  }

  /** The first at or after `index` that has events; blank records have none. */
  withEvents(index: number): number {
    let next = index;
    while (this.records[next]?.events.length === 0) next += 1;
    return next;
  }
}

export class Ledger {
  readonly shards = new Map<string, ShardLog>();
  readonly events = new Map<string, LoggedEvent>();
  readonly #report: Report;
  readonly #keys = new Map<string, { readonly events: LoggedEvent[]; emitted: number }>();

  constructor(report: Report) {
    this.#report = report;
  }

  addShard(shardId: string, parentIds: readonly string[]): ShardLog {
    const log = new ShardLog(
      shardId,
      parentIds.map((id) => this.shard(id)),
    );
    this.shards.set(shardId, log);
    return log;
  }

  shard(shardId: string): ShardLog {
    const log = this.shards.get(shardId);
    if (log === undefined) throw new Error(`there is no shard ${shardId}`);
    return log;
  }

  put(shardId: string, position: Position, key: string, eventIds: readonly string[], arrivedMs: number): void {
    const log = this.shard(shardId);
    const ofKey = this.#ofKey(key).events;
    const events: LoggedEvent[] = [];
    const record = { ...position, shardId, index: log.records.length, key, arrivedMs, events };
    for (const [nth, id] of eventIds.entries()) {
      const event = { id, record, nth, nthOfKey: ofKey.length, emissions: 0, isSettled: false };
      events.push(event);
      ofKey.push(event);
      this.events.set(id, event);
    }
    log.add(record);
  }

  emitted(event: LoggedEvent): void {
    event.emissions += 1;
    if (event.emissions > 1 || event.isSettled) return;
    const ofKey = this.#ofKey(event.record.key);
    for (;;) {
      const next = ofKey.events[ofKey.emitted];
      if (next === undefined || (next.emissions === 0 && !next.isSettled)) break;
      ofKey.emitted += 1;
    }
    const before = ofKey.events[ofKey.emitted];
    if (before !== undefined && before.nthOfKey < event.nthOfKey)
      this.#report('order of a key', `${event.id} came before ${before.id}, which was put before it under one key`);
  }

  settled(events: readonly LoggedEvent[]): void {
    for (const event of events) event.isSettled = true;
  }

  /** These are not to be read: they came before the position at which reading begins. */
  writeOff(records: readonly LoggedRecord[]): void {
    for (const record of records) this.settled(record.events);
  }

  unsettled(): LoggedEvent[] {
    return [...this.events.values()].filter((event) => !event.isSettled);
  }

  #ofKey(key: string): { readonly events: LoggedEvent[]; emitted: number } {
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    const made = { events: [], emitted: 0 };
    this.#keys.set(key, made);
    return made;
  }
}

export function shortId(shardId: string): string {
  return shardId.replace(/^shardId-0*(?=\d)/, '#');
}

function place({ sequenceNumber, subSequenceNumber }: Position): string {
  return `${sequenceNumber}/${subSequenceNumber}`;
}

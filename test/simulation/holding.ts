/** One worker on one shard from the take of the lease to its loss: what it emitted, and what of that was settled. */
import type { InitialPosition } from '../../src/kinesis/types.ts';
import { checkpointOf, indexOf, type Row } from './leaseRow.ts';
import type { Ledger, LoggedEvent, LoggedRecord, ShardLog } from './ledger.ts';
import type { Report } from './violations.ts';

/** Between which records, by their places in the shard, the first one emitted has to lie. */
export interface Start {
  readonly from: number;
  readonly to: number;
}

/** What the row says at the take. */
export function startOf(log: ShardLog, row: Row, initialPosition: InitialPosition | undefined): Start {
  const checkpoint = checkpointOf(row);
  if (checkpoint === 'TRIM_HORIZON') return { from: 0, to: 0 };
  if (checkpoint === 'SHARD_END') return { from: log.records.length, to: log.records.length };
  if (checkpoint === 'LATEST') return { from: 0, to: Number.POSITIVE_INFINITY };
  if (checkpoint === 'AT_TIMESTAMP') {
    const fromMs = initialPosition?.type === 'AT_TIMESTAMP' ? initialPosition.timestampMs : 0;
    const first = log.records.findIndex(({ arrivedMs }) => arrivedMs >= fromMs);
    return { from: 0, to: first < 0 ? log.records.length : first };
  }
  const next = (indexOf(log, row) ?? -1) + 1;
  return { from: next, to: next };
}

export class Holding {
  readonly log: ShardLog;
  /** The turn in which the worker was told that the row has another owner. */
  lossSeenTurn: number | undefined;
  readonly #worker: string;
  readonly #ledger: Ledger;
  readonly #report: Report;
  #start: Start;
  #next: { readonly index: number; readonly nth: number } | undefined;
  #settledTo: number | undefined;
  #askedAt: number | undefined;
  readonly #unsettled = new Map<number, number>();

  constructor(worker: string, log: ShardLog, start: Start, ledger: Ledger, report: Report) {
    this.#worker = worker;
    this.log = log;
    this.#start = start;
    this.#ledger = ledger;
    this.#report = report;
  }

  /** The worker asks for what comes from now on. Later it may ask for what came since then, whatever became of this call. */
  asksForLatest(): void {
    this.#askedAt ??= this.log.records.length;
  }

  /** The worker was given a place to read from; `latest` is how many records lay before it if it asked for the latest. */
  opened(latest: number | undefined): void {
    if (this.#start.to !== Number.POSITIVE_INFINITY) return;
    const to = latest ?? this.#askedAt ?? 0;
    this.#start = { from: this.#start.from, to };
    this.#ledger.writeOff(this.log.records.slice(0, to));
  }

  /** Each record once, in order, none left out. */
  emitted(events: readonly LoggedEvent[]): void {
    for (const event of events) {
      const { record, nth } = event;
      if (record.shardId !== this.log.shardId)
        this.#report('wrong event', `${event.id} of ${record.shardId} came from ${this.log.shardId}`);
      if (this.#next === undefined) this.#begin(record);
      const next = this.#next ?? { index: 0, nth: 0 };
      const index = this.log.withEvents(next.index);
      const order = record.index - index || nth - next.nth;
      if (order !== 0) this.#reportOrder(event, order, index);
      const isLast = nth + 1 === record.events.length;
      this.#next = isLast ? { index: record.index + 1, nth: 0 } : { index: record.index, nth: nth + 1 };
      if (nth === 0) this.#unsettled.set(record.index, record.events.length);
      this.#ledger.emitted(event);
    }
  }

  /** The worker was told that these are settled. */
  settled(events: readonly LoggedEvent[]): void {
    for (const { record } of events) this.#unsettled.set(record.index, (this.#unsettled.get(record.index) ?? 0) - 1);
  }

  /** How many records of the shard are settled as this worker knows: those before its start, and its own. */
  get settledCount(): number {
    const { records } = this.log;
    let to = this.#settledTo ?? Math.min(this.#start.to, records.length);
    for (; ; to += 1) {
      const record = records[to];
      if (record === undefined || (record.events.length > 0 && this.#unsettled.get(to) !== 0)) break;
      this.#unsettled.delete(to);
    }
    this.#settledTo = to;
    return to;
  }

  #begin(first: LoggedRecord): void {
    const from = this.log.withEvents(this.#start.from);
    const to = this.log.withEvents(this.#start.to);
    this.#next = { index: Math.min(Math.max(first.index, from), to), nth: 0 };
    this.#settledTo = this.#next.index;
  }

  #reportOrder(event: LoggedEvent, order: number, index: number): void {
    const what = `${this.#worker} emitted ${event.id}, record ${event.record.index} of ${this.log.shardId}`;
    this.#report(order > 0 ? 'record left out' : 'record emitted again', `${what}, when record ${index} was next`);
  }
}

/** Watches every write to the lease table, whoever makes it: its form, its order, and what it claims. */
import type { Holding } from './holding.ts';
import {
  checkpointOf,
  describeChange,
  formFaults,
  indexOf,
  isSentinel,
  number,
  onlyChildrenDiffer,
  positionOf,
  type Row,
  textOf,
} from './leaseRow.ts';
import type { Ledger, ShardLog } from './ledger.ts';
import type { Stream } from './stream.ts';
import type { Report } from './violations.ts';
import type { VirtualTime } from './virtualTime.ts';

export interface Writer {
  readonly id: string;
  /** KCL workers of the 1.9 line leave the rows of children to the next shard sync. */
  readonly leavesChildrenToSync: boolean;
  /** Which version of each row it was shown last. */
  readonly seenVersions: Map<string, number>;
}

/** Once there, they stay as they are. */
const FIXED = ['leaseKey', 'parentShardId', 'startingHashKey', 'endingHashKey'];

export class LeaseRows {
  readonly rows: Map<string, Row>;
  readonly #ledger: Ledger;
  readonly #stream: Stream;
  readonly #time: VirtualTime;
  readonly #stallMs: number;
  readonly #report: Report;
  /** Also of rows that are gone. */
  readonly #histories = new Map<string, History>();

  /** `stallMs`: the longest between a look of a worker at the table and what it does upon it. */
  constructor(
    rows: Map<string, Row>,
    ledger: Ledger,
    stream: Stream,
    time: VirtualTime,
    stallMs: number,
    report: Report,
  ) {
    this.rows = rows;
    this.#ledger = ledger;
    this.#stream = stream;
    this.#time = time;
    this.#stallMs = stallMs;
    this.#report = report;
  }

  versionOf(shardId: string): number {
    return this.#histories.get(shardId)?.version ?? 0;
  }

  /** `before` is what `rows` had until this write; `holding` is what the writer had of the shard when it began to write. */
  written(shardId: string, before: Row | undefined, writer: Writer, holding: Holding | undefined): void {
    const after = this.rows.get(shardId);
    if (after === before) return;
    if (after !== undefined) this.#checkForm(shardId, after);
    // Whoever comes to the end of a shard finds the same children: it is no matter who writes them, or when.
    if (before !== undefined && after !== undefined && onlyChildrenDiffer(before, after)) return;
    const history = this.#history(shardId);
    if (before === undefined) this.#checkCreation(shardId, history);
    else if (after === undefined) this.#checkRemoval(shardId, before);
    else {
      this.#checkUnseen(shardId, history, writer);
      this.#checkChange(shardId, before, after);
      if (checkpointOf(after) === 'SHARD_END' && checkpointOf(before) !== 'SHARD_END')
        this.#checkEnd(shardId, writer, holding);
      else if (positionOf(before) !== positionOf(after)) this.#checkCheckpoint(shardId, before, after, writer, holding);
    }
    history.version += 1;
    history.lastBy.set(writer.id, history.version);
    if (after !== undefined && checkpointOf(after) !== 'TRIM_HORIZON' && checkpointOf(after) !== 'AT_TIMESTAMP')
      history.isUnderWay = true;
  }

  /** Who reads a shard has its parents settled, and at SHARD_END as long as they have rows. */
  checkParents(log: ShardLog, reader: string): void {
    for (const parent of log.parents) {
      const row = this.rows.get(parent.shardId);
      // An ended shard at LATEST has nothing left to be read.
      if (parent.isSettled && (row === undefined || ['SHARD_END', 'LATEST'].includes(checkpointOf(row)))) continue;
      const at = row === undefined ? 'has no row' : `is at ${positionOf(row)}`;
      const text = `${reader} reads ${log.shardId} when ${parent.shardId} ${at}, settled ${parent.settledCount} of ${parent.records.length}`;
      this.#report('child before its parent’s end', text);
    }
  }

  #checkUnseen(shardId: string, { lastBy }: History, writer: Writer): void {
    const seen = writer.seenVersions.get(shardId) ?? 0;
    for (const [other, version] of lastBy) {
      if (other !== writer.id && version > seen)
        this.#report(
          'write over unseen changes',
          `${writer.id} wrote to ${shardId} without having seen what ${other} wrote`,
        );
    }
  }

  #checkChange(shardId: string, before: Row, after: Row): void {
    const unlike = (text: string) => this.#report('row unlike KCL’s', `${shardId}: ${text}`);
    const moved = number(after, 'leaseCounter') - number(before, 'leaseCounter');
    if (moved !== 1) unlike(`the counter moved by ${moved}: ${describeChange(before, after)}`);
    for (const name of FIXED)
      if (before[name] !== undefined && textOf(before[name]) !== textOf(after[name])) unlike(`${name} changed`);
    const switches = number(after, 'ownerSwitchesSinceCheckpoint') - number(before, 'ownerSwitchesSinceCheckpoint');
    const [from, to] = [before['leaseOwner']?.S, after['leaseOwner']?.S];
    const isSwitch = from !== undefined && to !== undefined && from !== to;
    if (positionOf(before) === positionOf(after) && switches !== (isSwitch ? 1 : 0))
      unlike(`${switches} owner switches`);
  }

  #checkCheckpoint(shardId: string, before: Row, after: Row, writer: Writer, holding: Holding | undefined): void {
    const log = this.#ledger.shard(shardId);
    const index = indexOf(log, after);
    const indexBefore = checkpointOf(before) === 'SHARD_END' ? Number.POSITIVE_INFINITY : (indexOf(log, before) ?? -1);
    if (index === undefined || index <= indexBefore)
      this.#report('checkpoint goes back', `${shardId}: from ${positionOf(before)} to ${positionOf(after)}`);
    else if (index >= Math.min(log.settledCount, holding?.settledCount ?? 0)) {
      const settled = `${log.settledCount} are, ${holding?.settledCount ?? 0} as ${writer.id} knows`;
      this.#report('checkpoint beyond what is settled', `${shardId}: ${index + 1} records as settled, when ${settled}`);
    }
  }

  #checkEnd(shardId: string, writer: Writer, holding: Holding | undefined): void {
    const log = this.#ledger.shard(shardId);
    // A shard that is gone from the stream was settled before.
    const known = this.#stream.isInStream(shardId) ? (holding?.settledCount ?? 0) : log.records.length;
    if (this.#stream.isOpen(shardId) || !log.isSettled || known < log.records.length)
      this.#report(
        'SHARD_END before all is settled',
        `${shardId}: ${known} of ${log.records.length} records are, as ${writer.id} knows`,
      );
    const missing = this.#stream.childrenOf(shardId).filter((id) => this.#isDue(id));
    if (missing.length > 0 && !writer.leavesChildrenToSync)
      this.#report('SHARD_END before the children have rows', `${shardId} has the children ${missing.join()}`);
  }

  /** A child that has no row must have got one, unless it is gone from the stream, or the end of its other parent brings it. */
  #isDue(shardId: string): boolean {
    if (this.#histories.has(shardId) || !this.#stream.isInStream(shardId)) return false;
    return this.#ledger.shard(shardId).parents.every((parent) => {
      const row = this.rows.get(parent.shardId);
      return row === undefined ? !this.#stream.isInStream(parent.shardId) : checkpointOf(row) === 'SHARD_END';
    });
  }

  #checkCreation(shardId: string, history: History): void {
    const row = this.rows.get(shardId) ?? {};
    if (history.version > 0) this.#checkSecondRow(shardId, history);
    if (checkpointOf(row) !== 'LATEST') return;
    // What lies before it and has no row is not to be read.
    const ancestors = (log: ShardLog): ShardLog[] => log.parents.flatMap((parent) => [parent, ...ancestors(parent)]);
    for (const log of ancestors(this.#ledger.shard(shardId)))
      if (!this.#histories.has(log.shardId)) this.#ledger.writeOff(log.records);
  }

  /**
   * Only the length of a shard's life keeps a row from being made again by one who looked before it was there, and stalled.
   * Here shards live for seconds: a seed in which one lived no longer than a stall ends there.
   */
  #checkSecondRow(shardId: string, { madeMs }: History): void {
    if (this.#time.nowMs - madeMs < this.#stallMs) this.#time.isStopped = true;
    else this.#report('row made twice', shardId);
  }

  /** As KCL: when the parents' rows are gone and all children are under way; or when the shard itself is gone. */
  #checkRemoval(shardId: string, row: Row): void {
    const children = this.#stream.childrenOf(shardId);
    const log = this.#ledger.shard(shardId);
    const isDue =
      !this.#stream.isInStream(shardId) ||
      (children.every((id) => this.#histories.get(id)?.isUnderWay) &&
        log.parents.every((parent) => !this.rows.has(parent.shardId)));
    if (checkpointOf(row) !== 'SHARD_END' || !isDue)
      this.#report('row removed too early', `${shardId} at ${positionOf(row)}, children ${children.join()}`);
  }

  #checkForm(shardId: string, row: Row): void {
    const faults = formFaults(row);
    if (!isSentinel(row) && indexOf(this.#ledger.shard(shardId), row) === undefined) faults.push('checkpoint');
    if (faults.length > 0) this.#report('row unlike KCL’s', `${shardId}: ${faults.join()} in ${JSON.stringify(row)}`);
  }

  #history(shardId: string): History {
    const known = this.#histories.get(shardId);
    if (known !== undefined) return known;
    const made = { madeMs: this.#time.nowMs, version: 0, isUnderWay: false, lastBy: new Map() };
    this.#histories.set(shardId, made);
    return made;
  }
}

interface History {
  readonly madeMs: number;
  /** Counts the writes. */
  version: number;
  isUnderWay: boolean;
  /** The version that each writer made last. */
  readonly lastBy: Map<string, number>;
}

/** The stream: records under partition keys in all the forms that producers write, and resharding. */
import { gzipSync } from 'node:zlib';
import type { Clock } from '../../src/util/clock.ts';
import { kplRecord } from '../support/kpl.ts';
import { FakeKinesis } from '../unit/kinesis/fakes/fakeKinesis.ts';
import type { Dice } from './dice.ts';
import type { Ledger } from './ledger.ts';

export const STREAM = 'logs';

/** A gzip record may grow up to this. */
export const EXPANDED_BYTES_MAX = 1_000;

/** Ranges in this many parts; a shard of one part is not split. */
const PARTS = 64;
const KEYS_PER_PART = 2n ** 128n / BigInt(PARTS);

interface OpenShard {
  readonly shardId: string;
  /** First part of the range, and the one behind its last. */
  readonly from: number;
  readonly to: number;
}

type Form = 'plain' | 'gzip' | 'documents' | 'array' | 'blank' | 'noJson' | 'tooLarge';
const FORMS = { plain: 6, gzip: 2, documents: 2, array: 1, blank: 0.5, noJson: 0.5, tooLarge: 0.5 } as const;

export class Stream {
  readonly kinesis: FakeKinesis;
  readonly #dice: Dice;
  readonly #ledger: Ledger;
  readonly #now: () => number;
  /** In the order of their ranges. */
  #open: OpenShard[] = [];
  /** Each key lies in one part of the range for good. */
  readonly #keys: readonly { readonly key: string; readonly part: number }[];
  #eventCount = 0;

  constructor({ now, sleep }: Clock, dice: Dice, ledger: Ledger, shardCount: number) {
    this.kinesis = new FakeKinesis(now, [], sleep);
    // Sequence numbers grow from three to four digits on the way.
    this.kinesis.sequenceBase = 900;
    this.#now = now;
    this.#dice = dice;
    this.#ledger = ledger;
    this.#keys = Array.from({ length: 24 }, (_, index) => ({ key: `key-${index}`, part: dice.whole(0, PARTS - 1) }));
    for (let index = 0; index < shardCount; index += 1) {
      const at = (nth: number) => Math.round((PARTS * nth) / shardCount);
      this.#add(at(index), at(index + 1), []);
    }
  }

  get openShards(): readonly string[] {
    return this.#open.map(({ shardId }) => shardId);
  }

  get shardCount(): number {
    return this.#ledger.shards.size;
  }

  isOpen(shardId: string): boolean {
    return this.#open.some((shard) => shard.shardId === shardId);
  }

  isInStream(shardId: string): boolean {
    return this.kinesis.shards.has(shardId);
  }

  childrenOf(shardId: string): string[] {
    return [...this.#ledger.shards.values()]
      .filter(({ parents }) => parents.some((parent) => parent.shardId === shardId))
      .map((child) => child.shardId);
  }

  /** One stored record for each of some open shards that have keys. */
  put(share: number): void {
    for (const shard of this.#open) {
      const keys = this.#keys.filter(({ part }) => part >= shard.from && part < shard.to).map(({ key }) => key);
      if (keys.length > 0 && this.#dice.chance(share)) this.#putRecord(shard.shardId, keys);
    }
  }

  /** So that each open shard has a record, whether or not there is a key for it. */
  putEverywhere(): void {
    for (const { shardId } of this.#open) this.#putRecord(shardId, [`calm-${shardId}`], 'plain');
  }

  split(): void {
    const wide = this.#open.filter(({ from, to }) => to - from > 1);
    if (wide.length > 0) this.#split(this.#dice.pick(wide));
  }

  merge(): void {
    if (this.#open.length > 1) this.#merge(this.#dice.whole(0, this.#open.length - 2));
  }

  /** As UpdateShardCount: all shards at once. */
  double(): void {
    for (const shard of this.#open.filter(({ from, to }) => to - from > 1)) this.#split(shard);
  }

  halve(): void {
    for (let index = 0; index < this.#open.length - 1; index += 1) this.#merge(index);
  }

  /** A shard closed for so long whose records are all settled leaves the stream, oldest first, as retention has it. */
  forgetOldest(closedForMs: number, mayGo: (shardId: string) => boolean): void {
    const untilMs = this.#now() - closedForMs;
    const oldest = [...this.kinesis.shards].find(([shardId, { closedMs }]) => {
      const { isSettled, parents } = this.#ledger.shard(shardId);
      const isOldest = !parents.some((parent) => this.isInStream(parent.shardId));
      return closedMs !== undefined && closedMs <= untilMs && isSettled && isOldest && mayGo(shardId);
    });
    if (oldest) this.kinesis.removeShard(oldest[0]);
  }

  #split(shard: OpenShard): void {
    const middle = this.#dice.whole(shard.from + 1, shard.to - 1);
    this.#close([shard]);
    this.#add(shard.from, middle, [shard.shardId]);
    this.#add(middle, shard.to, [shard.shardId]);
  }

  #merge(index: number): void {
    const [left, right] = [this.#open[index], this.#open[index + 1]];
    if (left === undefined || right === undefined) return;
    this.#close([left, right]);
    this.#add(left.from, right.to, [left.shardId, right.shardId]);
  }

  #close(shards: readonly OpenShard[]): void {
    this.#open = this.#open.filter((shard) => !shards.includes(shard));
  }

  #add(from: number, to: number, parents: readonly string[]): void {
    const shardId = `shardId-${String(this.shardCount).padStart(12, '0')}`;
    const range = {
      StartingHashKey: String(BigInt(from) * KEYS_PER_PART),
      EndingHashKey: String(BigInt(to) * KEYS_PER_PART - 1n),
    };
    this.kinesis.addShard(shardId, parents, range);
    this.#ledger.addShard(shardId, parents);
    this.#open.push({ shardId, from, to });
    this.#open.sort((left, right) => left.from - right.from);
  }

  #putRecord(shardId: string, keys: readonly string[], form?: Form): void {
    const isAggregate = form === undefined && this.#dice.chance(0.3);
    const parts = Array.from({ length: isAggregate ? this.#dice.whole(1, 5) : 1 }, () =>
      this.#userRecord(this.#dice.pick(keys), form ?? this.#dice.weighted(FORMS) ?? 'plain'),
    );
    const [first] = parts;
    if (first === undefined) return;
    const sequenceNumber = isAggregate
      ? this.kinesis.putRecord(shardId, kplRecord(parts), 'a')
      : this.kinesis.putRecord(shardId, first.data, first.key);
    for (const [subSequenceNumber, { key, ids }] of parts.entries())
      this.#ledger.put(shardId, { sequenceNumber, subSequenceNumber }, key, ids, this.#now());
  }

  #userRecord(key: string, form: Form): { key: string; data: Buffer; ids: string[] } {
    const ids = Array.from({ length: this.#documentCount(form) }, () => {
      this.#eventCount += 1;
      return `e${this.#eventCount}`;
    });
    return { key, data: encoded(form, ids), ids };
  }

  #documentCount(form: Form): number {
    if (form === 'blank') return 0;
    if (form !== 'documents' && form !== 'array') return 1;
    // Now and then more than the record processor emits at once.
    return this.#dice.chance(0.1) ? this.#dice.whole(10, 20) : this.#dice.whole(2, 3);
  }
}

function encoded(form: Form, ids: readonly string[]): Buffer {
  const texts = ids.map((id) => JSON.stringify({ id }));
  if (form === 'blank') return Buffer.from(' \n');
  if (form === 'noJson') return Buffer.from(`id=${ids[0]}`);
  if (form === 'array') return Buffer.from(`[${texts.join()}]`);
  const bytes = Buffer.from(texts.join('\n'));
  if (form === 'tooLarge') return gzipSync(Buffer.concat([bytes, Buffer.alloc(EXPANDED_BYTES_MAX, ' ')]), { level: 1 });
  return form === 'gzip' ? gzipSync(bytes, { level: 1 }) : bytes;
}

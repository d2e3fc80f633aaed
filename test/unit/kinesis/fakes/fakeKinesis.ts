import type { _Record, ChildShard, HashKeyRange, ListShardsCommandInput, Shard } from '@aws-sdk/client-kinesis';
import type { KinesisApi } from '../../../../src/kinesis/awsApi.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { FakeFanOut } from './fakeFanOut.ts';
import { awsError, Faults } from './faults.ts';

interface FakeShard {
  readonly shard: Shard;
  readonly records: _Record[];
  readonly openedMs: number;
  closedMs: number | undefined;
  closed: boolean;
}

const ALL_KEYS: HashKeyRange = { StartingHashKey: '0', EndingHashKey: '99' };

/** One stream in memory. Iterators read `<shard>@<index of the next record>#<generation>`. */
export class FakeKinesis implements KinesisApi {
  readonly faults = new Faults();
  readonly shards = new Map<string, FakeShard>();
  readonly calls: string[] = [];
  readonly iterators: unknown[] = [];
  readonly fanOut: FakeFanOut;
  readonly #now: () => number;
  pageSize = 100;
  /** Records a call gives at most, whatever the limit. */
  recordsACall = 10_000;
  namesChildren = true;
  exists = true;
  /** Sequence numbers count from here. */
  sequenceBase = 1_000;
  #sequence = 0;
  #generation = 0;

  /** `sleep` goes with `now`; only enhanced fan-out needs it. */
  constructor(now: () => number, shardIds: readonly string[] = [], sleep = systemClock.sleep) {
    this.#now = now;
    this.fanOut = new FakeFanOut({
      shard: (shardId) => this.#shard(shardId),
      children: (shardId) => (this.namesChildren ? this.#children(shardId) : []),
      lastSequenceNumber: () => String(this.sequenceBase + this.#sequence),
      isFrom,
      now,
      sleep,
    });
    for (const id of shardIds) this.addShard(id);
  }

  addShard(shardId: string, parents: readonly string[] = [], range = ALL_KEYS): void {
    for (const parent of parents) this.#close(parent);
    const [ParentShardId, AdjacentParentShardId] = parents;
    this.#sequence += 1;
    this.shards.set(shardId, {
      shard: {
        ShardId: shardId,
        HashKeyRange: range,
        SequenceNumberRange: { StartingSequenceNumber: String(this.sequenceBase + this.#sequence) },
        ...(ParentShardId && { ParentShardId }),
        ...(AdjacentParentShardId && { AdjacentParentShardId }),
      },
      records: [],
      openedMs: this.#now(),
      closedMs: undefined,
      closed: false,
    });
    this.fanOut.wake();
  }

  /** As when the last record of a closed shard has outlived the retention. */
  removeShard(shardId: string): void {
    this.shards.delete(shardId);
  }

  put(shardId: string, ...texts: readonly (string | Uint8Array)[]): string[] {
    return texts.map((text) => this.putRecord(shardId, Buffer.from(text), 'key'));
  }

  putRecord(shardId: string, Data: Uint8Array, PartitionKey: string): string {
    this.#sequence += 1;
    const SequenceNumber = String(this.sequenceBase + this.#sequence);
    const ApproximateArrivalTimestamp = new Date(this.#now());
    this.#shard(shardId).records.push({ SequenceNumber, Data, PartitionKey, ApproximateArrivalTimestamp });
    this.fanOut.wake();
    return SequenceNumber;
  }

  expireIterators(): void {
    this.#generation += 1;
  }

  listShards: KinesisApi['listShards'] = (input, signal) =>
    this.#call('listShards', signal, () => {
      if (!this.exists) throw awsError('ResourceNotFoundException', 'Stream logs not found');
      const { after, filter } = input.NextToken ? JSON.parse(input.NextToken) : { after: 0, filter: input.ShardFilter };
      const rest = [...this.shards.values()].filter(this.#filter(filter)).filter((entry) => startOf(entry) > after);
      const page = rest.slice(0, this.pageSize);
      const more = page.length < rest.length && { NextToken: JSON.stringify({ after: startOf(page.at(-1)), filter }) };
      return { Shards: page.map(({ shard }) => snapshotOf(shard)), ...more };
    });

  getShardIterator: KinesisApi['getShardIterator'] = (input, signal) =>
    this.#call('getShardIterator', signal, () => {
      const { StreamName: _stream, ...position } = input;
      this.iterators.push(position);
      if ((input.Timestamp?.getTime() ?? 0) > this.#now()) throw awsError('InvalidArgumentException', 'in the future');
      const { records } = this.#shard(input.ShardId ?? '');
      const at = records.findIndex((record) => isFrom(record, input));
      return { ShardIterator: `${input.ShardId}@${at < 0 ? records.length : at}#${this.#generation}` };
    });

  getRecords: KinesisApi['getRecords'] = (input, signal) =>
    this.#call('getRecords', signal, () => {
      const [, shardId = '', index = '', generation] = /^(.*)@(\d+)#(\d+)$/.exec(input.ShardIterator ?? '') ?? [];
      if (Number(generation) !== this.#generation) throw awsError('ExpiredIteratorException');
      const { records, closed } = this.#shard(shardId);
      const to = Number(index) + Math.min(input.Limit ?? 10_000, this.recordsACall);
      const ended = closed && to >= records.length;
      return {
        Records: records.slice(Number(index), to),
        MillisBehindLatest: to < records.length ? 1_000 : 0,
        ...(ended
          ? { ChildShards: this.namesChildren ? this.#children(shardId) : [] }
          : { NextShardIterator: `${shardId}@${Math.min(to, records.length)}#${generation}` }),
      };
    });

  /** As Kinesis: the shards that were open then. */
  #filter(filter: ListShardsCommandInput['ShardFilter']): (entry: FakeShard) => boolean {
    if (filter?.Type === 'AT_LATEST') return ({ closed }) => !closed;
    const atMs = new Date(filter?.Timestamp ?? 0).getTime();
    const oldestMs = Math.min(...Array.from(this.shards.values(), ({ openedMs }) => openedMs));
    if (filter?.Type === 'AT_TIMESTAMP' && atMs >= oldestMs)
      return ({ openedMs, closedMs = Number.POSITIVE_INFINITY }) => openedMs <= atMs && atMs <= closedMs;
    if (filter === undefined) return () => true;
    return ({ shard }) =>
      !this.shards.has(shard.ParentShardId ?? '') && !this.shards.has(shard.AdjacentParentShardId ?? '');
  }

  describeStreamSummary: KinesisApi['describeStreamSummary'] = (_streamName, signal) =>
    this.#call('describeStreamSummary', signal, () => this.fanOut.describeStream());

  describeStreamConsumer: KinesisApi['describeStreamConsumer'] = (input, signal) =>
    this.#call('describeStreamConsumer', signal, () => this.fanOut.describe(input.ConsumerName ?? ''));

  registerStreamConsumer: KinesisApi['registerStreamConsumer'] = (input, signal) =>
    this.#call('registerStreamConsumer', signal, () => this.fanOut.register(input.ConsumerName ?? ''));

  subscribeToShard: KinesisApi['subscribeToShard'] = (input, signal) =>
    this.#call('subscribeToShard', signal, () => ({ EventStream: this.fanOut.subscribe(input, signal) }));

  #children(shardId: string): ChildShard[] {
    return Array.from(this.shards.values(), ({ shard }) => shard)
      .filter((shard) => shard.ParentShardId === shardId || shard.AdjacentParentShardId === shardId)
      .map((shard) => ({
        ShardId: shard.ShardId,
        ParentShards: [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => id !== undefined),
        HashKeyRange: shard.HashKeyRange,
      }));
  }

  #close(shardId: string): void {
    const shard = this.#shard(shardId);
    shard.closed = true;
    shard.closedMs ??= this.#now();
    const range = shard.shard.SequenceNumberRange;
    if (range) range.EndingSequenceNumber ??= String(this.sequenceBase + this.#sequence);
  }

  #shard(shardId: string): FakeShard {
    const shard = this.shards.get(shardId);
    if (!shard) throw awsError('ResourceNotFoundException', `Shard ${shardId} not found`);
    return shard;
  }

  #call<T>(operation: string, signal: AbortSignal | undefined, task: () => T): Promise<T> {
    this.calls.push(operation);
    return this.faults.around(operation, signal, task);
  }
}

function startOf(entry: FakeShard | undefined): number {
  return Number(entry?.shard.SequenceNumberRange?.StartingSequenceNumber);
}

/** An answer on its way does not change with the stream. */
function snapshotOf(shard: Shard): Shard {
  return { ...shard, SequenceNumberRange: { ...shard.SequenceNumberRange } } as Shard;
}

function isFrom(record: _Record, input: Parameters<KinesisApi['getShardIterator']>[0]): boolean {
  const sequence = Number(record.SequenceNumber);
  const given = Number(input.StartingSequenceNumber);
  if (input.ShardIteratorType === 'AT_SEQUENCE_NUMBER') return sequence >= given;
  if (input.ShardIteratorType === 'AFTER_SEQUENCE_NUMBER') return sequence > given;
  if (input.ShardIteratorType === 'LATEST') return false;
  if (input.ShardIteratorType === 'TRIM_HORIZON') return true;
  return (record.ApproximateArrivalTimestamp?.getTime() ?? 0) >= (input.Timestamp?.getTime() ?? 0);
}

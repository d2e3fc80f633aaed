import type { _Record, ChildShard, Shard } from '@aws-sdk/client-kinesis';
import type { KinesisApi } from '../../../../src/kinesis/awsApi.ts';
import { awsError, Faults } from './faults.ts';

interface FakeShard {
  readonly shard: Shard;
  readonly records: _Record[];
  closed: boolean;
}

/** One stream in memory. Iterators read `<shard>@<index of the next record>#<generation>`. */
export class FakeKinesis implements KinesisApi {
  readonly faults = new Faults();
  readonly shards = new Map<string, FakeShard>();
  readonly calls: string[] = [];
  readonly iterators: unknown[] = [];
  readonly #now: () => number;
  pageSize = 100;
  /** Records a call gives at most, whatever the limit. */
  recordsACall = 10_000;
  namesChildren = true;
  exists = true;
  #sequence = 0;
  #generation = 0;

  constructor(now: () => number, shardIds: readonly string[] = []) {
    this.#now = now;
    for (const id of shardIds) this.addShard(id);
  }

  addShard(shardId: string, parents: readonly string[] = []): void {
    for (const parent of parents) this.#close(parent);
    const [ParentShardId, AdjacentParentShardId] = parents;
    this.#sequence += 1;
    this.shards.set(shardId, {
      shard: {
        ShardId: shardId,
        HashKeyRange: { StartingHashKey: '0', EndingHashKey: '99' },
        SequenceNumberRange: { StartingSequenceNumber: String(1_000 + this.#sequence) },
        ...(ParentShardId && { ParentShardId }),
        ...(AdjacentParentShardId && { AdjacentParentShardId }),
      },
      records: [],
      closed: false,
    });
  }

  /** As when the last record of a closed shard has outlived the retention. */
  removeShard(shardId: string): void {
    this.shards.delete(shardId);
  }

  put(shardId: string, ...texts: readonly (string | Uint8Array)[]): string[] {
    return texts.map((text) => {
      this.#sequence += 1;
      const SequenceNumber = String(1_000 + this.#sequence);
      this.#shard(shardId).records.push({
        SequenceNumber,
        Data: Buffer.from(text),
        PartitionKey: 'key',
        ApproximateArrivalTimestamp: new Date(this.#now()),
      });
      return SequenceNumber;
    });
  }

  expireIterators(): void {
    this.#generation += 1;
  }

  listShards: KinesisApi['listShards'] = (input, signal) =>
    this.#call('listShards', signal, () => {
      if (!this.exists) throw awsError('ResourceNotFoundException', 'Stream logs not found');
      const all = Array.from(this.shards.values(), ({ shard }) => shard);
      const from = Number(input.NextToken ?? 0);
      const more = from + this.pageSize < all.length;
      return {
        Shards: all.slice(from, from + this.pageSize),
        ...(more && { NextToken: String(from + this.pageSize) }),
      };
    });

  getShardIterator: KinesisApi['getShardIterator'] = (input, signal) =>
    this.#call('getShardIterator', signal, () => {
      const { StreamName: _stream, ...position } = input;
      this.iterators.push(position);
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
    const range = shard.shard.SequenceNumberRange;
    if (range) range.EndingSequenceNumber = String(1_000 + this.#sequence);
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

function isFrom(record: _Record, input: Parameters<KinesisApi['getShardIterator']>[0]): boolean {
  const sequence = Number(record.SequenceNumber);
  const given = Number(input.StartingSequenceNumber);
  if (input.ShardIteratorType === 'AT_SEQUENCE_NUMBER') return sequence >= given;
  if (input.ShardIteratorType === 'AFTER_SEQUENCE_NUMBER') return sequence > given;
  if (input.ShardIteratorType === 'LATEST') return false;
  if (input.ShardIteratorType === 'TRIM_HORIZON') return true;
  return (record.ApproximateArrivalTimestamp?.getTime() ?? 0) >= (input.Timestamp?.getTime() ?? 0);
}

/**
 * The few AWS calls the consumer makes, so that tests can stand in for them. `clients.ts` makes them from the SDK.
 * Every call rejects with the SDK's error (its `name` is the service's error code) and honours the signal.
 */
import type {
  CreateTableCommandInput,
  DeleteItemCommandInput,
  DescribeTableCommandOutput,
  GetItemCommandInput,
  GetItemCommandOutput,
  PutItemCommandInput,
  ScanCommandInput,
  ScanCommandOutput,
  UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type {
  DescribeStreamConsumerCommandInput,
  DescribeStreamConsumerCommandOutput,
  DescribeStreamSummaryCommandOutput,
  GetRecordsCommandInput,
  GetShardIteratorCommandInput,
  ListShardsCommandInput,
  ListShardsCommandOutput,
  RegisterStreamConsumerCommandInput,
  SubscribeToShardCommandInput,
  SubscribeToShardCommandOutput,
} from '@aws-sdk/client-kinesis';
import type { RecordsAnswer } from './recordsAnswer.ts';

export interface KinesisApi {
  listShards(
    input: ListShardsCommandInput,
    signal?: AbortSignal,
  ): Promise<Pick<ListShardsCommandOutput, 'Shards' | 'NextToken'>>;
  getShardIterator(
    input: GetShardIteratorCommandInput,
    signal?: AbortSignal,
  ): Promise<{ ShardIterator?: string | undefined }>;
  getRecords(input: GetRecordsCommandInput, signal?: AbortSignal): Promise<RecordsAnswer>;
  describeStreamSummary(
    streamName: string,
    signal?: AbortSignal,
  ): Promise<Pick<DescribeStreamSummaryCommandOutput, 'StreamDescriptionSummary'>>;
  describeStreamConsumer(
    input: DescribeStreamConsumerCommandInput,
    signal?: AbortSignal,
  ): Promise<Pick<DescribeStreamConsumerCommandOutput, 'ConsumerDescription'>>;
  registerStreamConsumer(input: RegisterStreamConsumerCommandInput, signal?: AbortSignal): Promise<unknown>;
  /** May wait for the first event before it resolves. The connection is closed when the signal aborts. */
  subscribeToShard(
    input: SubscribeToShardCommandInput,
    signal: AbortSignal,
  ): Promise<Pick<SubscribeToShardCommandOutput, 'EventStream'>>;
}

export interface DynamoDbApi {
  describeTable(tableName: string, signal?: AbortSignal): Promise<Pick<DescribeTableCommandOutput, 'Table'>>;
  createTable(input: CreateTableCommandInput, signal?: AbortSignal): Promise<unknown>;
  getItem(input: GetItemCommandInput, signal?: AbortSignal): Promise<Pick<GetItemCommandOutput, 'Item'>>;
  scan(input: ScanCommandInput, signal?: AbortSignal): Promise<Pick<ScanCommandOutput, 'Items' | 'LastEvaluatedKey'>>;
  putItem(input: PutItemCommandInput, signal?: AbortSignal): Promise<unknown>;
  updateItem(input: UpdateItemCommandInput, signal?: AbortSignal): Promise<unknown>;
  deleteItem(input: DeleteItemCommandInput, signal?: AbortSignal): Promise<unknown>;
}

/** Every fault of the suite; `docs/reliability.md` tells of each under the same name. */
import type { FaultRow } from './row.ts';
import { dynamodbRows } from './rows/dynamodb.ts';
import { elasticsearchRows } from './rows/elasticsearch.ts';
import { kinesisRows } from './rows/kinesis.ts';
import { machineRows } from './rows/machine.ts';
import { s3Rows } from './rows/s3.ts';
import { togetherRows } from './rows/together.ts';

/** First the one that lasts half a minute, so that others go on beside it. */
export const table: readonly FaultRow[] = [
  ...kinesisRows.toSorted((a, b) => Number(isLong(b)) - Number(isLong(a))),
  ...machineRows,
  ...togetherRows,
  ...dynamodbRows,
  ...elasticsearchRows,
  ...s3Rows,
];

function isLong({ name }: FaultRow): boolean {
  return name === 'Kinesis: no answer';
}

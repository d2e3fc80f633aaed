/**
 * Reads the answer to GetRecords from its bytes. An answer holds thousands of records, of which the SDK makes texts first and
 * checks each of them letter by letter: that costs more than all that is done with the records afterwards.
 */
import type { _Record, ChildShard } from '@aws-sdk/client-kinesis';
import { scanRecords } from './scannedRecords.ts';

/** An array, or what makes the records when they are asked for. */
export interface StoredRecords extends Iterable<_Record> {
  readonly length: number;
  at(index: number): _Record | undefined;
}

export interface RecordsAnswer {
  readonly Records?: StoredRecords | undefined;
  readonly NextShardIterator?: string | undefined;
  readonly MillisBehindLatest?: number | undefined;
  readonly ChildShards?: ChildShard[] | undefined;
}

const LIST = Buffer.from('"Records":[');
const BACKSLASH = 0x5c;

/**
 * The records are made from the bytes when they are asked for, all of them once.
 * @param release called when the bytes are not needed any more; never when no record is asked for
 * @throws SyntaxError when they are no such answer
 */
export function parseRecordsAnswer(bytes: Buffer, release: () => void): RecordsAnswer {
  // Without an escape no text can hold these quotes.
  const found = bytes.includes(BACKSLASH) ? -1 : bytes.indexOf(LIST);
  const records = found < 0 ? undefined : scanRecords(bytes, found + LIST.length, release);
  if (records === undefined) {
    const text = bytes.toString();
    release();
    return parseWhole(text);
  }
  const others = bytes.utf8Slice(0, found + LIST.length) + bytes.utf8Slice(records.end, bytes.length);
  return { ...fieldsOf(others), Records: records };
}

/** For answers that are not in Kinesis's own form. */
function parseWhole(text: string): RecordsAnswer {
  const fields = fieldsOf(text);
  return { ...fields, Records: fields.Records?.map(recordOf) };
}

interface AnswerFields extends Omit<RecordsAnswer, 'Records'> {
  readonly Records?: RecordFields[] | undefined;
}

interface RecordFields {
  readonly SequenceNumber?: string | null;
  readonly PartitionKey?: string | null;
  /** Base64. */
  readonly Data?: string | null;
  /** Seconds since 1970. */
  readonly ApproximateArrivalTimestamp?: number | null;
}

/** @throws SyntaxError */
function fieldsOf(text: string): AnswerFields {
  const { Records, NextShardIterator, MillisBehindLatest, ChildShards } = JSON.parse(text);
  return {
    Records: Records ?? undefined,
    NextShardIterator: NextShardIterator ?? undefined,
    MillisBehindLatest: MillisBehindLatest ?? undefined,
    ChildShards: ChildShards ?? undefined,
  };
}

function recordOf({ SequenceNumber, Data, PartitionKey, ApproximateArrivalTimestamp: seconds }: RecordFields): _Record {
  return {
    SequenceNumber: SequenceNumber ?? undefined,
    Data: typeof Data === 'string' ? Buffer.from(Data, 'base64') : undefined,
    PartitionKey: PartitionKey ?? undefined,
    ApproximateArrivalTimestamp: typeof seconds === 'number' ? new Date(Math.round(seconds * 1_000)) : undefined,
  };
}

/**
 * From what Kinesis stores to what a producer meant: one stored record holds one user record, plain or compressed, or,
 * written by the Kinesis Producer Library, several.
 */
import type { _Record } from '@aws-sdk/client-kinesis';
import { decompress, RecordTooLarge } from './decompress.ts';
import { deaggregate } from './kplDeaggregator.ts';
import type { ConsumerRecord } from './types.ts';

export interface RecordForms {
  /** The user records of one stored record, in order, their `subSequenceNumber` counting from 0. Never none. */
  userRecords(stored: _Record): ConsumerRecord[];
}

export function createRecordForms(expandedBytesMax: number | undefined): RecordForms {
  return {
    userRecords(stored) {
      const bytes = stored.Data ?? NO_BYTES;
      const parts = deaggregate(bytes);
      if (parts === undefined) return [userRecord(stored, bytes, 0, expandedBytesMax)];
      return parts.map(({ data, partitionKey }, index) => ({
        ...userRecord(stored, data, index, expandedBytesMax),
        partitionKey: partitionKey ?? stored.PartitionKey ?? '',
      }));
    },
  };
}

const NO_BYTES = new Uint8Array(0);

function userRecord(
  stored: _Record,
  bytes: Uint8Array,
  subSequenceNumber: number,
  expandedBytesMax: number | undefined,
): ConsumerRecord {
  const record = {
    sequenceNumber: stored.SequenceNumber ?? '',
    subSequenceNumber,
    partitionKey: stored.PartitionKey ?? '',
    approximateArrivalTimestampMs: stored.ApproximateArrivalTimestamp?.getTime() ?? 0,
  };
  try {
    return { ...record, data: decompress(bytes, expandedBytesMax) };
  } catch (fault) {
    if (!(fault instanceof RecordTooLarge)) throw fault;
    return { ...record, data: bytes, fault };
  }
}

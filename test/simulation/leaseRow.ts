/** A row of the lease table as DynamoDB has it, read without the help of the code that is tested. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { ShardLog } from './ledger.ts';

export type Row = Record<string, AttributeValue>;

const SENTINELS = ['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP', 'SHARD_END'];
const TYPES: Readonly<Record<string, 'S' | 'N' | 'SS'>> = {
  leaseKey: 'S',
  leaseOwner: 'S',
  leaseCounter: 'N',
  ownerSwitchesSinceCheckpoint: 'N',
  checkpoint: 'S',
  checkpointSubSequenceNumber: 'N',
  pendingCheckpoint: 'S',
  pendingCheckpointSubSequenceNumber: 'N',
  parentShardId: 'SS',
  childShardIds: 'SS',
  startingHashKey: 'S',
  endingHashKey: 'S',
};
const ALWAYS = [
  'leaseKey',
  'leaseCounter',
  'ownerSwitchesSinceCheckpoint',
  'checkpoint',
  'checkpointSubSequenceNumber',
];
/** The attributes that KCL would not write so: of another type, empty, missing, unknown. */
export function formFaults(row: Row): string[] {
  const faults = Object.entries(row).flatMap(([name, value]) => {
    const type = TYPES[name];
    const given = type && value[type];
    return given === undefined || Object.keys(value).length !== 1 || given.length === 0 ? [name] : [];
  });
  faults.push(...ALWAYS.filter((name) => row[name] === undefined));
  if (isSentinel(row) && number(row, 'checkpointSubSequenceNumber') !== 0) faults.push('checkpointSubSequenceNumber');
  return faults;
}

export function isSentinel(row: Row): boolean {
  return SENTINELS.includes(checkpointOf(row));
}

export function checkpointOf(row: Row): string {
  return row['checkpoint']?.S ?? '';
}

/** The place of the checkpointed record in its shard; `undefined` for a sentinel. */
export function indexOf(log: ShardLog, row: Row): number | undefined {
  const subSequenceNumber = number(row, 'checkpointSubSequenceNumber');
  return log.indexOf({ sequenceNumber: checkpointOf(row), subSequenceNumber });
}

/** As people write it: `1004/2`, `TRIM_HORIZON/0`. */
export function positionOf(row: Row): string {
  return `${checkpointOf(row)}/${row['checkpointSubSequenceNumber']?.N}`;
}

export function number(row: Row, name: string): number {
  return Number(row[name]?.N ?? Number.NaN);
}

/** `owner w1→w2, counter 5→6`. */
export function describeChange(before: Row | undefined, after: Row | undefined): string {
  if (after === undefined) return 'removed';
  if (before === undefined) return `made at ${positionOf(after)}`;
  const of = (row: Row) => ({
    owner: row['leaseOwner']?.S ?? 'none',
    counter: row['leaseCounter']?.N,
    checkpoint: positionOf(row),
    children: row['childShardIds']?.SS?.length ?? 0,
  });
  const [from, to] = [Object.entries(of(before)), Object.values(of(after))];
  const changes = from.flatMap(([name, value], nth) => (value === to[nth] ? [] : [`${name} ${value}→${to[nth]}`]));
  return changes.join(', ');
}

/** Such a write moves no counter. */
export function onlyChildrenDiffer(before: Row, after: Row): boolean {
  const names = Object.keys({ ...before, ...after });
  return names.every((name) => name === 'childShardIds' || textOf(before[name]) === textOf(after[name]));
}

export function textOf(value: AttributeValue | undefined): string {
  return JSON.stringify(value) ?? '';
}

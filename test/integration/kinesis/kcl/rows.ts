/** Rows of two lease tables side by side. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

type Row = Readonly<Record<string, AttributeValue>>;
/** Attributes by name, each as its type and value. */
export type ComparableRow = Readonly<Record<string, readonly [type: string, value: unknown]>>;

/** By lease key, with what differs from worker to worker replaced, and sets in order. Names and types stay. */
export function comparable(rows: ReadonlyMap<string, Row>): Record<string, ComparableRow> {
  return Object.fromEntries([...rows].map(([leaseKey, row]) => [leaseKey, anyWorker(attributes(row))]));
}

/** For the case that either of several shards will do. */
export function anyShard(row: ComparableRow): ComparableRow {
  return replaced(row, ['leaseKey', 'startingHashKey', 'endingHashKey']);
}

function anyWorker(row: ComparableRow): ComparableRow {
  return replaced(row, ['leaseOwner', 'leaseCounter']);
}

function attributes(row: Row): ComparableRow {
  const entries = Object.entries(row).map(([name, value]) => {
    const [[type, given] = ['', undefined]] = Object.entries(value);
    return [name, [type, Array.isArray(given) ? given.toSorted() : given]] as const;
  });
  return Object.fromEntries(entries);
}

function replaced(row: ComparableRow, names: readonly string[]): ComparableRow {
  const entries = Object.entries(row).map(
    ([name, [type, value]]) => [name, [type, names.includes(name) ? `any ${name}` : value]] as const,
  );
  return Object.fromEntries(entries);
}

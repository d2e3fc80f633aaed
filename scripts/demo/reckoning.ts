import type { Totals } from '../../test/support/predict.ts';

/** What was found at the far ends. */
export interface Found {
  /** Documents by index. */
  readonly indices: Readonly<Record<string, number>>;
  readonly s3Lines: number;
  readonly deadLetters: number;
}

export interface Row {
  readonly name: string;
  readonly predicted: number;
  readonly found: number;
}

export function mergeTotals(left: Totals, right: Totals): Totals {
  const indices = { ...left.indices };
  for (const [name, count] of Object.entries(right.indices)) indices[name] = (indices[name] ?? 0) + count;
  return {
    events: left.events + right.events,
    indices,
    s3Lines: left.s3Lines + right.s3Lines,
    unrouted: left.unrouted + right.unrouted,
    refused: left.refused + right.refused,
  };
}

/** One row for each index that either side names, then the lines in S3 and the dead letters. */
export function reckon(predicted: Totals, found: Found): Row[] {
  const names = new Set([...Object.keys(predicted.indices), ...Object.keys(found.indices)]);
  const rows = [...names].sort().map((name) => ({
    name,
    predicted: predicted.indices[name] ?? 0,
    found: found.indices[name] ?? 0,
  }));
  return [
    ...rows,
    { name: 's3 lines', predicted: predicted.s3Lines, found: found.s3Lines },
    { name: 'dead letters', predicted: predicted.refused, found: found.deadLetters },
  ];
}

export function addsUp(rows: readonly Row[]): boolean {
  return rows.every(({ predicted, found }) => predicted === found);
}

export function documentCount(counts: { readonly indices: Readonly<Record<string, number>> }): number {
  return Object.values(counts.indices).reduce((sum, count) => sum + count, 0);
}

/** Events that Elasticsearch is to take or to refuse. */
export function settledCount(totals: Totals): number {
  return documentCount(totals) + totals.refused;
}

/** The closing table, and a sentence on the events that reach no index. */
export function renderReckoning(predicted: Totals, rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length), 'index'.length);
  const line = (name: string, ...cells: string[]) =>
    `  ${name.padEnd(width)} ${cells.map((cell) => cell.padStart(11)).join('')}`.trimEnd();
  const body = rows.map(({ name, predicted: expected, found }) =>
    line(name, number(expected), number(found), verdict(expected, found)),
  );
  const indexed = documentCount(predicted);
  const rest = [
    `${number(predicted.events)} events from the stream: ${number(indexed)} to Elasticsearch`,
    `${number(predicted.refused)} that it refuses (dead letters)`,
    `${number(predicted.unrouted)} that no output takes (not JSON, or another log type)`,
  ];
  return [line('', 'predicted', 'found'), ...body, `  ${rest.join(', ')}.`].join('\n');
}

export function number(value: number): string {
  return value.toLocaleString('en-US');
}

function verdict(predicted: number, found: number): string {
  if (predicted === found) return 'ok';
  return found < predicted ? `${number(predicted - found)} missing` : `${number(found - predicted)} more`;
}

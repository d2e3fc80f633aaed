/** The ratios of an earlier run, kept with the code, so that a change of them is seen. */
import { readFileSync, writeFileSync } from 'node:fs';
import { figuresOf, type Row } from './figures.ts';

const PATH = new URL('./reference.json', import.meta.url);
/** Below it a difference is likely to be the machine's. */
const CHANGE = 0.15;

type Ratios = Readonly<Record<string, number>>;

function ratiosOf(rows: readonly Row[]): Ratios {
  const loop = rows[0] as Row;
  return Object.fromEntries(rows.slice(1).map((row) => [row.id, figuresOf(row, loop).ratio]));
}

/** Keeps the ratios of this run in place of the earlier ones. */
export function keepRatios(rows: readonly Row[]): void {
  writeFileSync(PATH, `${JSON.stringify(ratiosOf(rows), null, 2)}\n`);
}

/** A line for each program that was measured before. */
export function changesOf(rows: readonly Row[], kept: Ratios = JSON.parse(readFileSync(PATH, 'utf8'))): string {
  return Object.entries(ratiosOf(rows)).map(changeLine(kept)).join('');
}

function changeLine(kept: Ratios) {
  return ([id, ratio]: readonly [string, number]): string => {
    const before = kept[id];
    if (before === undefined) return '';
    const change = ratio / before - 1;
    const percent = `${change < 0 ? '' : '+'}${Math.round(change * 100)} %`;
    const mark = Math.abs(change) > CHANGE ? `  more than ${CHANGE * 100} % ${change > 0 ? 'slower' : 'faster'}` : '';
    return `${id}: ${ratio.toFixed(2)} times the bare loop, kept: ${before.toFixed(2)} (${percent})${mark}\n`;
  };
}

/** Of the runs of each program the medians, beside those of the bare loop, as JSON and as a table. */
import type { Measured } from './measure.ts';
import { median } from './statistics.ts';

export interface Figures {
  /** CPU time an event, divided by that of the bare loop. */
  readonly ratio: number;
  readonly cpuUsPerEvent: number;
  readonly eventsPerSecond: number;
  readonly rssMiB: number;
  /** From the start of the process; null for a program that has no output. */
  readonly firstOutputSeconds: number | null;
}

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly events: number;
  readonly runs: readonly Measured[];
}

export function figuresOf({ events, runs }: Row, loop: Row): Figures {
  const cpuUs = cpuUsPerEvent(runs, events);
  const first = median(runs.map(({ firstOutputMs, startMs }) => ((firstOutputMs ?? Number.NaN) - startMs) / 1000));
  return {
    ratio: rounded(cpuUs / cpuUsPerEvent(loop.runs, loop.events), 2),
    cpuUsPerEvent: rounded(cpuUs, 2),
    eventsPerSecond: Math.round(events / median(runs.map(({ wallSeconds }) => wallSeconds))),
    rssMiB: Math.round(median(runs.map(({ rssMiB }) => rssMiB))),
    firstOutputSeconds: Number.isNaN(first) ? null : rounded(first, 3),
  };
}

function cpuUsPerEvent(runs: readonly Measured[], events: number): number {
  return median(runs.map(({ cpuSeconds }) => (cpuSeconds * 1e6) / events));
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

const HEADS = ['CPU ×(a)', 'CPU µs an event', 'events a CPU s', 'events a second', 'RSS MiB', 'first output, s'];

export function tableOf(rows: readonly Row[], loop: Row): string {
  const lines = rows.map((row) => {
    const figures = figuresOf(row, loop);
    const cells = [figures.ratio.toFixed(2), figures.cpuUsPerEvent.toFixed(2)];
    cells.push(Math.round(1e6 / figures.cpuUsPerEvent).toLocaleString('en'));
    cells.push(figures.eventsPerSecond.toLocaleString('en'), String(figures.rssMiB));
    cells.push(figures.firstOutputSeconds?.toFixed(2) ?? '');
    return line(row.title, cells);
  });
  return [line('', HEADS), ...lines].join('');
}

function line(title: string, cells: readonly string[]): string {
  return `${title.padEnd(30)}${cells.map((cell, i) => cell.padStart((HEADS[i]?.length ?? 0) + 3)).join('')}\n`;
}

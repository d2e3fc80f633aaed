import { join } from 'node:path';
import { accessLogLines } from './accessLog.ts';
import { generated, writeTexts } from './generated.ts';

export const LINE_SOURCES = ['test/bench/accessLog.ts', 'scripts/geoip/random.ts'];

/** Path of a file of so many access log lines. */
export function linesFile(events: number): string {
  const folder = generated(`lines-${events}`, LINE_SOURCES, (directory) => {
    writeTexts(join(directory, 'lines.jsonl'), endedLines(events));
  });
  return join(folder, 'lines.jsonl');
}

/** The same lines with a field `tenant` of so many values, in turn. */
export function tenantLinesFile(events: number, tenants: number): string {
  const folder = generated(
    `lines-${events}-tenants-${tenants}`,
    [...LINE_SOURCES, 'test/bench/lines.ts'],
    (directory) => {
      writeTexts(join(directory, 'lines.jsonl'), tenantLines(events, tenants));
    },
  );
  return join(folder, 'lines.jsonl');
}

function* tenantLines(events: number, tenants: number): Generator<string> {
  let number = 0;
  for (const line of accessLogLines(events)) yield `{"tenant":"t${number++ % tenants}",${line.slice(1)}\n`;
}

function* endedLines(events: number): Generator<string> {
  for (const line of accessLogLines(events)) yield `${line}\n`;
}

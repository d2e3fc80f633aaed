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

function* endedLines(events: number): Generator<string> {
  for (const line of accessLogLines(events)) yield `${line}\n`;
}

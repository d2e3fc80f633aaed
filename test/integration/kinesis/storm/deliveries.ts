/** What the outputs of the processes hold, read back as a user's tools read it: line by line. */
import { existsSync, readFileSync, statSync } from 'node:fs';

export interface Delivery {
  readonly id: number;
  /** Where the line begins, in bytes. */
  readonly offset: number;
}

/** A line that a kill cut short counts as no delivery; what a restart wrote behind it is lost to a reader of lines. */
export interface Written {
  readonly deliveries: readonly Delivery[];
  readonly brokenLines: readonly string[];
}

export function readWritten(path: string): Written {
  const deliveries: Delivery[] = [];
  const brokenLines: string[] = [];
  let offset = 0;
  for (const line of existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []) {
    const id = idOf(line);
    if (id !== undefined) deliveries.push({ id, offset });
    else if (line !== '') brokenLines.push(line);
    offset += Buffer.byteLength(line) + 1;
  }
  return { deliveries, brokenLines };
}

export function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

function idOf(line: string): number | undefined {
  try {
    return JSON.parse(line).id;
  } catch {
    return undefined;
  }
}

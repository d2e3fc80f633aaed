/**
 * The dead letter queue as tools see it. They may look and remove while a process writes to it: entries are removed by
 * noting their ids in a file of its own, and the writer drops segments that are removed whole.
 */
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEncodedJson } from '../event/json.ts';
import { isMap, type Value, type ValueMap } from '../event/value.ts';
import { hasCode } from '../util/errors.ts';
import type { SegmentRecord } from './segmentFormat.ts';
import { listSegments, readHead, readSegment, type SegmentLog } from './segmentLog.ts';

export interface StoredDeadLetter {
  /** Never used again for another entry. */
  readonly id: number;
  /** When it was refused, in milliseconds since 1970. */
  readonly timeMs: number;
  readonly pluginType: string;
  readonly pluginId: string;
  readonly reason: string;
  /** As `Event.origin`. */
  readonly origin: string | undefined;
  readonly metadata: ValueMap;
  readonly data: ValueMap;
}

/** From `fromId` on, oldest first, without those that are removed. None where there is no queue. @throws SegmentDamaged */
export async function* readDeadLetters(directory: string, fromId = 0): AsyncGenerator<StoredDeadLetter> {
  const [segments, removed, headId] = await Promise.all([
    listSegments(directory),
    readRemoved(directory),
    readHead(directory),
  ]);
  const minId = Math.max(fromId, headId);
  for (const [index, segment] of segments.entries()) {
    if ((segments[index + 1]?.firstId ?? Number.POSITIVE_INFINITY) <= minId) continue;
    for (const record of await readSegment(segment, { isLast: index === segments.length - 1 })) {
      if (record.id >= minId && !removed.has(record.id)) yield decodeEntry(record);
    }
  }
}

function decodeEntry({ id, payload }: SegmentRecord): StoredDeadLetter {
  const entry = mapOf(parseEncodedJson(Buffer.from(payload).toString('utf8'), 'decimal'));
  const text = (name: string) => (typeof entry[name] === 'string' ? (entry[name] as string) : '');
  return {
    id,
    timeMs: Date.parse(text('entry_time')),
    pluginType: text('plugin_type'),
    pluginId: text('plugin_id'),
    reason: text('reason'),
    origin: text('origin') || undefined,
    metadata: mapOf(entry['metadata']),
    data: mapOf(entry['event']),
  };
}

function mapOf(value: Value | undefined): ValueMap {
  return value !== undefined && isMap(value) ? value : {};
}

/** A set of ids, kept as ranges. */
export class IdSet {
  /** Sorted; both ends are in the set, and no two ranges touch. */
  readonly #ranges: (readonly [number, number])[];

  constructor(ranges: readonly (readonly [number, number])[] = []) {
    this.#ranges = [...ranges];
  }

  get ranges(): readonly (readonly [number, number])[] {
    return this.#ranges;
  }

  has(id: number): boolean {
    return this.hasAll(id, id);
  }

  hasAll(from: number, to: number): boolean {
    return this.#ranges.some(([first, last]) => first <= from && to <= last);
  }

  with(ids: readonly number[]): IdSet {
    const all = [...this.#ranges, ...ids.map((id) => [id, id] as const)].sort((left, right) => left[0] - right[0]);
    const merged: [number, number][] = [];
    for (const [first, last] of all) {
      const open = merged.at(-1);
      if (open !== undefined && first <= open[1] + 1) open[1] = Math.max(open[1], last);
      else merged.push([first, last]);
    }
    return new IdSet(merged);
  }
}

const REMOVED = 'removed.json';

export async function readRemoved(directory: string): Promise<IdSet> {
  try {
    return new IdSet(JSON.parse(await readFile(join(directory, REMOVED), 'utf8')));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return new IdSet();
    throw error;
  }
}

/** One tool at a time. */
export async function removeDeadLetters(directory: string, ids: readonly number[]): Promise<void> {
  const path = join(directory, REMOVED);
  const removed = (await readRemoved(directory)).with(ids);
  await writeFile(`${path}.new`, JSON.stringify(removed.ranges), { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
}

/** Up to which id whole segments hold nothing that is still wanted. The one that is written to counts when it is too old. */
export async function emptySegments(log: SegmentLog, removed: IdSet, olderThanMs: number | undefined): Promise<number> {
  let emptyTo = log.headId;
  for (const [index, segment] of log.segments.entries()) {
    const endId = log.segments[index + 1]?.firstId ?? log.nextId;
    const isRemoved = endId > segment.firstId && removed.hasAll(Math.max(segment.firstId, log.headId), endId - 1);
    const isOld = olderThanMs !== undefined && (await stat(segment.path)).mtimeMs < olderThanMs;
    if (!isRemoved && !isOld) break;
    emptyTo = endId;
  }
  return emptyTo;
}

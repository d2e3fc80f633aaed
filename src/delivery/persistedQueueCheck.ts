/** The files of a persisted queue, looked at and repaired without a pipeline. */
import { readFile } from 'node:fs/promises';
import { countEvents } from './eventLines.ts';
import { decodeHeader, HEADER_BYTES, scanStretches } from './segmentFormat.ts';
import { filesIn, listSegments, readHead, readSegment, repairSegment, type Segment } from './segmentLog.ts';

export interface QueuePage {
  readonly path: string;
  readonly bytes: number;
  /** Batches that are whole, settled ones too. */
  readonly batches: number;
  /** Events that are whole and not settled. */
  readonly events: number;
  /** Where bytes are unsound; `undefined` for a sound page. */
  readonly damagedAt: number | undefined;
  /** Bytes at the end of the last page, half a batch: a crash cut it off, or a process is writing it. */
  readonly cutOff: number;
  /** Batches that are in no page and should stand between the page before and this one. */
  readonly missingBefore: number;
}

export interface QueueState {
  readonly pages: readonly QueuePage[];
  /** Whole and not settled, in all pages. */
  readonly events: number;
}

/** Reads every page. A queue that is not there has none. */
export async function checkQueue(directory: string): Promise<QueueState> {
  const segments = await listSegments(directory);
  const headId = segments.length === 0 ? 0 : await readHead(directory);
  const pages: QueuePage[] = [];
  let nextId = segments[0]?.firstId ?? 0;
  for (const [index, segment] of segments.entries()) {
    const content = await readFile(segment.path);
    const isLast = index === segments.length - 1;
    const { page, endId } = checkPage(segment, content, headId, isLast);
    pages.push({ ...page, missingBefore: Math.max(0, segment.firstId - Math.max(nextId, headId)) });
    nextId = endId;
  }
  return { pages, events: pages.reduce((sum, { events }) => sum + events, 0) };
}

function checkPage(
  { path, firstId }: Segment,
  content: Buffer,
  headId: number,
  isLast: boolean,
): { readonly page: Omit<QueuePage, 'missingBefore'>; readonly endId: number } {
  const bytes = content.length;
  const isBegun = bytes >= HEADER_BYTES || !isLast;
  const isHeaderSound = decodeHeader(content) === firstId;
  const stretches = [...scanStretches(content, Math.min(bytes, HEADER_BYTES), firstId)];
  const records = stretches.flatMap((stretch) => stretch.records);
  const end = stretches[0]?.end ?? bytes;
  const rest = isBegun ? bytes - end : bytes;
  const isDamaged = isBegun && (!isHeaderSound || stretches.length > 1 || (rest > 0 && !isLast));
  const unsettled = records.filter(({ id }) => id >= headId);
  const page = {
    path,
    bytes,
    batches: records.length,
    events: unsettled.reduce((sum, { payload }) => sum + countEvents(payload), 0),
    damagedAt: isDamaged ? (isHeaderSound ? end : 0) : undefined,
    cutOff: isDamaged ? 0 : rest,
  };
  return { page, endId: (records.at(-1)?.id ?? firstId - 1) + 1 };
}

/** Whether events are there that are not settled; cheaper than `checkQueue`. */
export async function hasQueuedEvents(directory: string): Promise<boolean> {
  const segments = await listSegments(directory);
  const last = segments.at(-1);
  if (last === undefined) return false;
  const headId = await readHead(directory);
  if (last.firstId > headId) return true;
  const records = await readSegment(last, { isLast: true }).catch(() => []);
  return (records.at(-1)?.id ?? -1) >= headId;
}

/** Whether pages of a Logstash stand there, which are not read. */
export async function hasLogstashPages(directory: string): Promise<boolean> {
  return (await filesIn(directory)).some((name) => /^page\.\d+$/.test(name));
}

export interface Repair {
  readonly path: string;
  /** Taken out, and kept in a file beside it. */
  readonly removedBytes: number;
}

/** Takes what is damaged out of each page. Nobody else may use the directory. */
export async function repairQueue(directory: string): Promise<Repair[]> {
  const repairs: Repair[] = [];
  for (const segment of await listSegments(directory)) {
    const removedBytes = await repairSegment(segment);
    if (removedBytes > 0) repairs.push({ path: segment.path, removedBytes });
  }
  return repairs;
}

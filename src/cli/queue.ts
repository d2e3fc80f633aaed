/** `logstash-ts queue …`. */
import { basename, join } from 'node:path';
import { checkQueue, type QueuePage, type QueueState, repairQueue } from '../delivery/persistedQueueCheck.ts';
import { DataDirectoryInUse, DataDirectoryUnusable, lockQueueDirectory } from '../runtime/dataDirectory.ts';
import { packageRoot } from '../util/packageRoot.ts';
import type { Environment } from './configuration.ts';
import { counted } from './kinesisText.ts';
import { QUEUE } from './queueFlags.ts';
import { queueDirectory } from './queueSettings.ts';
import { type Options, runGroup, ToolFault, textOption } from './subcommands.ts';
import { textTable } from './textTable.ts';

/** Gives the exit code. `args` are those behind `queue`. */
export async function runQueue(args: readonly string[], env: Environment): Promise<number> {
  return runGroup(QUEUE, args, async ({ name, options }) => {
    const directory = queueDirectory({
      dataPath: textOption(options, 'path.data') ?? join(packageRoot(), 'data'),
      queuePath: textOption(options, 'path.queue'),
      pipelineId: textOption(options, 'pipeline.id') ?? 'main',
    });
    return name === 'check' ? check(directory, options, env) : repair(directory, options);
  });
}

async function check(directory: string, options: Options, env: Environment): Promise<number> {
  const state = await checkQueue(directory);
  const isSound = state.pages.every(({ damagedAt }) => damagedAt === undefined);
  if (options['json'] === true) print(JSON.stringify({ directory, sound: isSound, ...json(state) }, undefined, 2));
  else print(table(directory, state, process.stdout.isTTY && env['NO_COLOR'] === undefined));
  return isSound ? 0 : 1;
}

function table(directory: string, { pages, events }: QueueState, color: boolean): string {
  const bytes = pages.reduce((sum, page) => sum + page.bytes, 0);
  const summary = `${counted(events, 'event')} to deliver in ${counted(pages.length, 'page')}, ${bytes} bytes, in ${directory}`;
  if (pages.length === 0) return summary;
  const columns = [
    { head: 'page' },
    { head: 'bytes', align: 'right' },
    { head: 'batches', align: 'right' },
    { head: 'to deliver', align: 'right' },
    { head: 'state' },
  ] as const;
  const rows = pages.map((page) => [
    { text: basename(page.path) },
    { text: String(page.bytes) },
    { text: String(page.batches) },
    { text: String(page.events) },
    { text: stateOf(page), isBad: page.damagedAt !== undefined || page.missingBefore > 0 },
  ]);
  return [summary, '', ...textTable(columns, rows, color)].join('\n');
}

function stateOf({ damagedAt, missingBefore, cutOff }: QueuePage): string {
  const parts: string[] = [];
  if (missingBefore > 0) parts.push(`${counted(missingBefore, 'batch', 'batches')} missing before it`);
  if (damagedAt !== undefined) parts.push(`damaged at byte ${damagedAt}`);
  if (cutOff > 0) parts.push(`${cutOff} bytes of a batch that is being written, or was cut off by a crash`);
  return parts.join('; ') || 'sound';
}

function json({ pages, events }: QueueState) {
  return {
    events,
    pages: pages.map(({ path, bytes, batches, events: ofPage, damagedAt, cutOff, missingBefore }) => ({
      path,
      bytes,
      batches,
      events: ofPage,
      damaged_at: damagedAt ?? null,
      cut_off_bytes: cutOff,
      missing_before: missingBefore,
    })),
  };
}

async function repair(directory: string, options: Options): Promise<number> {
  const before = await checkQueue(directory);
  if (before.pages.length === 0) throw new ToolFault(`there is no queue in ${directory}`);
  const unlock = locked(directory);
  try {
    const repairs = await repairQueue(directory);
    const { events } = await checkQueue(directory);
    if (options['json'] === true) {
      const removed = repairs.map(({ path, removedBytes }) => ({
        path,
        removed_bytes: removedBytes,
        kept_in: `${path}.damaged`,
      }));
      print(JSON.stringify({ directory, events, repaired: removed }, undefined, 2));
      return 0;
    }
    for (const { path, removedBytes } of repairs)
      print(`${removedBytes} bytes taken out of ${path}, and kept in ${path}.damaged`);
    if (repairs.length === 0) print('nothing is damaged');
    print(`${counted(events, 'event')} to deliver`);
    return 0;
  } finally {
    unlock();
  }
}

function locked(directory: string): () => void {
  try {
    return lockQueueDirectory(directory);
  } catch (error) {
    if (error instanceof DataDirectoryInUse || error instanceof DataDirectoryUnusable)
      throw new ToolFault(error.message);
    throw error;
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

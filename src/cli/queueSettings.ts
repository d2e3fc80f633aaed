/** The queue between inputs and filters, from the flags to the pipeline. */
import { join } from 'node:path';
import { hasLogstashPages, hasQueuedEvents } from '../delivery/persistedQueueCheck.ts';
import type { QueueSettings } from '../runtime/pipeline.ts';
import type { Logger } from '../util/logger.ts';
import type { Arguments } from './arguments.ts';

export interface QueuePlace {
  readonly dataPath: string;
  /** `path.queue`, or `path.dead_letter_queue` */
  readonly queuePath: string | undefined;
  readonly pipelineId: string;
}

/** As Logstash: a directory for each pipeline. */
export function queueDirectory({ dataPath, queuePath, pipelineId }: QueuePlace): string {
  return join(queuePath ?? join(dataPath, 'queue'), pipelineId);
}

export function deadLetterDirectory({ dataPath, queuePath, pipelineId }: QueuePlace): string {
  return join(queuePath ?? join(dataPath, 'dead_letter_queue'), pipelineId);
}

/** `undefined` for a queue in memory. */
export function queueSettings({ queue, pipelineId }: Arguments, dataPath: string): QueueSettings | undefined {
  if (queue.type === 'memory') return undefined;
  const { path, drains, pageBytes, bytesMax, eventsMax, ackEventsMax, ackIntervalMs } = queue;
  const place = path === undefined ? `--path.data ${dataPath}` : `--path.queue ${path}`;
  const whose = pipelineId === 'main' ? '' : ` --pipeline.id ${pipelineId}`;
  return {
    directory: queueDirectory({ dataPath, queuePath: path, pipelineId }),
    drains,
    pageBytes,
    bytesMax,
    eventsMax,
    ackEventsMax,
    ackIntervalMs,
    repairCommand: `bin/logstash-ts queue repair ${place}${whose}`,
  };
}

/** Events that this run will not touch, though somebody may think so. */
export async function warnOfOtherQueues(
  { queue, pipelineId }: Arguments,
  dataPath: string,
  logger: Logger,
): Promise<void> {
  const directory = queueDirectory({ dataPath, queuePath: queue.path, pipelineId });
  if (queue.type === 'memory') {
    if (!(await hasQueuedEvents(directory))) return;
    logger.warn(
      `${directory} has events of a persisted queue that are not delivered: --queue.type persisted delivers them`,
    );
  } else if (await hasLogstashPages(directory)) {
    logger.warn(
      `${directory} has pages of a queue of Logstash, which are not read: let Logstash drain it with queue.drain, then remove them`,
    );
  }
}

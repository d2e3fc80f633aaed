/** The streams that a configuration reads, for the tools that look at them from outside of a pipeline. */
import type { ResolvedPipeline } from '../compiler/index.ts';
import { describeError, withAdvice } from '../kinesis/awsErrors.ts';
import { type ClientSettings, type Clients, createClients } from '../kinesis/clients.ts';
import { LeaseTable } from '../kinesis/leaseTable.ts';
import { FAILOVER_TIME_MS } from '../kinesis/resolveOptions.ts';
import { SeekRefused } from '../kinesis/seek.ts';
import type { InitialPosition } from '../kinesis/types.ts';
import { clientSettings, type KinesisOptions, streamSettings } from '../plugins/inputs/kinesis/settings.ts';
import { systemClock } from '../util/clock.ts';
import type { Logger } from '../util/logger.ts';
import { ToolFault } from './subcommands.ts';

export interface StreamTarget {
  readonly streamName: string;
  readonly tableName: string;
  readonly region: string;
  readonly failoverTimeMs: number;
  readonly initialPosition: InitialPosition;
  readonly client: ClientSettings;
  readonly logger: Logger;
}

/** Each stream with its lease table once, in the order of the configuration. */
export function kinesisStreams({ inputs }: ResolvedPipeline, logger: Logger): StreamTarget[] {
  const targets = new Map<string, StreamTarget>();
  for (const { definition, options } of inputs) {
    if (definition.name !== 'kinesis') continue;
    const given = options as KinesisOptions;
    const client = clientSettings(given);
    for (const { streamName, tableName, failoverTimeMs, initialPosition } of streamSettings(given)) {
      const key = JSON.stringify([client.dynamodbEndpoint ?? client.region, tableName]);
      targets.set(key, {
        streamName,
        tableName,
        region: client.region,
        failoverTimeMs: failoverTimeMs ?? FAILOVER_TIME_MS,
        initialPosition: initialPosition ?? { type: 'TRIM_HORIZON' },
        client,
        logger,
      });
    }
  }
  if (targets.size === 0) throw new ToolFault('the configuration has no kinesis input, so there are no leases');
  return [...targets.values()];
}

/** @throws ToolFault */
export function chooseStreams(
  streams: readonly StreamTarget[],
  { streamName, tableName }: { readonly streamName: string | undefined; readonly tableName: string | undefined },
): StreamTarget[] {
  const chosen = streams.filter(
    (stream) =>
      (streamName === undefined || stream.streamName === streamName) &&
      (tableName === undefined || stream.tableName === tableName),
  );
  if (chosen.length > 0) return chosen;
  const wanted = [streamName && `stream "${streamName}"`, tableName && `lease table "${tableName}"`].filter(Boolean);
  throw new ToolFault(`the configuration has no ${wanted.join(' with ')}; it reads ${listed(streams)}`);
}

export function listed(streams: readonly StreamTarget[]): string {
  return streams.map(({ streamName, tableName }) => `${streamName} (lease table ${tableName})`).join(', ');
}

/** `stream logs, lease table logstash in us-east-1`. */
export function titleOf({ streamName, tableName, region }: StreamTarget): string {
  return `stream ${streamName}, lease table ${tableName} in ${region}`;
}

/** What the tools of `src/kinesis` work with. */
export type ToolSurroundings = Pick<Clients, 'kinesis'> & {
  readonly table: LeaseTable;
  readonly clock: typeof systemClock;
  readonly random: () => number;
  readonly signal: AbortSignal;
};

/** Ctrl-C ends the process at once, so that nothing is to be aborted. */
const NEVER = new AbortController().signal;

/** @throws ToolFault in place of what AWS calls throw */
export async function withClients<T>(target: StreamTarget, task: (around: ToolSurroundings) => Promise<T>): Promise<T> {
  const clients = await createClients(target.client, { logger: target.logger, clock: systemClock });
  try {
    const table = new LeaseTable(target.tableName, clients.dynamodb);
    return await task({ kinesis: clients.kinesis, table, clock: systemClock, random: Math.random, signal: NEVER });
  } catch (error) {
    if (error instanceof SeekRefused) throw new ToolFault(error.message);
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    throw new ToolFault(withAdvice(`${titleOf(target)}: ${describeError(error)}`, error));
  } finally {
    clients.destroy();
  }
}

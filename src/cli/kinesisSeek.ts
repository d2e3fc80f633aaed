/** `logstash-ts kinesis seek`. */
import { type RowPosition, type SeekedShard, type SeekResult, seek } from '../kinesis/seek.ts';
import type { InitialPosition } from '../kinesis/types.ts';
import { UsageError } from './arguments.ts';
import type { Environment } from './configuration.ts';
import { durationText } from './durationText.ts';
import { listed, type StreamTarget, titleOf, withClients } from './kinesisStreams.ts';
import { counted, isoTime, ownerText, positionText, shardList } from './kinesisText.ts';
import { ToolFault } from './subcommands.ts';
import { type Cell, type Column, textTable } from './textTable.ts';
import { parseTimeText, TIME_FORMS } from './timeText.ts';

export interface SeekFlags {
  readonly json: boolean;
  readonly dryRun: boolean;
}

const FORMS = `${TIME_FORMS}, TRIM_HORIZON or LATEST`;

/** @throws UsageError */
export function parseTarget(text: string | undefined, nowMs: number): InitialPosition {
  if (text === undefined) throw new UsageError(`seek needs --to: ${FORMS}`);
  if (text === 'TRIM_HORIZON' || text === 'LATEST') return { type: text };
  // Whatever is older than the stream means its oldest records.
  const timestampMs = Math.max(0, parseTimeText('--to', text, FORMS, nowMs));
  if (timestampMs > nowMs) throw new UsageError(`--to ${text} lies in the future; LATEST reads what comes from now on`);
  return { type: 'AT_TIMESTAMP', timestampMs };
}

/** @throws ToolFault, when not all is done that was asked for */
export async function moveCheckpoints(
  streams: readonly StreamTarget[],
  target: InitialPosition,
  flags: SeekFlags,
  env: Environment,
): Promise<void> {
  const [stream, ...others] = streams;
  if (stream === undefined || others.length > 0) {
    throw new ToolFault(`seek moves one stream at a time: choose by --stream or --table among ${listed(streams)}`);
  }
  const { streamName, failoverTimeMs } = stream;
  const progress = (text: string) => process.stderr.write(`${text}\n`);
  const result = await withClients(stream, (around) =>
    seek({ streamName, target, failoverTimeMs, dryRun: flags.dryRun }, { ...around, progress }),
  );
  const color = process.stdout.isTTY === true && !env['NO_COLOR'];
  const done: Seek = { stream, target, flags, result };
  const lines = flags.json ? [JSON.stringify(jsonSeek(done), undefined, 2)] : seekText(done, Date.now(), color);
  process.stdout.write(`${lines.join('\n')}\n`);
  if (result.stopped === null) return;
  const { shardId, reason } = result.stopped;
  throw new ToolFault(`stopped at ${shardId}: ${reason}. Once that is mended, give the command again`);
}

export interface Seek {
  readonly stream: StreamTarget;
  readonly target: InitialPosition;
  readonly flags: SeekFlags;
  readonly result: SeekResult;
}

const COLUMNS: readonly Column[] = [{ head: 'shard' }, { head: 'before' }, { head: 'after' }, { head: '' }];

export function seekText({ stream, target, flags, result }: Seek, nowMs: number, color: boolean): string[] {
  const { shards, leftShardIds } = result;
  const place = (position: RowPosition | null) => (position ? positionText(position, nowMs) : 'no row');
  const rows = shards.map((shard): Cell[] => [
    { text: shard.shardId },
    { text: place(shard.before) },
    { text: place(shard.after) },
    { text: moveText(shard, flags.dryRun), isBad: !shard.done && !flags.dryRun },
  ]);
  return [
    `${titleOf(stream)}: to ${targetText(target)}`,
    '',
    ...textTable(COLUMNS, rows, color),
    '',
    summary(shards, flags.dryRun),
    ...(leftShardIds.length > 0
      ? [`Left alone, since the stream no longer has them: ${shardList(leftShardIds)}.`]
      : []),
  ];
}

function targetText(target: InitialPosition): string | null {
  return target.type === 'AT_TIMESTAMP' ? isoTime(target.timestampMs) : target.type;
}

/** `back 2 h` where the times of both records are known. */
function moveText(shard: SeekedShard, dryRun: boolean): string {
  if (!shard.done && !dryRun) return 'not moved';
  if (shard.change === 'none') return shard.after === null ? 'not needed' : 'stays';
  if (shard.change === 'create') return 'new row';
  if (shard.direction === 'none') return 'stays, owner removed';
  if (shard.direction === 'unknown') return 'moved';
  const movedMs = distanceMs(shard);
  return movedMs === null ? shard.direction : `${shard.direction} ${durationText(Math.abs(movedMs))}`;
}

/** Negative for back. */
function distanceMs({ before, after }: SeekedShard): number | null {
  const [fromMs, toMs] = [before?.arrivalMs ?? null, after?.arrivalMs ?? null];
  return fromMs === null || toMs === null ? null : toMs - fromMs;
}

function summary(shards: readonly SeekedShard[], dryRun: boolean): string {
  const changes = shards.filter(({ change }) => change !== 'none');
  if (changes.length === 0) return 'Every row stands there already.';
  if (dryRun) return `${counted(changes.length, 'row')} would change. Nothing was written.${ownersNote(shards)}`;
  const written = changes.filter(({ done }) => done).length;
  if (written < changes.length) return `${written} of ${counted(changes.length, 'row')} written.`;
  return `${counted(written, 'row')} written. The next start reads from there.`;
}

function ownersNote(shards: readonly SeekedShard[]): string {
  const owners = [...new Set(shards.flatMap(({ leaseOwner }) => leaseOwner ?? []))];
  if (owners.length === 0) return '';
  return ` Rows have owners (${owners.map(ownerText).join(', ')}): while they live, seek refuses.`;
}

function jsonSeek({ stream, target, flags, result }: Seek): unknown {
  const position = (given: RowPosition | null) =>
    given && {
      checkpoint: given.checkpoint,
      checkpointSubSequenceNumber: given.checkpointSubSequenceNumber,
      arrival: isoTime(given.arrivalMs),
    };
  return {
    stream: stream.streamName,
    table: stream.tableName,
    region: stream.region,
    to: targetText(target),
    dryRun: flags.dryRun,
    stopped: result.stopped,
    leftShardIds: result.leftShardIds,
    shards: result.shards.map((shard) => ({
      shardId: shard.shardId,
      change: shard.change,
      direction: shard.direction,
      movedMs: shard.change === 'move' ? distanceMs(shard) : null,
      leaseOwner: shard.leaseOwner,
      done: shard.done,
      before: position(shard.before),
      after: position(shard.after),
    })),
  };
}

/** `logstash-ts kinesis leases`. */
import { isEnded } from '../kinesis/lease.ts';
import { type LeaseProblem, type LeaseReport, type ReportedShard, reportLeases } from '../kinesis/leaseReport.ts';
import type { Environment } from './configuration.ts';
import { durationText } from './durationText.ts';
import { type StreamTarget, titleOf, withClients } from './kinesisStreams.ts';
import { counted, isoTime, ownerText, positionText, shardList, shardNumber } from './kinesisText.ts';
import { type Cell, type Column, red, textTable } from './textTable.ts';

export interface LeasesFlags {
  readonly json: boolean;
  readonly lag: boolean;
  readonly wait: boolean;
}

export async function printLeases(
  streams: readonly StreamTarget[],
  { json, lag, wait }: LeasesFlags,
  env: Environment,
): Promise<void> {
  const reports = await Promise.all(
    streams.map(async (stream) => {
      const request = { ...stream, readsLag: lag, watches: wait };
      const report = await withClients(stream, (around) => reportLeases(request, around));
      return { stream, report, nowMs: Date.now() };
    }),
  );
  const color = process.stdout.isTTY === true && !env['NO_COLOR'];
  const text = json
    ? JSON.stringify({ streams: reports.map(jsonReport) }, undefined, 2)
    : reports.map((each) => leasesText(each, color).join('\n')).join('\n\n');
  process.stdout.write(`${text}\n`);
}

export interface StreamReport {
  readonly stream: StreamTarget;
  readonly report: LeaseReport;
  readonly nowMs: number;
}

const COLUMNS: readonly Column[] = [
  { head: 'shard' },
  { head: 'owner' },
  { head: 'worker' },
  { head: 'checkpoint' },
  { head: 'behind', align: 'right' },
  { head: 'moved' },
  { head: '' },
];

export function leasesText({ stream, report, nowMs }: StreamReport, color: boolean): string[] {
  const { shards, tableExists } = report;
  const title = titleOf(stream);
  if (!tableExists) {
    return [
      title,
      `There is no such table yet: the first start makes it. The stream has ${counted(shards.length, 'shard')}.`,
    ];
  }
  const table = textTable(
    COLUMNS,
    shards.map((shard) => shardCells(shard, nowMs)),
    color,
  );
  const problems = report.problems.map((problem) => red(problemText(problem, report, stream), color));
  return [title, '', ...table, '', ...summary(report), ...problems];
}

function shardCells(shard: ReportedShard, nowMs: number): Cell[] {
  const { shardId, row, ownerState, checkpointArrivalMs, millisBehindLatest } = shard;
  if (row === null) {
    return [shardId, 'no row', '', '', '', '', note(shard)].map((text) => ({ text }));
  }
  const ended = isEnded(row);
  const switches = row.ownerSwitchesSinceCheckpoint;
  return [
    { text: shardId },
    row.leaseOwner === null ? { text: 'nobody', isBad: !ended } : { text: ownerText(row.leaseOwner) },
    { text: ended ? '' : (ownerState ?? ''), isBad: ownerState === 'silent' },
    { text: positionText({ ...row, arrivalMs: checkpointArrivalMs }, nowMs) },
    { text: millisBehindLatest === null ? '' : durationText(millisBehindLatest) },
    { text: ended ? '' : switches === 0 ? 'no' : `${switches}×` },
    { text: note(shard), isBad: shard.isOpen === null && !ended },
  ];
}

function note({ row, isOpen, waitsFor }: ReportedShard): string {
  const numbers = (ids: readonly string[]) => ids.map(shardNumber).join(', ');
  const notes = [
    row && isEnded(row) && row.childShardIds.length > 0 ? `children ${numbers(row.childShardIds)}` : '',
    waitsFor.length > 0 ? `waits for the end of ${numbers(waitsFor)}` : '',
    row === null && isOpen === false && waitsFor.length === 0 ? 'closed' : '',
    isOpen === null ? 'no longer in the stream' : '',
  ];
  return notes.filter(Boolean).join('; ');
}

function summary({ shards, owners }: LeaseReport): string[] {
  const rows = shards.flatMap(({ row }) => row ?? []);
  const ended = rows.filter(isEnded).length;
  const held = owners.reduce((sum, owner) => sum + owner.leases, 0);
  const parts = counts([
    [held, `held by ${counted(owners.length, 'worker')}`],
    [ended, 'read to the end'],
    [rows.length - ended - held, 'held by nobody'],
    [shards.length - rows.length, 'without a row'],
  ]);
  const behind = furthestBehind(shards);
  const lag = behind === null ? '' : ` Furthest behind: ${durationText(behind)}.`;
  const each = owners.map(({ leaseOwner, leases }) => `${ownerText(leaseOwner)} ${leases}`).join(', ');
  return [
    `${counted(shards.length, 'shard')}: ${parts.join(', ')}.${lag}`,
    ...(owners.length > 1 ? [`Shards each: ${each}.`] : []),
  ];
}

function counts(pairs: readonly (readonly [count: number, what: string])[]): string[] {
  return pairs.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
}

function furthestBehind(shards: readonly ReportedShard[]): number | null {
  const known = shards.flatMap(({ millisBehindLatest }) => millisBehindLatest ?? []);
  return known.length === 0 ? null : Math.max(...known);
}

function problemText(
  { problem, shardIds }: LeaseProblem,
  report: LeaseReport,
  { failoverTimeMs }: StreamTarget,
): string {
  const names = shardList(shardIds);
  switch (problem) {
    case 'no_owner':
      return report.owners.every(({ state }) => state === 'silent')
        ? `Nobody holds ${names}: no worker runs.`
        : `Nobody holds ${names}: a worker takes what is free within ${durationText(failoverTimeMs)}, unless each has as many as it may.`;
    case 'silent_owner':
      return `No sign of life for ${durationText(report.watchedMs ?? 0)} from the owner of ${names}: after ${durationText(failoverTimeMs)} others take over.`;
    case 'no_row':
      return `No row for ${names}: a worker makes it when it next lists the shards.`;
    case 'records_lost':
      return `Lost: the stream no longer holds all that follows the checkpoint of ${names}.`;
  }
}

function jsonReport({ stream, report, nowMs }: StreamReport): unknown {
  return {
    stream: stream.streamName,
    table: stream.tableName,
    region: stream.region,
    time: isoTime(nowMs),
    failoverTimeMs: stream.failoverTimeMs,
    tableExists: report.tableExists,
    watchedMs: report.watchedMs,
    millisBehindLatestMax: furthestBehind(report.shards),
    owners: report.owners,
    problems: report.problems,
    shards: report.shards.map((shard) => jsonShard(shard, nowMs)),
  };
}

function jsonShard(shard: ReportedShard, nowMs: number): unknown {
  const { shardId, isOpen, row, ownerState, checkpointArrivalMs, millisBehindLatest, waitsFor } = shard;
  return {
    shardId,
    isOpen,
    row: row && {
      leaseOwner: row.leaseOwner,
      ownerState,
      leaseCounter: row.leaseCounter,
      ownerSwitchesSinceCheckpoint: row.ownerSwitchesSinceCheckpoint,
      checkpoint: row.checkpoint,
      checkpointSubSequenceNumber: row.checkpointSubSequenceNumber,
      checkpointArrival: isoTime(checkpointArrivalMs),
      checkpointAgeMs: checkpointArrivalMs === null ? null : nowMs - checkpointArrivalMs,
      parentShardIds: row.parentShardIds,
      childShardIds: row.childShardIds,
    },
    millisBehindLatest,
    waitsFor,
  };
}

/** Two processes of the program on one lease table, each with a file of its own, and what a kill leaves of them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isAtOrBelow, type Lab, type Placed } from '../harness.ts';
import { Logstash } from '../logstash.ts';
import { readWritten, sizeOf, type Written } from './deliveries.ts';

/** How long `killAndRestart` looks on: a shard that kept its owner so long has no records under way elsewhere. */
export const LOOK_ON_MS = 3_000;

export interface FleetNames {
  readonly streamName: string;
  readonly tableName: string;
}

/** How far the shards of a killed process were checkpointed, and how long the files were, before it was started again. */
interface Kill {
  readonly checkpoints: ReadonlyMap<string, string>;
  readonly fileBytes: readonly number[];
}

export class Fleet {
  readonly processes: readonly Logstash[];
  readonly #lab: Lab;
  readonly #names: FleetNames;
  readonly #folder = mkdtempSync(join(tmpdir(), 'logstash-ts-storm-'));
  readonly #paths: readonly string[];
  readonly #kills: Kill[] = [];

  constructor(lab: Lab, names: FleetNames, size: number) {
    this.#lab = lab;
    this.#names = names;
    const configPath = join(this.#folder, 'storm.conf');
    writeFileSync(configPath, configuration(lab, names));
    this.#paths = Array.from({ length: size }, (_, n) => join(this.#folder, `out-${n}.jsonl`));
    this.processes = this.#paths.map(
      (path, n) => new Logstash({ configPath, dataPath: join(this.#folder, `data-${n}`), env: { STORM_FILE: path } }),
    );
  }

  start(): void {
    for (const process of this.processes) process.start();
  }

  /** Kills a process and starts it again with the same command. */
  async killAndRestart(index: number): Promise<void> {
    const process = this.processes[index] as Logstash;
    const ownedBefore = await this.#checkpointsOf(process.workerId);
    await wait(LOOK_ON_MS);
    const ended = await process.end('SIGKILL');
    if (ended !== 'SIGKILL') throw new Error(`a process ended by itself (${ended}):\n${process.log.slice(-2_000)}`);
    const checkpoints = await this.#checkpointsOf(process.workerId);
    for (const shardId of checkpoints.keys()) if (!ownedBefore.has(shardId)) checkpoints.delete(shardId);
    this.#kills.push({ checkpoints, fileBytes: this.#paths.map(sizeOf) });
    process.start();
  }

  written(): Written[] {
    return this.#paths.map(readWritten);
  }

  /** Shards of killed processes that `replayedBelowCheckpoint` goes by. */
  get watchedShards(): number {
    return this.#kills.reduce((sum, { checkpoints }) => sum + checkpoints.size, 0);
  }

  /** Ids that were delivered after a kill although the checkpoint at that time was past them. */
  replayedBelowCheckpoint(placed: ReadonlyMap<number, Placed>): number[] {
    const written = this.written();
    return this.#kills.flatMap(({ checkpoints, fileBytes }) =>
      written.flatMap(({ deliveries }, file) =>
        deliveries
          .filter(({ offset }) => offset >= (fileBytes[file] ?? 0))
          .map(({ id }) => id)
          .filter((id) => isAtOrBelow(placed.get(id), checkpoints)),
      ),
    );
  }

  async remove(): Promise<void> {
    for (const process of this.processes) if (process.isRunning) await process.end('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #checkpointsOf(workerId: string | undefined): Promise<Map<string, string>> {
    const rows = await this.#lab.rows(this.#names.tableName);
    const owned = [...rows].filter(([, row]) => workerId !== undefined && row['leaseOwner']?.S === workerId);
    return new Map(owned.map(([shardId, row]) => [shardId, row['checkpoint']?.S ?? '']));
  }
}

function configuration(lab: Lab, { streamName, tableName }: FleetNames): string {
  return `
input {
  kinesis {
    kinesis_stream_name => "${streamName}"
    application_name => "${tableName}"
    checkpoint_interval_seconds => 1
    codec => json
    additional_settings => {
      "kinesis_endpoint" => "${lab.kinesisUrl}"
      "dynamodb_endpoint" => "${lab.dynamodbUrl}"
      "failover_time_millis" => 3000
      "shard_sync_interval_millis" => 3000
      "parent_shard_poll_interval_millis" => 500
      "idle_time_between_reads_in_millis" => 250
    }
  }
}
output { file { path => "\${STORM_FILE}" codec => json_lines flush_interval => 1 } }
`;
}

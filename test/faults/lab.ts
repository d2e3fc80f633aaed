/** One fault's own program, stream, lease table, index and prefix, on servers that all faults share. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { BUCKET, kinesisClient, Program, putOn, REGION, type Stack, until } from '../integration/pipeline/harness.ts';
import { type FaultProxy, type FaultRule, startFaultProxy } from '../support/servers/index.ts';

export type ServerName = keyof Stack;

export interface LabSettings {
  /** Options that are added to those of the outputs. */
  readonly elasticsearch?: string;
  readonly s3?: string;
  readonly failoverTimeMs?: number;
  /** This directory is a small disk of its own. */
  readonly smallDisk?: 'data' | 's3';
  /** Default 1. */
  readonly workers?: number;
  /** The process's wall clock can be set, by a preloaded fake. */
  readonly movableClock?: boolean;
  /** The event of this number, by which some are made such as Elasticsearch does not take. */
  readonly event?: (n: number) => object;
  /** How a server is all the time. */
  readonly always?: Readonly<Partial<Record<ServerName, FaultRule>>>;
}

/** Stands in every event, and never in the log. */
export const EVENT_TEXT = 'text of an event';
/** Long enough that no lease is let go for it: a busy machine must not look like a fault. */
const FAILOVER_MS = 10_000;
const PERIOD_MS = 50;
const RECORDS_A_PERIOD = 10;
/** Records before the others, of which so many have to arrive. */
const FIRST = 100;
const UNDER_WAY = 50;
const DISK_BYTES = 2 * 1024 * 1024;
const MOVABLE_CLOCK = new URL('./movableClock.ts', import.meta.url);

export class FaultLab {
  readonly id: string;
  readonly stack: Stack;
  readonly proxies: Readonly<Record<ServerName, FaultProxy>>;
  readonly program: Program;
  readonly settings: LabSettings;
  readonly #folder = mkdtempSync(join(tmpdir(), 'logstash-ts-fault-'));
  readonly #clockFile = join(this.#folder, 'clock');
  readonly #client: KinesisClient;
  readonly #stopped = new AbortController();
  #feeding: Promise<void> = Promise.resolve();
  /** Records that Kinesis has taken, numbered from 0. */
  records = 0;
  /** The last sequence number of each shard. */
  readonly ends = new Map<string, string>();

  private constructor(id: string, stack: Stack, proxies: FaultLab['proxies'], settings: LabSettings) {
    this.id = id;
    this.stack = stack;
    this.proxies = proxies;
    this.settings = settings;
    this.#client = kinesisClient(stack);
    this.program = new Program(
      proxies,
      configOf(id, settings),
      settings.movableClock ? { NODE_OPTIONS: `--import=${MOVABLE_CLOCK}`, MOVABLE_CLOCK_FILE: this.#clockFile } : {},
      ['-w', String(settings.workers ?? 1)],
    );
    if (settings.smallDisk) mountDisk(this.diskOf(settings.smallDisk));
  }

  static async open(id: string, stack: Stack, settings: LabSettings): Promise<FaultLab> {
    const [kinesis, dynamodb, elasticsearch, s3] = await Promise.all([
      startFaultProxy(stack.kinesis.url, settings.always?.kinesis),
      startFaultProxy(stack.dynamodb.url, settings.always?.dynamodb),
      startFaultProxy(stack.elasticsearch.url, settings.always?.elasticsearch),
      startFaultProxy(stack.s3.url, settings.always?.s3),
    ]);
    return new FaultLab(id, stack, { kinesis, dynamodb, elasticsearch, s3 }, settings);
  }

  diskOf(which: 'data' | 's3'): string {
    return which === 'data' ? this.program.dataPath : this.program.s3Directory;
  }

  /** All that were fed. */
  numbers(): number[] {
    return Array.from({ length: this.records }, (_, n) => n);
  }

  /** Resolves when events arrive; more and more are fed from then on. */
  async start(): Promise<void> {
    this.program.start();
    await this.#put(FIRST);
    await this.arrived(UNDER_WAY);
    this.#feeding = this.#feed();
    // Told by `stopFeeding`.
    this.#feeding.catch(() => {});
  }

  async #feed(): Promise<void> {
    while (!this.#stopped.signal.aborted) await Promise.all([this.#put(RECORDS_A_PERIOD), wait(PERIOD_MS)]);
  }

  async #put(count: number): Promise<void> {
    const event = this.settings.event ?? plainEvent;
    const numbers = Array.from({ length: count }, (_, i) => this.records + i);
    const records = numbers.map((n) => ({
      PartitionKey: `key-${n}`,
      Data: Buffer.from(JSON.stringify({ n, text: EVENT_TEXT, ...event(n) })),
    }));
    const placed = await putOn(this.#client, this.id, records);
    for (const { shardId, sequenceNumber } of placed) this.ends.set(shardId, sequenceNumber);
    this.records += count;
  }

  async stopFeeding(): Promise<void> {
    this.#stopped.abort();
    await this.#feeding;
  }

  setClockAhead(ms: number): void {
    writeFileSync(`${this.#clockFile}.new`, String(ms));
    renameSync(`${this.#clockFile}.new`, this.#clockFile);
  }

  /** Resolves when Elasticsearch shows so many documents. */
  async arrived(count: number): Promise<void> {
    await until(
      () => {
        if (!this.program.isRunning) throw new Error('the program has ended');
        return this.documentCount();
      },
      (documents) => documents >= count,
      60_000,
      100,
    );
  }

  async documentCount(): Promise<number> {
    const answer = await fetch(`${this.stack.elasticsearch.url}/${this.id}-*/_refresh`, { method: 'POST' });
    await answer.arrayBuffer();
    const counted = await fetch(`${this.stack.elasticsearch.url}/${this.id}-*/_count`);
    return ((await counted.json()) as { count: number }).count;
  }

  async close(): Promise<void> {
    await this.stopFeeding().catch(() => {});
    await this.program.end('SIGKILL');
    this.#client.destroy();
    if (this.settings.smallDisk) unmountDisk(this.diskOf(this.settings.smallDisk));
    this.program.remove();
    rmSync(this.#folder, { recursive: true });
    await Promise.all(Object.values(this.proxies).map((proxy) => proxy.stop()));
  }
}

function plainEvent(): object {
  return { code: 200 };
}

function mountDisk(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'none', directory]);
  if (status !== 0) throw new Error(`no disk can be mounted at ${directory}`);
}

function unmountDisk(directory: string): void {
  spawnSync('umount', ['-l', directory]);
}

/** Time-outs and pauses are short, so that a fault is felt and over in seconds; objects are small, so that the disk is used. */
function configOf(id: string, { elasticsearch = '', s3 = '', failoverTimeMs = FAILOVER_MS }: LabSettings): string {
  return `
input {
  kinesis {
    kinesis_stream_name => "${id}"
    application_name => "${id}"
    region => "${REGION}"
    codec => json
    checkpoint_interval_seconds => 0.5
    additional_settings => {
      "kinesis_endpoint" => "\${KINESIS_ENDPOINT}"
      "dynamodb_endpoint" => "\${DYNAMODB_ENDPOINT}"
      "failover_time_millis" => ${failoverTimeMs}
      "idle_time_between_reads_in_millis" => 200
      "task_backoff_time_millis" => 100
    }
  }
}
filter { mutate { add_field => { "seen" => "yes" } } }
output {
  elasticsearch {
    hosts => ["\${ES_URL}"]
    index => "${id}-%{+YYYY.MM.dd}"
    manage_template => false
    timeout => 2
    retry_initial_interval => 0.1
    retry_max_interval => 0.5
    resurrect_delay => 0.2
    ${elasticsearch}
  }
  s3 {
    access_key_id => "\${AWS_ACCESS_KEY_ID}"
    secret_access_key => "\${AWS_SECRET_ACCESS_KEY}"
    region => "${REGION}"
    endpoint => "\${S3_ENDPOINT}"
    bucket => "${BUCKET}"
    prefix => "${id}/%{+YYYY}/%{+MM}/%{+dd}/"
    codec => json_lines
    encoding => "gzip"
    rotation_strategy => "size_and_time"
    size_file => 4000
    time_file => 0.01
    retry_delay => 0.2
    temporary_directory => "\${S3_TEMP}"
    additional_settings => { "force_path_style" => true "retry_limit" => 0 "http_read_timeout" => 2 }
    ${s3}
  }
}
`;
}

/** The user's own pipeline, with stand-ins for the servers and records that a test puts by hand. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from '../../src/compiler/index.ts';
import { DeadLetterQueue } from '../../src/delivery/deadLetterQueue.ts';
import type { Event } from '../../src/event/event.ts';
import type { ConsumerRecord, Position, ShardProcessor } from '../../src/kinesis/types.ts';
import type { InputDefinition, PluginRegistry } from '../../src/plugin-api/index.ts';
import { registry } from '../../src/plugins/index.ts';
import { kinesis } from '../../src/plugins/inputs/kinesis/index.ts';
import { createRecordProcessor } from '../../src/plugins/inputs/kinesis/recordProcessor.ts';
import { Pipeline } from '../../src/runtime/pipeline.ts';
import type { PipelineSnapshot } from '../../src/runtime/snapshot.ts';
import { systemClock } from '../../src/util/clock.ts';
import { recordLog } from '../support/outputHarness.ts';
import { type FakeElasticsearchOptions, startFakeElasticsearch } from '../support/servers/fakeElasticsearch.ts';
import { startFakeS3 } from '../support/servers/fakeS3.ts';

export const BUCKET = 'test-accesslog';
export const DATABASES = new URL('../data/geoip/', import.meta.url).pathname;
const CREDENTIALS = { accessKeyId: 'AKTEST', secretAccessKey: 'secret' };

export interface SeedSettings {
  /** Changes to the text of the pipeline, after that of the servers' places. */
  readonly edit?: (config: string) => string;
  readonly elasticsearch?: FakeElasticsearchOptions;
  /** Where the wall clock stands at the start. */
  readonly nowMs?: number;
}

export interface SeedRecord {
  readonly data: string | Uint8Array;
  readonly arrivalMs?: number;
  /** Made up when absent; the same for the parts of an aggregated record. */
  readonly sequenceNumber?: string;
  readonly subSequenceNumber?: number;
}

export interface StoredDocument {
  readonly id: string;
  readonly source: Record<string, unknown>;
}

export interface SeedLab {
  /** Resolves when the pipeline has taken them. */
  put(...records: SeedRecord[]): Promise<void>;
  /** Puts events as JSON, one a record. */
  putEvents(...events: object[]): Promise<void>;
  /** Ends the input and waits until all is delivered. */
  finish(): Promise<void>;
  /** Documents by index, in the order of their arrival. */
  documents(index: string): StoredDocument[];
  indices(): string[];
  templates(): ReadonlyMap<string, unknown>;
  /** Method and path of each request to Elasticsearch. */
  requests(): string[];
  objects(): { key: string; headers: Readonly<Record<string, string>>; bytes: Buffer }[];
  /** What the input emitted, as the filters left it. */
  readonly emitted: readonly Event[];
  settledPosition(): Position | null;
  snapshot(): PipelineSnapshot;
  readonly log: readonly string[];
}

export const ARRIVAL_MS = Date.UTC(2020, 9, 20, 3, 56, 8, 123);

/** The pipeline as the user wrote it, but for the places of servers and databases, and the credentials. */
export function seedText(places: { elasticsearch: string; s3: string; directory: string }): string {
  const seed = readFileSync(new URL('../data/seed.conf', import.meta.url), 'utf8');
  return seed
    .replaceAll('"localhost:9200"', `"${places.elasticsearch}"`)
    .replace('"AK***************"', `"${CREDENTIALS.accessKeyId}"`)
    .replace('"56************************"', `"${CREDENTIALS.secretAccessKey}"`)
    .replace('"/opt/logstash/S3_temp/"', `"${places.directory}"`)
    .replace('bucket =>', `endpoint => "${places.s3}" bucket =>`)
    .replace(/database => "[^"]*"/, `database => "${DATABASES}GeoLite2-ASN-Test.mmdb"`)
    .replace('target => "remote_geoip"', `target => "remote_geoip" database => "${DATABASES}GeoLite2-City-Test.mmdb"`);
}

/** Starts the pipeline, runs `body`, and takes all down again. */
export async function withSeed<T>(settings: SeedSettings, body: (lab: SeedLab) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'logstash-ts-seed-'));
  const elasticsearch = await startFakeElasticsearch(settings.elasticsearch);
  const s3 = await startFakeS3({ ...CREDENTIALS, buckets: [BUCKET] });
  const { logger, lines } = recordLog();
  const source = new RecordSource();
  const deadLetterQueue = new DeadLetterQueue({
    directory: join(directory, 'dead_letters'),
    clock: systemClock,
    logger,
  });
  try {
    const text = seedText({ elasticsearch: elasticsearch.url, s3: s3.url, directory });
    const { pipeline: resolved, reporter } = await compile(
      [{ path: 'seed.conf', text: settings.edit?.(text) ?? text }],
      { registry: source.registry, variable: () => undefined, supportEscapes: false, fileExists: () => true },
    );
    const aheadMs = settings.nowMs === undefined ? 0 : settings.nowMs - Date.now();
    const pipeline = new Pipeline(
      {
        id: 'main',
        supportEscapes: false,
        batchSize: 125,
        dataPath: directory,
        hostName: 'test-host',
        clock: { ...systemClock, now: () => Date.now() + aheadMs },
        loggerFor: () => logger,
        deadLetterQueue,
      },
      reporter,
    );
    await pipeline.start(resolved);
    const running = pipeline.run();
    let finished: Promise<void> | undefined;
    const finish = () => {
      pipeline.stop();
      finished ??= running;
      return finished;
    };
    const put = (...records: SeedRecord[]) => source.put(records);
    const result = await body({
      put,
      putEvents: (...events) => put(...events.map((event) => ({ data: JSON.stringify(event) }))),
      finish,
      documents: (index) =>
        [...elasticsearch.documents(index).values()].map(({ id, source: json }) => ({ id, source: JSON.parse(json) })),
      indices: () => elasticsearch.indices().sort(),
      templates: () => elasticsearch.templates(),
      requests: () => elasticsearch.requests.map(({ method, path }) => `${method} ${path}`),
      objects: () => [...s3.objects(BUCKET)].map(([key, { headers, bytes }]) => ({ key, headers, bytes })),
      emitted: source.emitted,
      settledPosition: () => source.settledPosition(),
      snapshot: () => pipeline.snapshot(),
      log: lines,
    });
    await finish();
    return result;
  } finally {
    await deadLetterQueue.close();
    await elasticsearch.stop();
    await s3.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Stands for the stream: the kinesis input's own options and decoding, with records that a test puts. */
class RecordSource {
  readonly emitted: Event[] = [];
  #processor: ShardProcessor | undefined;
  #lastSequence = 4959n * 10n ** 50n;

  readonly registry: PluginRegistry = {
    load: async (kind, name) => (kind === 'input' && name === 'kinesis' ? this.#definition : registry.load(kind, name)),
    names: (kind) => registry.names(kind),
  };

  readonly #definition: InputDefinition = {
    ...kinesis,
    create: (options, context) => {
      const stop = new AbortController();
      const eventTime = options['event_time'] === 'decode' ? 'decode' : 'arrival';
      const shard = { streamName: String(options['kinesis_stream_name']), shardId: 'shardId-000000000000' };
      this.#processor = createRecordProcessor(
        { shard, codec: options.codec.open(), eventTime, stop: stop.signal },
        {
          ...context,
          emit: (events, onSettled) => {
            this.emitted.push(...events);
            return context.emit(events, onSettled);
          },
        },
      );
      return {
        run: () => new Promise((resolve) => stop.signal.addEventListener('abort', () => resolve(), { once: true })),
        stop: () => stop.abort(),
      };
    },
  };

  async put(records: readonly SeedRecord[]): Promise<void> {
    if (this.#processor === undefined) throw new Error('the input is not there yet');
    await this.#processor.process(
      records.map((record) => this.#full(record)),
      { millisBehindLatest: 0 },
    );
  }

  #full({ data, arrivalMs, sequenceNumber, subSequenceNumber }: SeedRecord): ConsumerRecord {
    this.#lastSequence += 1n;
    return {
      sequenceNumber: sequenceNumber ?? String(this.#lastSequence),
      subSequenceNumber: subSequenceNumber ?? 0,
      partitionKey: 'key',
      data: Buffer.from(data),
      approximateArrivalTimestampMs: arrivalMs ?? ARRIVAL_MS,
    };
  }

  settledPosition(): Position | null {
    return this.#processor?.settledPosition() ?? null;
  }
}

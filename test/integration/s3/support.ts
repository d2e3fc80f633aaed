import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { Output } from '../../../src/plugin-api/index.ts';
import { Secret } from '../../../src/plugin-api/option.ts';
import { s3 } from '../../../src/plugins/outputs/s3/index.ts';
import { outputContext, outputOptions, recordLog, type TestOutputContext } from '../../support/outputHarness.ts';
import {
  type FaultProxy,
  type Server,
  startFakeS3,
  startFaultProxy,
  startMinio,
  startVersitygw,
} from '../../support/servers/index.ts';

export const BUCKET = 'test-accesslog';
export const REGION = 'ap-northeast-2';
export const ACCESS_KEY = 'AKDEMO';
export const SECRET_KEY = 'demo/secret+key';

const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY };

/** `npm run test:real` takes versitygw, `npm run test:minio` MinIO; otherwise the stand-in does. */
const isReal = process.env['LOGSTASH_TS_REAL'] === '1';
const startReal = process.env['LOGSTASH_TS_S3'] === 'minio' ? startMinio : startVersitygw;

export interface StoredObject {
  readonly key: string;
  readonly contentEncoding: string | undefined;
  readonly bytes: Buffer;
  readonly lines: readonly string[];
}

/** A bucket behind a proxy that can break the way to it. */
export class S3Lab {
  readonly proxy: FaultProxy;
  readonly #server: Server;
  readonly #client: S3Client;
  readonly #directories: string[] = [];

  private constructor(server: Server, proxy: FaultProxy) {
    this.#server = server;
    this.proxy = proxy;
    this.#client = new S3Client({ endpoint: server.url, region: REGION, credentials, forcePathStyle: true });
  }

  static async start(): Promise<S3Lab> {
    const options = { ...credentials, region: REGION, buckets: [BUCKET] };
    const server = await (isReal ? startReal(options) : startFakeS3(options));
    return new S3Lab(server, await startFaultProxy(server.url));
  }

  async stop(): Promise<void> {
    this.#client.destroy();
    await this.proxy.stop();
    await this.#server.stop();
    for (const directory of this.#directories) rmSync(directory, { recursive: true, force: true });
  }

  temporaryDirectory(): string {
    const directory = mkdtempSync(join(tmpdir(), 'logstash-ts-s3-test-'));
    this.#directories.push(directory);
    return directory;
  }

  options(given: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    return {
      bucket: BUCKET,
      region: REGION,
      endpoint: this.proxy.url,
      access_key_id: ACCESS_KEY,
      secret_access_key: new Secret(SECRET_KEY),
      additional_settings: new Map([['force_path_style', 'true']]),
      retry_delay: 0.05,
      temporary_directory: this.temporaryDirectory(),
      ...given,
    };
  }

  async output(given: Readonly<Record<string, unknown>> = {}): Promise<Lab> {
    const { logger, lines: log } = recordLog();
    const context = outputContext({ logger, pipelineId: 'main' });
    const output = await s3.create(outputOptions(s3, this.options(given)), context);
    return { output, context, log };
  }

  async objects(prefix: string): Promise<StoredObject[]> {
    const list = new ListObjectsV2Command({ Bucket: BUCKET, Prefix: prefix });
    const { Contents = [], IsTruncated } = await this.#client.send(list);
    if (IsTruncated) throw new Error(`there are more objects under ${prefix} than a page takes`);
    return Promise.all(Contents.map(({ Key = '' }) => this.#object(Key)));
  }

  async #object(key: string): Promise<StoredObject> {
    const answer = await this.#client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    const text = (key.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
    return { key, contentEncoding: answer.ContentEncoding, bytes, lines: text.split('\n').slice(0, -1) };
  }
}

export interface Lab {
  readonly output: Output;
  readonly context: TestOutputContext;
  readonly log: readonly string[];
}

/** The `n` of all lines, in order. */
export function numbersIn(objects: readonly StoredObject[]): number[] {
  const numbers = objects.flatMap(({ lines }) => lines.map((line) => (JSON.parse(line) as { n: number }).n));
  return numbers.sort((left, right) => left - right);
}

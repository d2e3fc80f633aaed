import { gunzipSync } from 'node:zlib';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Found } from './reckoning.ts';
import { REGION, type S3Access } from './stack.ts';

const INDICES = 'accesslog-*,api-responselog-*,api-requestlog-*';

/** Counts what has arrived in Elasticsearch and S3 since the start, apart from what was there before. */
export class Observer {
  readonly #elasticsearch: string;
  readonly #headers: Record<string, string>;
  readonly #s3: S3Client;
  readonly #bucket: string;
  /** Lines of each object; objects do not change. */
  readonly #lines = new Map<string, number>();
  #indicesBefore: Readonly<Record<string, number>> = {};
  #objectsBefore: ReadonlySet<string> = new Set();

  constructor(elasticsearch: string, s3: S3Access) {
    const url = new URL(elasticsearch);
    const password =
      url.username && Buffer.from(decodeURIComponent(`${url.username}:${url.password}`)).toString('base64');
    this.#headers = password ? { authorization: `Basic ${password}` } : {};
    this.#elasticsearch = `${url.protocol}//${url.host}${url.pathname.replace(/\/$/, '')}`;
    const { endpoint, bucket, ...credentials } = s3;
    this.#bucket = bucket;
    this.#s3 = new S3Client({ endpoint, credentials, region: REGION, forcePathStyle: true });
  }

  /** Remembers what is there already and makes the bucket if it is missing. */
  async begin(): Promise<void> {
    this.#indicesBefore = await this.#documents();
    const Bucket = this.#bucket;
    await this.#s3
      .send(new HeadBucketCommand({ Bucket }))
      .catch(() => this.#s3.send(new CreateBucketCommand({ Bucket })));
    this.#objectsBefore = new Set(await this.#keys());
  }

  async count(): Promise<Omit<Found, 'deadLetters'> & { readonly s3Objects: number }> {
    const [now, keys] = await Promise.all([this.#documents(), this.#keys()]);
    const indices: Record<string, number> = {};
    for (const [name, documents] of Object.entries(now)) {
      const added = documents - (this.#indicesBefore[name] ?? 0);
      if (added !== 0) indices[name] = added;
    }
    const added = keys.filter((key) => !this.#objectsBefore.has(key));
    const lines = await Promise.all(added.map((key) => this.#linesOf(key)));
    return { indices, s3Objects: added.length, s3Lines: lines.reduce((sum, count) => sum + count, 0) };
  }

  close(): void {
    this.#s3.destroy();
  }

  /** A refresh first: only then does Elasticsearch count what it has taken. */
  async #documents(): Promise<Record<string, number>> {
    await this.#ask('POST', `/${INDICES}/_refresh?ignore_unavailable=true&allow_no_indices=true`);
    const rows = await this.#ask('GET', `/_cat/indices/${INDICES}?format=json&h=index,docs.count`);
    const list = rows as { index: string; 'docs.count': string | null }[];
    return Object.fromEntries(list.map((row) => [row.index, Number(row['docs.count'] ?? 0)]));
  }

  async #ask(method: string, path: string): Promise<unknown> {
    const url = this.#elasticsearch + path;
    const answer = await fetch(url, { method, headers: this.#headers }).catch((cause: unknown) => {
      throw new Error(`Elasticsearch does not answer at ${this.#elasticsearch}`, { cause });
    });
    if (!answer.ok) throw new Error(`Elasticsearch answers ${answer.status} to ${method} ${path}`);
    return answer.json();
  }

  /** The pipeline's own test of the bucket is not an object of logs. */
  async #keys(): Promise<string[]> {
    const keys: string[] = [];
    let token: string | undefined;
    do {
      const next = token === undefined ? {} : { ContinuationToken: token };
      const page = await this.#s3.send(new ListObjectsV2Command({ Bucket: this.#bucket, ...next }));
      keys.push(...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []));
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return keys.filter((key) => !key.includes('logstash-programmatic-access-test-object'));
  }

  async #linesOf(key: string): Promise<number> {
    const known = this.#lines.get(key);
    if (known !== undefined) return known;
    const answer = await this.#s3.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
    const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    const text = key.endsWith('.gz') ? gunzipSync(bytes) : bytes;
    const lines = text.toString('utf8').split('\n').length - 1;
    this.#lines.set(key, lines);
    return lines;
  }
}

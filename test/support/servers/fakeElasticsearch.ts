import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';
import type { BulkItem, ItemError } from './elasticsearchStandIn/bulk.ts';
import { DocumentStore, type StoredDocument } from './elasticsearchStandIn/documents.ts';
import { answer, type EsAnswer, type EsRequest } from './elasticsearchStandIn/routes.ts';
import { readBody } from './s3/request.ts';
import { type Server, startHttp } from './server.ts';

export type { BulkItem, ItemError } from './elasticsearchStandIn/bulk.ts';
export type { StoredDocument } from './elasticsearchStandIn/documents.ts';

/** A request as a fault hook sees it; `body` is decompressed. */
export interface ElasticsearchRequest extends EsRequest {
  readonly headers: IncomingHttpHeaders;
  /** Bytes on the wire. */
  readonly wireBytes: number;
  /** 1 for the first request of this method and path, and so on. */
  readonly count: number;
}

/** What a fault hook may ask for instead of the plain answer. */
export interface ElasticsearchFault {
  /** This answer; nothing is executed. */
  readonly answer?: EsAnswer & { readonly headers?: Readonly<Record<string, string>> };
  /** `before`: the connection is reset and nothing executed. `after`: executed, the answer is lost. */
  readonly reset?: 'before' | 'after';
  readonly delayMs?: number;
}

export interface FakeElasticsearchOptions {
  /** Whether `requests` is filled; true by default, false for one that runs long. */
  readonly keepRequests?: boolean;
  /** What `GET /` says; 7.9.2 by default. */
  readonly version?: string;
  readonly port?: number;
  /** `user:password` of basic authentication; open without it. */
  readonly auth?: string;
  readonly respond?: (request: ElasticsearchRequest) => ElasticsearchFault | undefined;
  /** An error for one item of a bulk, such as 429 or mapper_parsing_exception; the item is then not executed. */
  readonly respondItem?: (item: BulkItem) => ItemError | undefined;
}

export interface FakeElasticsearch extends Server {
  /** Documents of an index by id, with their JSON text as it came. */
  documents(index: string): ReadonlyMap<string, StoredDocument>;
  indices(): string[];
  templates(): ReadonlyMap<string, unknown>;
  /** Every request so far, oldest first. */
  readonly requests: readonly ElasticsearchRequest[];
}

/** A small Elasticsearch: bulk, counts and templates, no queries; of mappings only what documents are refused for. */
export async function startFakeElasticsearch(options: FakeElasticsearchOptions = {}): Promise<FakeElasticsearch> {
  const documents = new DocumentStore();
  const templates = new Map<string, unknown>();
  const version = options.version ?? '7.9.2';
  const state = { version, documents, templates, respondItem: options.respondItem };
  const requests: ElasticsearchRequest[] = [];
  const counts = new Map<string, number>();

  const handle = async (message: IncomingMessage, response: ServerResponse) => {
    const request = await toRequest(message, counts);
    if (options.keepRequests !== false) requests.push(request);
    if (!isAllowed(request, options.auth)) return send(response, unauthorized());
    const fault = options.respond?.(request);
    if (fault?.delayMs) await new Promise((done) => setTimeout(done, fault.delayMs));
    if (fault?.reset === 'before') return message.socket.resetAndDestroy();
    if (fault?.answer) return send(response, fault.answer, fault.answer.headers);
    const plain = answer(state, request);
    if (fault?.reset === 'after') return message.socket.resetAndDestroy();
    send(response, plain);
  };
  const server = await startHttp(
    'elasticsearch stand-in',
    version,
    (message, response) => void handle(message, response).catch((error: unknown) => send(response, internal(error))),
    options.port,
  );
  return {
    ...server,
    documents: (index) => documents.indices.get(index) ?? new Map(),
    indices: () => documents.match(''),
    templates: () => templates,
    requests,
  };
}

async function toRequest(message: IncomingMessage, counts: Map<string, number>): Promise<ElasticsearchRequest> {
  const raw = await readBody(message);
  const body = message.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
  const { pathname: path, searchParams: query } = new URL(message.url ?? '/', 'http://stand-in');
  const method = message.method ?? 'GET';
  const count = (counts.get(`${method} ${path}`) ?? 0) + 1;
  counts.set(`${method} ${path}`, count);
  return { method, path, query, headers: message.headers, body: body.toString('utf8'), wireBytes: raw.length, count };
}

function isAllowed(request: ElasticsearchRequest, auth: string | undefined): boolean {
  const expected = auth && `Basic ${Buffer.from(auth).toString('base64')}`;
  return expected === undefined || request.headers.authorization === expected;
}

function unauthorized(): EsAnswer {
  const reason = 'missing or wrong authentication credentials for REST request';
  return { status: 401, body: { error: { type: 'security_exception', reason }, status: 401 } };
}

function internal(error: unknown): EsAnswer {
  return { status: 500, body: { error: { type: 'stand_in', reason: String(error) }, status: 500 } };
}

function send(
  response: ServerResponse,
  { status, body }: EsAnswer,
  headers: Readonly<Record<string, string>> = {},
): void {
  const type = typeof body === 'string' ? 'text/plain; charset=UTF-8' : 'application/json; charset=UTF-8';
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(typeof body === 'object' ? JSON.stringify(body) : body);
}

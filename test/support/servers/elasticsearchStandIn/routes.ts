import { type BulkItem, executeItem, type ItemError, MalformedBulk, parseBulk } from './bulk.ts';
import type { DocumentStore, StoredDocument } from './documents.ts';

export interface EsRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Decompressed. */
  readonly body: string;
}

export interface EsAnswer {
  readonly status: number;
  /** An object is sent as JSON. */
  readonly body?: object | string;
}

export interface EsState {
  readonly version: string;
  readonly documents: DocumentStore;
  readonly templates: Map<string, unknown>;
  readonly respondItem: ((item: BulkItem) => ItemError | undefined) | undefined;
}

type Route = readonly [
  method: string,
  pattern: RegExp,
  answer: (state: EsState, request: EsRequest, name: string) => EsAnswer,
];

const SEARCH_HITS_MAX = 10_000;

const routes: readonly Route[] = [
  ['GET', /^\/$/, (state) => ok(rootInfo(state.version))],
  ['HEAD', /^\/$/, () => ({ status: 200 })],
  ['POST|PUT', /^\/_bulk$/, (state, request) => bulk(state, request, undefined)],
  ['POST|PUT', /^\/([^_/][^/]*)(?:\/_doc)?\/_bulk$/, (state, request, index) => bulk(state, request, index)],
  ['GET|POST', /^(?:\/([^_/][^/]*))?\/_count$/, (state, _request, index) => ok(count(state, index))],
  ['GET|POST', /^(?:\/([^_/][^/]*))?\/_search$/, search],
  ['GET|POST', /^(?:\/([^_/][^/]*))?\/_refresh$/, () => ok({ _shards: { total: 1, successful: 1, failed: 0 } })],
  ['GET', /^\/_cat\/indices(?:\/([^/]*))?$/, (state, _request, index) => ok(catIndices(state, index))],
  ['GET', /^\/_cluster\/health(?:\/([^/]*))?$/, () => ok(health())],
  ['GET', /^\/_template$/, (state) => ok(Object.fromEntries(state.templates))],
  ['GET|HEAD', /^\/_template\/([^/]+)$/, getTemplate],
  ['PUT|POST', /^\/_template\/([^/]+)$/, putTemplate],
  ['GET|HEAD', /^\/([^_/][^/]*)\/_doc\/(?:[^/]+)$/, getDocument],
  [
    'HEAD',
    /^\/([^_/][^/]*)$/,
    (state, _request, index) => ({ status: state.documents.match(index).length > 0 ? 200 : 404 }),
  ],
  ['PUT', /^\/([^_/][^/]*)$/, createIndex],
  ['DELETE', /^\/([^_/][^/]*)$/, deleteIndex],
];

export function answer(state: EsState, request: EsRequest): EsAnswer {
  for (const [methods, pattern, respond] of routes) {
    const match = methods.split('|').includes(request.method) ? pattern.exec(request.path) : null;
    if (match) return respond(state, request, decodeURIComponent(match[1] ?? ''));
  }
  const reason = `no handler found for uri [${request.path}] and method [${request.method}]`;
  return { status: 400, body: { error: reason } };
}

function rootInfo(version: string): object {
  const number = { number: version, build_flavor: 'oss', build_type: 'stand-in', lucene_version: '8.6.2' };
  const floors = { minimum_wire_compatibility_version: '6.8.0', minimum_index_compatibility_version: '6.0.0-beta1' };
  return {
    name: 'stand-in',
    cluster_name: 'stand-in',
    cluster_uuid: 'c3RhbmQtaW4tY2x1c3Rlcg',
    version: { ...number, ...floors },
    tagline: 'You Know, for Search',
  };
}

function bulk(state: EsState, request: EsRequest, index: string | undefined): EsAnswer {
  try {
    const items = parseBulk(request.body, index).map((item) =>
      executeItem(state.documents, item, state.respondItem?.(item)),
    );
    const errors = items.some((item) => Object.values(item).some((result: object) => 'error' in result));
    return ok({ took: 1, errors, items });
  } catch (error) {
    if (!(error instanceof MalformedBulk)) throw error;
    return fail(400, 'illegal_argument_exception', error.message);
  }
}

function count(state: EsState, index: string): object {
  return { count: documentsOf(state, index).length, _shards: { total: 1, successful: 1, skipped: 0, failed: 0 } };
}

/** Gives every document in order of writing, by `size` and `from` only: queries are not evaluated, so one is refused. */
function search(state: EsState, request: EsRequest, index: string): EsAnswer {
  const body = request.body === '' ? {} : (JSON.parse(request.body) as Record<string, unknown>);
  const query = body['query'] as Record<string, unknown> | undefined;
  if (request.query.has('q') || (query !== undefined && !('match_all' in query))) {
    return fail(501, 'stand_in', 'this stand-in evaluates no query but match_all');
  }
  if (index !== '' && !index.includes('*') && state.documents.match(index).length === 0) return noSuchIndex(index);
  const size = Math.min(Number(body['size'] ?? request.query.get('size') ?? 10), SEARCH_HITS_MAX);
  const from = Number(body['from'] ?? request.query.get('from') ?? 0);
  const all = documentsOf(state, index);
  const hits = all.slice(from, from + size).map(([name, document]) => hit(name, document));
  const total = { value: all.length, relation: 'eq' };
  return ok({ took: 1, timed_out: false, hits: { total, max_score: 1, hits } });
}

function hit(index: string, { id, version, source }: StoredDocument): object {
  return { _index: index, _type: '_doc', _id: id, _version: version, _score: 1, _source: JSON.parse(source) };
}

function getDocument(state: EsState, request: EsRequest, index: string): EsAnswer {
  const id = decodeURIComponent(request.path.split('/').at(-1) ?? '');
  const document = state.documents.get(index, id);
  if (document === undefined) return { status: 404, body: { _index: index, _type: '_doc', _id: id, found: false } };
  return ok({ ...hit(index, document), found: true });
}

function catIndices(state: EsState, index: string): object[] {
  return state.documents.match(index).map((name) => ({
    health: 'green',
    status: 'open',
    index: name,
    pri: '1',
    rep: '0',
    'docs.count': String(state.documents.index(name).size),
    'docs.deleted': '0',
  }));
}

function health(): object {
  return { cluster_name: 'stand-in', status: 'green', timed_out: false, number_of_nodes: 1, number_of_data_nodes: 1 };
}

function getTemplate(state: EsState, _request: EsRequest, name: string): EsAnswer {
  const template = state.templates.get(name);
  return template === undefined ? { status: 404, body: {} } : ok({ [name]: template });
}

function putTemplate(state: EsState, request: EsRequest, name: string): EsAnswer {
  const template = JSON.parse(request.body) as { index_patterns?: string[]; mappings?: { dynamic?: unknown } };
  state.templates.set(name, template);
  if (template.mappings?.dynamic === false) state.documents.leaveUnmapped(template.index_patterns ?? []);
  return ok({ acknowledged: true });
}

function createIndex(state: EsState, _request: EsRequest, index: string): EsAnswer {
  if (state.documents.indices.has(index)) {
    return fail(400, 'resource_already_exists_exception', `index [${index}] already exists`);
  }
  state.documents.index(index);
  return ok({ acknowledged: true, shards_acknowledged: true, index });
}

function deleteIndex(state: EsState, _request: EsRequest, index: string): EsAnswer {
  const names = state.documents.match(index);
  if (names.length === 0 && !index.includes('*')) return noSuchIndex(index);
  for (const name of names) state.documents.drop(name);
  return ok({ acknowledged: true });
}

function documentsOf(state: EsState, index: string): [string, StoredDocument][] {
  return state.documents
    .match(index)
    .flatMap((name) =>
      [...state.documents.index(name).values()].map((document): [string, StoredDocument] => [name, document]),
    );
}

function noSuchIndex(index: string): EsAnswer {
  return fail(404, 'index_not_found_exception', `no such index [${index}]`);
}

function fail(status: number, type: string, reason: string): EsAnswer {
  return { status, body: { error: { root_cause: [{ type, reason }], type, reason }, status } };
}

function ok(body: object): EsAnswer {
  return { status: 200, body };
}

import type { DocumentStore, StoredDocument } from './documents.ts';
import { mapDocument } from './mapping.ts';

export type BulkAction = 'index' | 'create' | 'update' | 'delete';

export interface BulkItem {
  readonly action: BulkAction;
  readonly index: string;
  readonly id: string | undefined;
  /** The action line's other settings: `pipeline`, `routing`, `retry_on_conflict`, … */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The second line as sent, undefined for a delete. */
  readonly body: string | undefined;
}

export interface ItemError {
  readonly status: number;
  readonly type: string;
  readonly reason: string;
}

/** An unresolved `%{field}` in a name has capitals or is refused by its signs. */
const VALID_INDEX = /^(?![-_+])[^A-Z\\/*?"<>| ,#:{}]+$/;
const ACTIONS: readonly string[] = ['index', 'create', 'update', 'delete'];

export class MalformedBulk extends Error {}

/** Newline-delimited JSON into items. As in Elasticsearch a malformed action line spoils the whole request. */
export function parseBulk(body: string, defaultIndex: string | undefined): BulkItem[] {
  if (!body.endsWith('\n')) throw new MalformedBulk('The bulk request must be terminated by a newline [\\n]');
  const lines = body.split('\n');
  const items: BulkItem[] = [];
  for (let line = 0; line < lines.length - 1; line += 1) {
    const text = lines[line] ?? '';
    if (text === '') continue;
    const [action, metadata] = parseActionLine(text, line + 1);
    const second = action === 'delete' ? undefined : lines[++line];
    const index = metadata['_index'] ?? defaultIndex;
    if (typeof index !== 'string') throw new MalformedBulk('Validation Failed: 1: index is missing;');
    const id = metadata['_id'];
    items.push({ action, index, id: id === undefined ? undefined : String(id), metadata, body: second });
  }
  if (items.length === 0) throw new MalformedBulk('Validation Failed: 1: no requests added;');
  return items;
}

function parseActionLine(text: string, line: number): [BulkAction, Record<string, unknown>] {
  const parsed = parseObject(text);
  const [action, metadata] = Object.entries(parsed ?? {})[0] ?? [];
  if (action === undefined || !ACTIONS.includes(action) || typeof metadata !== 'object' || metadata === null) {
    throw new MalformedBulk(
      `Malformed action/metadata line [${line}], expected one of [create, delete, index, update]`,
    );
  }
  return [action as BulkAction, metadata as Record<string, unknown>];
}

/** Carries one item out and gives its entry of the answer. */
export function executeItem(store: DocumentStore, item: BulkItem, fault: ItemError | undefined): object {
  return { [item.action]: fault === undefined ? execute(store, item) : failed(item, fault) };
}

function execute(store: DocumentStore, item: BulkItem): object {
  if (!VALID_INDEX.test(item.index)) {
    const reason = `Invalid index name [${item.index}], must be lowercase and without special characters`;
    return failed(item, { status: 400, type: 'invalid_index_name_exception', reason });
  }
  const existing = item.id === undefined ? undefined : store.get(item.index, item.id);
  if (item.action === 'delete') return remove(store, item, existing);
  if (item.action === 'create' && existing !== undefined) {
    const reason = `[${item.id}]: version conflict, document already exists (current version [${existing.version}])`;
    return failed(item, { status: 409, type: 'version_conflict_engine_exception', reason });
  }
  const parsed = parseObject(item.body ?? '');
  if (parsed === undefined) {
    return failed(item, { status: 400, type: 'mapper_parsing_exception', reason: 'failed to parse' });
  }
  if (item.action === 'update') return update(store, item, existing, parsed);
  const refusal = store.isMapped(item.index)
    ? mapDocument(store.mapping(item.index), item.body ?? '', parsed)
    : undefined;
  if (refusal !== undefined) return failed(item, { status: 400, type: 'mapper_parsing_exception', reason: refusal });
  return written(item, store.put(item.index, item.id, item.body ?? ''), existing === undefined);
}

function remove(store: DocumentStore, item: BulkItem, existing: StoredDocument | undefined): object {
  store.remove(item.index, item.id ?? '');
  const result = existing === undefined ? 'not_found' : 'deleted';
  return { ...place(item, item.id), _version: (existing?.version ?? 0) + 1, result, status: existing ? 200 : 404 };
}

function update(
  store: DocumentStore,
  item: BulkItem,
  existing: StoredDocument | undefined,
  parsed: Record<string, unknown>,
): object {
  const partial = parsed['doc'];
  const upsert = parsed['doc_as_upsert'] === true ? partial : parsed['upsert'];
  if (existing === undefined && upsert === undefined) {
    const reason = `[_doc][${item.id}]: document missing`;
    return failed(item, { status: 404, type: 'document_missing_exception', reason });
  }
  const base = existing === undefined ? upsert : { ...parseObject(existing.source), ...(partial as object) };
  return written(item, store.put(item.index, item.id, JSON.stringify(base)), existing === undefined);
}

function written(item: BulkItem, document: StoredDocument, isNew: boolean): object {
  return {
    ...place(item, document.id),
    _version: document.version,
    result: isNew ? 'created' : 'updated',
    _shards: { total: 2, successful: 1, failed: 0 },
    _seq_no: document.sequence,
    _primary_term: 1,
    status: isNew ? 201 : 200,
  };
}

function failed(item: BulkItem, { status, type, reason }: ItemError): object {
  return { ...place(item, item.id), status, error: { type, reason, index: item.index } };
}

function place(item: BulkItem, id: string | undefined): object {
  return { _index: item.index, _type: '_doc', _id: id ?? null };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    return isObject ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

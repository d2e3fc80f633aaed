import { createHash } from 'node:crypto';
import type { Event } from '../../../event/event.ts';
import { parseFieldReference } from '../../../event/fieldReference.ts';
import { encodeJson, parseJson } from '../../../event/json.ts';
import { compileTemplate, type Template } from '../../../event/template.ts';
import { isMap, type Value, type ValueMap } from '../../../event/value.ts';
import type { Bulk, BulkBody } from './bulk.ts';
import { DataStreamNames, usesDataStreams } from './dataStream.ts';
import type { Dialect } from './dialect.ts';
import type { Options } from './options.ts';
import { type Action, isAction } from './rules.ts';

/** Elasticsearch refuses a whole request for one longer `_id`. */
const ID_BYTES_MAX = 512;

/** An event that no request can carry; it belongs in the dead letter queue. */
export class UnsendableEvent extends Error {
  override name = 'UnsendableEvent';
}

/** Part of an action line, as `,"key":value`; empty when the event has none. */
type MetaPart = (event: Event, action: Action, dialect: Dialect) => string;

/** What one is made of, and how it reads. */
interface ActionLine {
  readonly action: Action | '';
  readonly index: string;
  readonly meta: string;
  readonly dialect: Dialect | undefined;
  readonly line: string;
}

/** Turns events into lines of a bulk. All that needs no event is done in the constructor. */
export class BulkEncoder {
  readonly #options: Options;
  readonly #action: Template;
  readonly #index: Template;
  readonly #dataStream: DataStreamNames | undefined;
  readonly #documentId: Template | undefined;
  readonly #parent: Template | undefined;
  readonly #metaParts: readonly MetaPart[];
  readonly #updateBody: (event: Event, document: ValueMap) => string;
  #lastIndex: string | undefined;
  #lastIndexJson = '""';
  #lastLine: ActionLine = { action: '', index: '', meta: '', dialect: undefined, line: '' };

  constructor(options: Options) {
    this.#options = options;
    this.#dataStream = usesDataStreams(options) ? new DataStreamNames(options) : undefined;
    this.#action = compileTemplate(this.#dataStream === undefined ? options.action : 'create');
    this.#index = compileTemplate(options.index);
    this.#documentId = optional(options.document_id);
    this.#parent = optional(options.parent);
    this.#metaParts = compileMetaParts(options);
    this.#updateBody = compileUpdateBody(options);
  }

  /** @throws UnsendableEvent, or what a template throws */
  encode(event: Event, bulk: Bulk, dialect: Dialect): void {
    const stated = this.#action.apply(event);
    if (!isAction(stated)) throw new UnsendableEvent(`'${stated}' is no action`);
    const recordId = this.#recordId(event, stated);
    const action = recordId === undefined ? stated : 'create';
    const id = recordId ?? this.#documentId?.apply(event);
    if (id !== undefined && recordId === undefined) checkId(id);
    const line = this.#actionLine(event, action, id, dialect);
    const { batch, metadataIfAny: metadata, origin } = event;
    const delivery = { batch, metadata, origin, isReplayable: recordId !== undefined, document: undefined };
    const data = this.#documentOf(event);
    if (action === 'update') {
      const document = data ?? event.data;
      const body = bodyOf(this.#updateBody(event, document));
      bulk.append(line, body, { ...delivery, document: encodeJson(document) });
    } else if (action === 'delete') {
      bulk.append(line, undefined, { ...delivery, document: encodeJson(data ?? event.data) });
    } else {
      bulk.append(line, data === undefined ? event : bodyOf(encodeJson(data)), delivery);
    }
  }

  /** The `_id` that a replay of the same record gives again. */
  #recordId(event: Event, action: Action): string | undefined {
    if (event.origin === undefined || !this.#options.idempotent || this.#documentId !== undefined) return undefined;
    if (action !== 'index' && action !== 'create') return undefined;
    if (this.#options.version !== undefined || this.#options.version_type !== undefined) return undefined;
    return legalId(event.origin);
  }

  #actionLine(event: Event, action: Action, id: string | undefined, dialect: Dialect): string {
    const index = this.#indexJson(event, dialect);
    let meta = id === undefined ? '' : `,"_id":${JSON.stringify(id)}`;
    for (const part of this.#metaParts) meta += part(event, action, dialect);
    const last = this.#lastLine;
    if (last.meta === meta && last.index === index && last.action === action && last.dialect === dialect)
      return last.line;
    const hasType = dialect.defaultType !== undefined && this.#options.document_type === undefined;
    const type = hasType ? `,"_type":${JSON.stringify(dialect.defaultType)}` : '';
    const line = `{"${action}":{"_index":${index}${meta}${type}}}`;
    // One with an id does not come again.
    if (id === undefined) this.#lastLine = { action, index, meta, dialect, line };
    return line;
  }

  /** Neighbours mostly go to the same index. */
  #indexJson(event: Event, { alias }: Dialect): string {
    const index = alias ?? this.#dataStream?.nameFor(event) ?? this.#index.apply(event);
    if (index !== this.#lastIndex) {
      // Elasticsearch 7 answers 500 for it, time and again.
      if (index === '') throw new UnsendableEvent('its index has no name');
      if (this.#options.dlq_on_failed_indexname_interpolation) checkIndex(index);
      this.#lastIndex = index;
      this.#lastIndexJson = wellFormedJson(index);
    }
    return this.#lastIndexJson;
  }

  /** Where that is not the event as it is. */
  #documentOf(event: Event): ValueMap | undefined {
    if (this.#dataStream !== undefined) return this.#dataStream.documentOf(event);
    const { join_field: joinField } = this.#options;
    if (this.#parent === undefined || joinField === undefined) return undefined;
    const joined = event.clone();
    const reference = parseFieldReference(joinField);
    joined.set(reference, { name: event.get(reference) ?? null, parent: this.#parent.apply(event) });
    return joined.data;
  }
}

function bodyOf(json: string): BulkBody {
  return { writeJson: (out) => void out.append(json) };
}

function optional(text: string | undefined): Template | undefined {
  return text === undefined ? undefined : compileTemplate(text);
}

/** No server ever answers a request with half a surrogate pair in the name of an index or in a routing. */
function wellFormedJson(text: string): string {
  return JSON.stringify(text.toWellFormed());
}

function legalId(origin: string): string {
  if (origin.length <= ID_BYTES_MAX / 3 || Buffer.byteLength(origin) <= ID_BYTES_MAX) return origin;
  return createHash('sha256').update(origin).digest('base64url');
}

function checkIndex(index: string): void {
  if (!/%\{.*?\}/.test(index)) return;
  throw new UnsendableEvent(`Badly formatted index, after interpolation still contains placeholder: [${index}]`);
}

function checkId(id: string): void {
  if (id.length > ID_BYTES_MAX / 3 && Buffer.byteLength(id) > ID_BYTES_MAX) {
    throw new UnsendableEvent(`its document_id is longer than ${ID_BYTES_MAX} bytes: ${id.slice(0, 80)}…`);
  }
}

function compileMetaParts(options: Options): MetaPart[] {
  const parts: MetaPart[] = [];
  const add = (key: string, template: Template | undefined, when: (text: string) => boolean = () => true) => {
    if (template === undefined) return;
    parts.push((event) => {
      const text = template.apply(event);
      return when(text) ? `,"${key}":${wellFormedJson(text)}` : '';
    });
  };
  const hasJoin = options.parent !== undefined && options.join_field !== undefined;
  add('routing', optional(hasJoin ? options.parent : options.routing));
  if (!hasJoin) add('parent', optional(options.parent));
  add('pipeline', optional(options.pipeline), (text) => text.trim() !== '');
  add('version', optional(options.version));
  add('version_type', optional(options.version_type));
  const type = optional(options.document_type);
  if (type !== undefined) {
    parts.push((event, _action, dialect) => (dialect.takesType ? `,"_type":${JSON.stringify(type.apply(event))}` : ''));
  }
  parts.push((_event, action, dialect) =>
    action === 'update' ? `,"${dialect.retryOnConflict}":${options.retry_on_conflict}` : '',
  );
  return parts;
}

/** The second line of an update, as Logstash builds it. */
function compileUpdateBody(options: Options): (event: Event, document: ValueMap) => string {
  const upsertTemplate = options.upsert === '' ? undefined : compileTemplate(options.upsert);
  const scriptTemplate = options.script === '' ? undefined : compileTemplate(options.script);
  const upsertOf = (event: Event): Value | undefined =>
    upsertTemplate === undefined ? undefined : parseUpsert(upsertTemplate.apply(event));

  if (scriptTemplate === undefined) {
    return (event, document) => {
      if (options.doc_as_upsert) return encodeJson({ doc: document, doc_as_upsert: true });
      const upsert = upsertOf(event);
      return encodeJson({ doc: document, ...(upsert === undefined ? {} : { upsert }) });
    };
  }
  const scriptKey = options.script_type === 'indexed' ? 'id' : 'source';
  return (event, document) => {
    const script: ValueMap = {
      params: { [options.script_var_name]: document },
      [scriptKey]: scriptTemplate.apply(event),
      // The server refuses a language beside the name of a stored script.
      ...(options.script_lang === '' || scriptKey === 'id' ? {} : { lang: options.script_lang }),
    };
    if (options.scripted_upsert) return encodeJson({ script, scripted_upsert: true, upsert: {} });
    const upsert = options.doc_as_upsert ? document : upsertOf(event);
    return encodeJson({ script, ...(upsert === undefined ? {} : { upsert }) });
  };
}

function parseUpsert(text: string): ValueMap {
  try {
    const parsed = parseJson(text, 'double');
    if (isMap(parsed)) return parsed;
  } catch (error) {
    throw new UnsendableEvent(`its upsert is no JSON: ${(error as Error).message}`);
  }
  throw new UnsendableEvent('its upsert is no JSON object');
}

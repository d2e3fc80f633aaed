/** What the answer to a bulk means for each of its items, and what a whole answer means for the request. */

/**
 * - `delivered`: written.
 * - `conflict`: 409; the server holds another version. The event is given up, with a warning, as in Logstash.
 * - `rejected`: the document can never be written; it goes to the dead letter queue.
 * - `dropped`: refused with an error that the configuration lets go.
 * - `retry`: the server could not now.
 */
export type ItemFate = 'delivered' | 'conflict' | 'rejected' | 'dropped' | 'retry';

export interface ItemOutcome {
  readonly fate: ItemFate;
  readonly status: number;
  /** Such as `mapper_parsing_exception`; empty for a delivered one. */
  readonly type: string;
  readonly reason: string;
}

const FATE_OF_STATUS: Readonly<Record<number, ItemFate>> = {
  200: 'delivered',
  201: 'delivered',
  400: 'rejected',
  404: 'rejected',
  409: 'conflict',
};

/** What the configuration says of refused documents, beside the rules that always hold. */
export interface OutcomeRules {
  /** Statuses that make a document `rejected`. */
  readonly rejectedStatuses: ReadonlySet<number>;
  /** Types of errors with which a document is `dropped`. */
  readonly droppedTypes: ReadonlySet<string>;
}

export const DELIVERED: ItemOutcome = { fate: 'delivered', status: 201, type: '', reason: '' };

export const ANSWER_HEAD_LENGTH = 256;

/** `errors` stands before the items, which are most of the text and then need no look. */
export function saysAllDelivered(answer: string): boolean {
  return answer.slice(0, ANSWER_HEAD_LENGTH).includes('"errors":false');
}

/**
 * Outcomes in the order of the items; `'allDelivered'` when none failed, undefined when the text is no answer to a bulk of
 * `size` items. Of a text that says that none failed, the head is enough.
 */
export function parseBulkAnswer(
  text: string,
  size: number,
  rules: OutcomeRules,
): 'allDelivered' | ItemOutcome[] | undefined {
  if (saysAllDelivered(text)) return 'allDelivered';
  const items = parseItems(text);
  if (items === undefined || items.length !== size) return undefined;
  return items.map((item) => outcomeOf(item, rules));
}

interface AnswerItem {
  readonly status?: number;
  readonly error?: ErrorBody | string;
}

interface ErrorBody {
  readonly type?: string;
  readonly reason?: string;
  readonly caused_by?: ErrorBody;
}

function parseItems(text: string): AnswerItem[] | undefined {
  try {
    const { items } = JSON.parse(text) as { items?: Record<string, AnswerItem>[] };
    return Array.isArray(items) ? items.map((item) => Object.values(item)[0] ?? {}) : undefined;
  } catch {
    return undefined;
  }
}

function outcomeOf({ status = 0, error }: AnswerItem, rules: OutcomeRules): ItemOutcome {
  // Deleting what is not there answers 404 without an error.
  if (error === undefined && status < 500) return { ...DELIVERED, status };
  const described = describe(error);
  return { fate: fateOf(status, described.type, rules), status, ...described };
}

function fateOf(status: number, type: string, { rejectedStatuses, droppedTypes }: OutcomeRules): ItemFate {
  if (status !== 409 && droppedTypes.has(type)) return 'dropped';
  return FATE_OF_STATUS[status] ?? (rejectedStatuses.has(status) ? 'rejected' : 'retry');
}

function describe(error: ErrorBody | string | undefined): { type: string; reason: string } {
  if (error === undefined || typeof error === 'string') return { type: 'unknown', reason: error ?? '' };
  const cause = error.caused_by?.reason;
  const reason = error.reason ?? '';
  return {
    type: error.type ?? 'unknown',
    reason: cause === undefined || cause === null || reason.includes(cause) ? reason : `${reason}: ${cause}`,
  };
}

/**
 * Whether one event may be what the whole request was refused for: it is too large, or its lines cannot be read (a version
 * that is no number, a document update that nests too deep). Proxies answer 400 too, but not in the server's form.
 */
export function spoilsItsRequest(status: number, errorType: string): boolean {
  return status === 413 || (status === 400 && errorType !== '');
}

/** The error a whole request was answered with: its type and reason, or the start of the text. */
export function describeErrorAnswer(text: string): { type: string; reason: string } {
  try {
    const { error } = JSON.parse(text) as { error?: ErrorBody | string };
    if (error !== undefined) return describe(error);
  } catch {
    // Proxies answer in HTML or not at all.
  }
  return {
    type: '',
    reason: text
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ')
      .trim()
      .slice(0, 200),
  };
}

/** Dead letters for people and for scripts. */
import type { StoredDeadLetter } from '../delivery/deadLetters.ts';
import { encodeJson } from '../event/json.ts';
import type { ValueMap } from '../event/value.ts';
import { counted, isoTime } from './kinesisText.ts';
import { textTable } from './textTable.ts';

const REASON_CHARACTERS = 80;

/** Stable: field names and forms as in the files. */
export function entryJson({
  id,
  timeMs,
  pluginType,
  pluginId,
  reason,
  origin,
  metadata,
  data,
}: StoredDeadLetter): ValueMap {
  return {
    id,
    entry_time: isoTime(timeMs),
    plugin_type: pluginType,
    plugin_id: pluginId,
    reason,
    origin: origin ?? null,
    metadata,
    event: data,
  };
}

export function listTable(entries: readonly StoredDeadLetter[]): string {
  if (entries.length === 0) return 'no entries';
  const columns = [{ head: 'id', align: 'right' as const }, { head: 'time' }, { head: 'plugin' }, { head: 'reason' }];
  const rows = entries.map(({ id, timeMs, pluginType, reason }) =>
    [String(id), isoTime(timeMs) ?? '', pluginType, shortened(reason)].map((text) => ({ text })),
  );
  return textTable(columns, rows, false).join('\n');
}

function shortened(reason: string): string {
  const line = reason.replace(/\s+/g, ' ');
  return line.length > REASON_CHARACTERS ? `${line.slice(0, REASON_CHARACTERS)}…` : line;
}

export function shownEntry(entry: StoredDeadLetter): string {
  const { id, timeMs, pluginType, pluginId, reason, origin, metadata, data } = entry;
  return [
    `entry ${id}, ${isoTime(timeMs)}`,
    `refused by ${pluginType} (id ${pluginId}): ${reason}`,
    `came from ${origin ?? 'a source that cannot replay'}`,
    `@metadata ${encodeJson(metadata)}`,
    // The text of numbers is kept: this only breaks lines.
    JSON.stringify(JSON.parse(encodeJson(data), keptNumber), undefined, 2),
  ].join('\n');
}

function keptNumber(_key: string, value: unknown, { source }: { source?: string }): unknown {
  return typeof value === 'number' && source !== undefined ? JSON.rawJSON(source) : value;
}

/** What differs from event to event stands behind a colon or comma. */
export function kindOf(reason: string): string {
  return /^[^:,]*/.exec(reason)?.[0].trim() ?? reason;
}

interface Counted {
  readonly pluginType: string;
  readonly kind: string;
  count: number;
  readonly sinceMs: number;
  lastMs: number;
  readonly example: string;
}

export class ReasonCounts {
  readonly #counts = new Map<string, Counted>();
  #total = 0;
  #sinceMs: number | undefined;

  add({ pluginType, reason, timeMs }: StoredDeadLetter): void {
    this.#total += 1;
    this.#sinceMs ??= timeMs;
    const kind = kindOf(reason);
    const key = JSON.stringify([pluginType, kind]);
    const counted = this.#counts.get(key) ?? {
      pluginType,
      kind,
      count: 0,
      sinceMs: timeMs,
      lastMs: timeMs,
      example: reason,
    };
    counted.count += 1;
    counted.lastMs = timeMs;
    this.#counts.set(key, counted);
  }

  json(): Record<string, unknown> {
    const reasons = this.#sorted().map(({ pluginType, kind, count, sinceMs, lastMs, example }) => {
      return { plugin_type: pluginType, reason: kind, count, first: isoTime(sinceMs), last: isoTime(lastMs), example };
    });
    return { entries: this.#total, first: isoTime(this.#sinceMs ?? null), reasons };
  }

  text(directory: string): string {
    if (this.#sinceMs === undefined) return `no entries in ${directory}`;
    const columns = [{ head: '', align: 'right' as const }, { head: '' }, { head: '' }, { head: '' }];
    const rows = this.#sorted().map(({ count, pluginType, kind, example }) =>
      [String(count), pluginType, kind, shortened(example.slice(kind.length).replace(/^[:,]\s*/, ''))].map((text) => ({
        text,
      })),
    );
    const [top] = this.#sorted();
    return [
      `${counted(this.#total, 'entry', 'entries')} since ${isoTime(this.#sinceMs)}`,
      ...textTable(columns, rows, false).slice(1),
      `replay after mending:  logstash-ts dlq replay -f <config> --where 'reason=${top?.kind}' --dry-run`,
    ].join('\n');
  }

  #sorted(): Counted[] {
    return [...this.#counts.values()].sort((left, right) => right.count - left.count);
  }
}

/** `--where`: which entries of the dead letter queue are meant. */
import type { StoredDeadLetter } from '../delivery/deadLetters.ts';
import { getAt } from '../event/accessors.ts';
import { parseFieldReference } from '../event/fieldReference.ts';
import { encodeJson } from '../event/json.ts';
import { closest } from '../util/closest.ts';
import { messageOf } from '../util/errors.ts';
import { UsageError } from './arguments.ts';
import { parseTimeText, TIME_FORMS } from './timeText.ts';

export type EntryFilter = (entry: StoredDeadLetter) => boolean;

const NAMES = ['reason', 'plugin', 'origin', 'id', 'since', 'until'] as const;

/** All conditions have to hold; without one every entry is meant. @throws UsageError */
export function parseWhere(conditions: readonly string[], nowMs: number): EntryFilter {
  const filters = conditions.map((condition) => parseCondition(condition, nowMs));
  return (entry) => filters.every((holds) => holds(entry));
}

function parseCondition(condition: string, nowMs: number): EntryFilter {
  const [, name = '', operator = '', text = ''] = /^(\[.*?\](?=!?[=~])|[^=~!]+)(!=|=|~)(.*)$/s.exec(condition) ?? [];
  if (name === '')
    throw new UsageError(`--where ${condition} is no condition: write name=text, name~text or name!=text`);
  if (name === 'since' || name === 'until') {
    if (operator !== '=') throw new UsageError(`--where ${condition}: ${name} takes =`);
    const timeMs = parseTimeText(`--where ${name}=`, text, TIME_FORMS, nowMs);
    return name === 'since' ? (entry) => entry.timeMs >= timeMs : (entry) => entry.timeMs < timeMs;
  }
  const textsOf = reader(name);
  const holds = (found: string) => (operator === '~' ? found.includes(text) : isEqual(name, found, text));
  return (entry) => textsOf(entry).some(holds) !== (operator === '!=');
}

/** Reasons end in what differs from event to event, so their first words are enough. */
function isEqual(name: string, found: string, text: string): boolean {
  return found === text || (name === 'reason' && found.startsWith(text) && !/^\w/.test(found.slice(text.length)));
}

function reader(name: string): (entry: StoredDeadLetter) => readonly string[] {
  switch (name) {
    case 'reason':
      return ({ reason }) => [reason, reason.replace(/^\d{3} /, '')];
    case 'plugin':
      return ({ pluginType, pluginId }) => [pluginType, pluginId];
    case 'origin':
      return ({ origin }) => [origin ?? ''];
    case 'id':
      return ({ id }) => [String(id)];
    default:
      return fieldReader(name);
  }
}

function fieldReader(name: string): (entry: StoredDeadLetter) => readonly string[] {
  if (!name.startsWith('[')) {
    const near = closest(name, NAMES);
    const advice = near ? `did you mean ${near}?` : `one of ${NAMES.join(', ')}, or a field such as [${name}]`;
    throw new UsageError(`--where: unknown name "${name}": ${advice}`);
  }
  const { path, inMetadata } = referenceOf(name);
  return ({ data, metadata }) => {
    const value = getAt(inMetadata ? metadata : data, path);
    return value === undefined ? [''] : [typeof value === 'string' ? value : encodeJson(value)];
  };
}

function referenceOf(name: string) {
  try {
    return parseFieldReference(name);
  } catch (error) {
    throw new UsageError(`--where: ${name} is no field reference: ${messageOf(error)}`);
  }
}

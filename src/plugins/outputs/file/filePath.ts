import { dirname, join, resolve, sep } from 'node:path';
import type { Event } from '../../../event/event.ts';
import { compileTemplate } from '../../../event/template.ts';
import { PluginConfigError } from '../../../plugin-api/index.ts';

const FIELD = /%\{[^}]+\}/;

export interface FilePath {
  /** Whether the path has parts to fill in. */
  readonly isDynamic: boolean;
  /** Takes what the path of its event would lead out of the fixed part, or to nowhere. */
  readonly failurePath: string;
  /** `undefined` when the event's values lead out of the fixed part. */
  of(event: Event): string | undefined;
}

/** @throws PluginConfigError for a path whose first directory is filled in, as in Logstash */
export function compileFilePath(path: string, failureName: string): FilePath {
  const absolute = resolve(path);
  const parts = absolute.split(sep);
  if (FIELD.test(parts[1] ?? '')) {
    throw new PluginConfigError('File: The starting part of the path should not be dynamic.', 'path');
  }
  if (!FIELD.test(absolute)) {
    return { isDynamic: false, failurePath: join(dirname(absolute), failureName), of: () => absolute };
  }
  const root = parts
    .slice(
      0,
      parts.findIndex((part) => FIELD.test(part)),
    )
    .join(sep);
  const template = compileTemplate(absolute);
  const inside = (raw: string): string | undefined => {
    const target = resolve(raw);
    return target.startsWith(`${root}${sep}`) && !target.includes('\0') ? target : undefined;
  };
  let lastRaw: string | undefined;
  let last: string | undefined;
  return {
    isDynamic: true,
    failurePath: join(root, failureName),
    of(event) {
      const raw = template.apply(event);
      if (raw !== lastRaw) [lastRaw, last] = [raw, inside(raw)];
      return last;
    },
  };
}

import type { Event } from '../event/event.ts';
import type { PluginDefinition } from '../plugin-api/index.ts';
import type { Logger } from '../util/logger.ts';

export type EventFailure = (event: Event, error: unknown) => void;

/**
 * What becomes of an event that makes a plugin, or its common options, throw, where Logstash's worker or input would die: it
 * goes on with a tag. The first is said.
 */
export function eventFailure({ kind, name }: PluginDefinition, logger: Logger, count: () => void): EventFailure {
  const tag = `_${name}_exception`;
  let isSaid = false;
  return (event, error) => {
    count();
    event.tag(tag);
    if (isSaid) return;
    isSaid = true;
    logger.error(`an event made this ${kind} fail; it goes on with the tag ${tag} (said once)`, { error });
  };
}

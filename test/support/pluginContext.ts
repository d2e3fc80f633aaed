import { tmpdir } from 'node:os';
import type { Event } from '../../src/event/event.ts';
import { type Counter, type OutputContext, PluginConfigError } from '../../src/plugin-api/index.ts';
import { systemClock } from '../../src/util/clock.ts';
import { silentLogger } from '../../src/util/logger.ts';

export interface TestContext extends OutputContext {
  /** What `counter` has handed out, by name. */
  readonly counters: ReadonlyMap<string, Counter>;
  /** What `deadLetter` was given, if it is not overridden. */
  readonly deadLetters: readonly { readonly event: Event; readonly reason: string }[];
}

/** What a plugin instance is given, without a pipeline around it. */
export function testContext(overrides: Partial<OutputContext> = {}): TestContext {
  const counters = new Map<string, Counter>();
  const opened = new Map<string, Promise<unknown>>();
  const deadLetters: { event: Event; reason: string }[] = [];
  return {
    id: 'test',
    logger: silentLogger,
    clock: systemClock,
    counter: (name) => getOrMake(counters, name, () => ({ value: 0 })),
    shared: <T>(key: string, open: () => Promise<T>) => getOrMake(opened, key, open) as Promise<T>,
    dataPath: tmpdir(),
    pipelineId: 'main',
    hostName: 'test-host',
    fieldTypes: [],
    deadLetter: async (event, reason) => void deadLetters.push({ event, reason }),
    ...overrides,
    counters,
    deadLetters,
  };
}

function getOrMake<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** For checks that throw their only fault. */
export function reportFault(message: string, option: string): void {
  throw new PluginConfigError(message, option);
}

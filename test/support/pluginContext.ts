import { tmpdir } from 'node:os';
import { type Counter, PluginConfigError, type PluginContext } from '../../src/plugin-api/index.ts';
import { systemClock } from '../../src/util/clock.ts';
import { silentLogger } from '../../src/util/logger.ts';

export interface TestContext extends PluginContext {
  /** What `counter` has handed out, by name. */
  readonly counters: ReadonlyMap<string, Counter>;
}

/** What a plugin instance is given, without a pipeline around it. */
export function testContext(overrides: Partial<PluginContext> = {}): TestContext {
  const counters = new Map<string, Counter>();
  const opened = new Map<string, Promise<unknown>>();
  return {
    id: 'test',
    logger: silentLogger,
    clock: systemClock,
    counter: (name) => getOrMake(counters, name, () => ({ value: 0 })),
    shared: <T>(key: string, open: () => Promise<T>) => getOrMake(opened, key, open) as Promise<T>,
    dataPath: tmpdir(),
    pipelineId: 'main',
    hostName: 'test-host',
    ...overrides,
    counters,
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

/** What the plugins of one pipeline are given, and what is known of each. */
import { openCodec, type ResolvedPlugin } from '../compiler/index.ts';
import type { DeadLetterQueue } from '../delivery/deadLetterQueue.ts';
import type {
  CodecFactory,
  Counter,
  Input,
  InputDefinition,
  Output,
  OutputContext,
  OutputDefinition,
  PluginContext,
} from '../plugin-api/index.ts';
import type { Clock } from '../util/clock.ts';
import type { Logger } from '../util/logger.ts';
import type { PluginSnapshot } from './snapshot.ts';

export interface ContextSettings {
  readonly id: string;
  readonly dataPath: string;
  readonly hostName: string;
  readonly clock: Clock;
  readonly loggerFor: (source: { name: string; pluginId?: string }) => Logger;
  readonly deadLetterQueue: Pick<DeadLetterQueue, 'add' | 'count'>;
}

export class PluginContexts {
  readonly #settings: ContextSettings;
  readonly #shared = new Map<string, Promise<unknown>>();
  readonly #counters = new Map<string, Map<string, Counter>>();
  readonly #contexts = new Map<ResolvedPlugin, PluginContext>();

  constructor(settings: ContextSettings) {
    this.#settings = settings;
  }

  /** The same one at each call. */
  of(plugin: ResolvedPlugin): PluginContext {
    const known = this.#contexts.get(plugin);
    if (known !== undefined) return known;
    const { kind, name } = plugin.definition;
    const counters = new Map<string, Counter>();
    this.#counters.set(plugin.id, counters);
    const context: PluginContext = {
      id: plugin.id,
      logger: this.#settings.loggerFor({ name: `logstash.${kind}s.${name}`, pluginId: plugin.id }),
      clock: this.#settings.clock,
      counter: (counterName) => {
        const counter = counters.get(counterName) ?? { value: 0 };
        counters.set(counterName, counter);
        return counter;
      },
      shared: <T>(key: string, open: () => Promise<T>) => {
        const opened = (this.#shared.get(key) as Promise<T> | undefined) ?? open();
        this.#shared.set(key, opened);
        return opened;
      },
      dataPath: this.#settings.dataPath,
      pipelineId: this.#settings.id,
      hostName: this.#settings.hostName,
    };
    this.#contexts.set(plugin, context);
    return context;
  }

  /** With the dead letter queue, whose entries name the plugin. */
  delivering(plugin: ResolvedPlugin): PluginContext & Pick<OutputContext, 'deadLetter'> {
    return { ...this.of(plugin), deadLetter: this.deadLetterOf({ name: plugin.definition.name, id: plugin.id }) };
  }

  deadLetterOf({ name, id }: { name: string; id: string }): OutputContext['deadLetter'] {
    const { deadLetterQueue, clock } = this.#settings;
    return (event, reason) =>
      deadLetterQueue.add(event, { pluginType: name, pluginId: id, reason, timeMs: clock.now() });
  }

  /** The options of the plugin, with its codec ready to be opened. */
  optionsOf(plugin: ResolvedPlugin<InputDefinition | OutputDefinition>): Record<string, unknown> & Codec {
    if (plugin.codec === undefined) throw new Error(`${plugin.definition.name} has no codec`);
    return { ...plugin.options, codec: openCodec(plugin.codec, this.of(plugin)) };
  }

  /** Of every plugin that was given a context. `instances` has those that can say more. */
  snapshots(instances: ReadonlyMap<ResolvedPlugin, Input | Output>): PluginSnapshot[] {
    return [...this.#contexts.keys()].map((plugin) => ({
      id: plugin.id,
      kind: plugin.definition.kind,
      name: plugin.definition.name,
      counters: Object.fromEntries(
        [...(this.#counters.get(plugin.id) ?? [])].map(([name, { value }]) => [name, value]),
      ),
      oldestUnsettledMs: this.#ageMs(instances.get(plugin)?.unsettledSinceMs?.()),
      status: instances.get(plugin)?.status?.() ?? {},
    }));
  }

  #ageMs(sinceMs: number | undefined): number | null {
    return sinceMs === undefined ? null : this.#settings.clock.now() - sinceMs;
  }
}

interface Codec {
  readonly codec: CodecFactory;
}

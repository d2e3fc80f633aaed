import type { ProgramStats } from '../compiler/index.ts';
import type { PersistedQueue } from '../delivery/persistedQueue.ts';

/** What the pipeline has done so far, and what its plugins say of themselves. */
export interface PipelineSnapshot extends ProgramStats {
  readonly id: string;
  readonly eventsIn: number;
  readonly eventsOut: number;
  readonly deadLetters: number;
  /** Events that made the pipeline itself throw, not a plugin; they are in the dead letter queue. */
  readonly poisoned: number;
  /** `null` for a queue in memory. */
  readonly queue: PersistedQueue['status'] | null;
  readonly plugins: readonly PluginSnapshot[];
}

export interface PluginSnapshot {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly counters: Readonly<Record<string, number>>;
  /** Age of the oldest event that an input has emitted, or an output was given, and that is not settled; `null` for none. */
  readonly oldestUnsettledMs: number | null;
  readonly status: Readonly<Record<string, unknown>>;
}

/** One of all workers. `leads` are of what is there once beside them, whose status is the one to show. */
export function addUp(workers: readonly PipelineSnapshot[], leads: readonly PluginSnapshot[]): PipelineSnapshot {
  const [first] = workers;
  if (first === undefined) throw new Error('a pipeline has one worker at least');
  const sum = (of: (snapshot: PipelineSnapshot) => number) => workers.reduce((total, each) => total + of(each), 0);
  return {
    id: first.id,
    eventsIn: sum(({ eventsIn }) => eventsIn),
    eventsOut: sum(({ eventsOut }) => eventsOut),
    deadLetters: sum(({ deadLetters }) => deadLetters),
    poisoned: sum(({ poisoned }) => poisoned),
    dropped: sum(({ dropped }) => dropped),
    unrouted: sum(({ unrouted }) => unrouted),
    incomparable: sum(({ incomparable }) => incomparable),
    filterExceptions: sum(({ filterExceptions }) => filterExceptions),
    queue: workers.find(({ queue }) => queue !== null)?.queue ?? null,
    plugins: pluginsOf(
      workers.flatMap(({ plugins }) => plugins),
      leads,
    ),
  };
}

function pluginsOf(parts: readonly PluginSnapshot[], leads: readonly PluginSnapshot[]): PluginSnapshot[] {
  const byId = Map.groupBy([...leads, ...parts], ({ id }) => id);
  return Array.from(byId.values(), (same) => {
    const [first, ...others] = same as [PluginSnapshot, ...PluginSnapshot[]];
    return others.reduce(added, first);
  });
}

function added(one: PluginSnapshot, other: PluginSnapshot): PluginSnapshot {
  return {
    ...one,
    counters: addedNumbers(one.counters, other.counters) as Record<string, number>,
    oldestUnsettledMs: eldest(one.oldestUnsettledMs, other.oldestUnsettledMs),
    status: addedNumbers(one.status, other.status),
  };
}

/** What is no number is the first one's. */
function addedNumbers(
  one: Readonly<Record<string, unknown>>,
  other: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const sum: Record<string, unknown> = { ...other, ...one };
  for (const [name, value] of Object.entries(other)) {
    const own = one[name];
    if (typeof own === 'number' && typeof value === 'number') sum[name] = own + value;
  }
  return sum;
}

function eldest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}

import type { Clock } from '../../../util/clock.ts';
import { messageOf } from '../../../util/errors.ts';
import type { Logger } from '../../../util/logger.ts';
import { TroubleReporter } from '../../../util/troubleReporter.ts';
import type { NodePool } from './nodePool.ts';

export interface SnifferSettings {
  /** Asks for the nodes. */
  readonly ask: () => Promise<{ readonly status: number; readonly text: string }>;
  readonly pool: Pick<NodePool, 'setNodes' | 'hasLiveNode'>;
  /** Origins of the configuration. */
  readonly seeds: readonly string[];
  readonly delayMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** More than the largest clusters have: an answer that lists more is no cluster's. */
const NODES_MAX = 1000;

/** Asks the cluster for its nodes, again and again, one question at a time, until `signal` aborts. */
export async function sniff(settings: SnifferSettings, signal: AbortSignal): Promise<void> {
  const { clock, delayMs, logger } = settings;
  const trouble = new TroubleReporter('asking for the nodes of the cluster', logger, clock);
  const round = new Round(settings);
  while (!signal.aborted) {
    try {
      await round.run();
      trouble.worked('');
    } catch (error) {
      if (!signal.aborted) trouble.failed('', messageOf(error));
    }
    await clock.sleep(delayMs, signal);
  }
}

class Round {
  readonly #settings: SnifferSettings;
  #current: readonly string[];

  constructor(settings: SnifferSettings) {
    this.#settings = settings;
    this.#current = settings.seeds;
  }

  async run(): Promise<void> {
    const { ask, pool, seeds } = this.#settings;
    try {
      const { status, text } = await ask();
      if (status !== 200) throw new Error(`answer ${status}`);
      const [scheme = 'http'] = seeds[0]?.split('://') ?? [];
      this.#use(parseNodes(text, scheme));
    } catch (error) {
      // Addresses that only the cluster itself can reach would else be all there is, for ever.
      if (!pool.hasLiveNode()) this.#use(seeds);
      throw error;
    }
  }

  #use(origins: readonly string[]): void {
    const { pool, logger } = this.#settings;
    const before = this.#current;
    const added = origins.filter((origin) => !before.includes(origin));
    const removed = before.filter((origin) => !origins.includes(origin));
    if (added.length + removed.length === 0) return;
    pool.setNodes(origins);
    this.#current = origins;
    logger.info('the nodes to send to have changed', { added, removed });
  }
}

interface NodeInfo {
  readonly roles?: readonly string[];
  readonly http?: { readonly publish_address?: string };
}

/** Origins out of the answer to `_nodes/http`. @throws Error when it names no node to send to */
export function parseNodes(text: string, scheme: string): string[] {
  const { nodes = {} } = JSON.parse(text) as { nodes?: Readonly<Record<string, NodeInfo>> };
  const infos = Object.values(nodes);
  if (infos.length > NODES_MAX) throw new Error(`the answer lists ${infos.length} nodes`);
  const origins = infos
    .filter(({ roles }) => !isPureMaster(roles))
    .flatMap(({ http }) => originOf(http?.publish_address, scheme) ?? []);
  if (origins.length === 0) throw new Error('the answer names no node to send to');
  return [...new Set(origins)].sort();
}

const MASTER_ROLES = ['master', 'cluster_manager', 'voting_only', 'remote_cluster_client'];

/** A node without any role only coordinates, which is what a client wants. */
function isPureMaster(roles: readonly string[] | undefined): boolean {
  if (roles === undefined || !roles.some((role) => role === 'master' || role === 'cluster_manager')) return false;
  return roles.every((role) => MASTER_ROLES.includes(role));
}

/** `10.0.0.1:9200`, `[::1]:9200`, or with the node's name in front: `es-1.example/10.0.0.1:9200`. */
function originOf(address: string | undefined, scheme: string): string | undefined {
  const [, name, host, port] = /^(?:([^/]*)\/)?(.*):(\d+)$/.exec(address ?? '') ?? [];
  const text = `${scheme}://${name || host}:${port}`;
  return port !== undefined && URL.canParse(text) ? text : undefined;
}

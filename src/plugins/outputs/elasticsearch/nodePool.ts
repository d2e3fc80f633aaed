import type { BaseConnectionPool, Connection } from '@elastic/elasticsearch';
import type { Clock } from '../../../util/clock.ts';

export interface NodePoolSettings {
  readonly healthPath: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly resurrectDelayMs: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly onRevived: (node: string) => void;
}

/** Nodes in turn. One that cannot be reached is left out until its health check succeeds. */
export interface NodePool extends BaseConnectionPool {
  hasLiveNode(): boolean;
  /** Takes these origins in place of those it has; a node that stays keeps its connections and its health. */
  setNodes(origins: readonly string[]): void;
  stopHealthChecks(): void;
}

type Library = Pick<typeof import('@elastic/elasticsearch'), 'BaseConnectionPool'>;

/** A class, since the client makes its pool itself; made here, since the library is loaded only when needed. */
export function defineNodePool(library: Library, settings: NodePoolSettings) {
  return class HealthCheckedPool extends library.BaseConnectionPool implements NodePool {
    readonly #dead = new Set<Connection>();
    readonly #stopped = new AbortController();
    #turn = 0;
    #checking = false;

    hasLiveNode(): boolean {
      return this.#dead.size < this.size;
    }

    setNodes(origins: readonly string[]): void {
      const hadLiveNode = this.hasLiveNode();
      const before = new Map(this.connections.map((connection) => [connection.url.origin, connection]));
      this.connections = origins
        .map((origin) => new URL(origin))
        .map((url) => before.get(url.origin) ?? this.createConnection({ url, id: url.origin }));
      this.size = this.connections.length;
      for (const connection of before.values()) {
        if (this.connections.includes(connection)) continue;
        this.#dead.delete(connection);
        // What is under way there is still answered.
        connection.close().catch(() => {});
      }
      if (!hadLiveNode && this.hasLiveNode()) settings.onRevived(origins.join(', '));
    }

    /** While every node is away, a request is as good a health check as any. */
    override getConnection(): Connection | null {
      const choice = this.hasLiveNode()
        ? this.connections.filter((connection) => !this.#dead.has(connection))
        : this.connections;
      return choice[this.#turn++ % choice.length] ?? null;
    }

    override markAlive(connection: Connection): this {
      if (this.#dead.delete(connection)) settings.onRevived(connection.url.host);
      return super.markAlive(connection);
    }

    override markDead(connection: Connection): this {
      if (!this.connections.includes(connection)) return this;
      this.#dead.add(connection);
      void this.#checkHealth();
      return super.markDead(connection);
    }

    stopHealthChecks(): void {
      this.#stopped.abort();
    }

    async #checkHealth(): Promise<void> {
      if (this.#checking) return;
      this.#checking = true;
      while (this.#dead.size > 0 && !this.#stopped.signal.aborted) {
        await settings.clock.sleep(settings.resurrectDelayMs, this.#stopped.signal);
        if (this.#stopped.signal.aborted) break;
        await Promise.all([...this.#dead].map((connection) => this.#look(connection)));
      }
      this.#checking = false;
    }

    async #look(connection: Connection): Promise<void> {
      try {
        const { statusCode } = await connection.request(
          { method: 'HEAD', path: settings.healthPath, headers: { ...settings.headers } },
          { requestId: 'health', name: 'health', context: null, timeout: settings.timeoutMs },
        );
        // A node that wants credentials is there; a gateway without one behind it is not.
        if (statusCode < 500) this.markAlive(connection);
      } catch {
        // Still away; the request that failed has said so.
      }
    }
  };
}

import type { Agent } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { ClientOptions } from '@elastic/elasticsearch';
import type { Clock } from '../../../util/clock.ts';
import type { Logger } from '../../../util/logger.ts';
import { defineBulkConnection, NDJSON } from './bulkConnection.ts';
import type { Endpoint } from './endpoint.ts';
import { defineNodePool, type NodePool } from './nodePool.ts';
import type { Options } from './options.ts';
import { sniff } from './sniffer.ts';

export interface WireRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST';
  readonly path: string;
  /** Newline-delimited JSON. */
  readonly bulkBody?: Buffer;
  /** JSON. */
  readonly body?: string;
}

export interface WireAnswer {
  readonly status: number;
  /** Empty for HEAD. Perhaps only the head of the answer to a bulk of which all is delivered. */
  readonly text: string;
}

/** No answer came: the node cannot be reached, or was too slow. The request may still have been carried out. */
export class Unreachable extends Error {
  override name = 'Unreachable';
}

/** The connection to the cluster, whatever server it is made of. Retries nothing. */
export interface Wire {
  /** Every HTTP answer is an answer, also 429 and 500. @throws Unreachable */
  request(request: WireRequest): Promise<WireAnswer>;
  close(): Promise<void>;
}

export interface WireSettings {
  readonly endpoint: Endpoint;
  readonly options: Pick<
    Options,
    'timeout' | 'http_compression' | 'compression_level' | 'resurrect_delay' | 'sniffing' | 'sniffing_delay'
  >;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A node that was away answers again. */
  readonly onRevived: (node: string) => void;
}

const compress = promisify(gzip);

/** All of them: the transport then hands over every answer and throws for none. */
const ERROR_STATUSES = Array.from({ length: 200 }, (_, i) => 400 + i);

/** Loads the client library, which takes a quarter of a second. */
export async function openWire({ endpoint, options, clock, logger, onRevived }: WireSettings): Promise<Wire> {
  const library = await import('@elastic/elasticsearch');
  const timeoutMs = options.timeout * 1000;
  const level = compressionLevel(options);
  const closing = new AbortController();

  /** The client refuses older servers and OpenSearch by a product check and by media types of its own. */
  class AnyServerTransport extends library.Transport {
    constructor(settings: ConstructorParameters<typeof library.Transport>[0]) {
      const { productCheck: _refused, ...rest } = settings;
      super({
        ...rest,
        vendoredHeaders: {
          jsonContentType: 'application/json',
          ndjsonContentType: NDJSON,
          accept: 'application/json',
        },
        // Off, since it walks the request's body byte by byte; errors are never printed whole here.
        redaction: { type: 'off' },
        openTelemetry: { enabled: false },
      });
    }
  }

  /** Gives answers as text: most need no parsing. */
  class TextSerializer extends library.Serializer {
    override deserialize<T>(text: string): T {
      return text as T;
    }
  }

  const client = new library.Client({
    nodes: [...endpoint.nodes],
    Transport: AnyServerTransport as unknown as NonNullable<ClientOptions['Transport']>,
    ConnectionPool: defineNodePool(library, {
      healthPath: endpoint.healthPath,
      headers: endpoint.headers,
      resurrectDelayMs: options.resurrect_delay * 1000,
      timeoutMs,
      clock,
      onRevived,
    }),
    Serializer: TextSerializer,
    headers: { ...endpoint.headers },
    maxRetries: 0,
    requestTimeout: timeoutMs,
    enableMetaHeader: false,
    ...(endpoint.tls === undefined ? {} : { tls: endpoint.tls }),
    // Only this connection class takes agents of Node's.
    ...(endpoint.proxy === undefined
      ? { Connection: defineBulkConnection(library) }
      : { agent: () => proxyAgent(endpoint), Connection: library.HttpConnection }),
  });
  const pool = client.connectionPool as NodePool;

  async function send({ method, path, bulkBody, body }: WireRequest, signal?: AbortSignal): Promise<WireAnswer> {
    const isCompressed = level > 0 && bulkBody !== undefined;
    const bytes = isCompressed ? await compress(bulkBody, { level }) : bulkBody;
    const { statusCode, body: answer } = await client.transport.request(
      {
        method,
        path,
        querystring: endpoint.query,
        ...(bytes === undefined ? {} : { bulkBody: bytes as unknown as string }),
        ...(body === undefined ? {} : { body }),
      },
      {
        meta: true,
        ignore: ERROR_STATUSES,
        ...(signal === undefined ? {} : { signal }),
        headers: {
          ...(isCompressed ? { 'content-encoding': 'gzip' } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
      },
    );
    return { status: statusCode ?? 0, text: typeof answer === 'string' ? answer : '' };
  }

  async function request(wanted: WireRequest, signal?: AbortSignal): Promise<WireAnswer> {
    // A dead node leaves the choice, so the next one is another.
    for (let tried = 1; ; tried++) {
      try {
        return await send(wanted, signal);
      } catch (error) {
        if (signal?.aborted || tried >= pool.size || !pool.hasLiveNode()) throw unreachable(error);
      }
    }
  }

  const ask = () => request({ method: 'GET', path: endpoint.sniffingPath }, closing.signal);
  const delayMs = options.sniffing_delay * 1000;
  const sniffing = options.sniffing
    ? sniff({ ask, pool, seeds: endpoint.nodes, delayMs, clock, logger }, closing.signal)
    : undefined;
  return {
    request: (wanted) => request(wanted),
    async close() {
      closing.abort();
      pool.stopHealthChecks();
      await sniffing;
      await client.close();
    },
  };
}

/** Node's own: as in Logstash only what is encrypted is tunnelled, which is all that many proxies allow. */
function proxyAgent({ proxy, tls }: Endpoint): Agent {
  const common = { keepAlive: true, scheduling: 'lifo' as const };
  if (tls === undefined) {
    const { Agent: HttpAgent } = process.getBuiltinModule('node:http');
    return new HttpAgent({ ...common, proxyEnv: { HTTP_PROXY: proxy } });
  }
  const { Agent: HttpsAgent } = process.getBuiltinModule('node:https');
  return new HttpsAgent({ ...common, ...tls, proxyEnv: { HTTPS_PROXY: proxy } });
}

/** 0: not at all. */
function compressionLevel({ compression_level: level, http_compression: older }: WireSettings['options']): number {
  if (level !== undefined) return Number(level);
  return older === true ? constants.Z_BEST_SPEED : 0;
}

function unreachable(error: unknown): Unreachable {
  return new Unreachable(error instanceof Error && error.message !== '' ? error.message : 'the connection failed');
}

import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { ClientOptions } from '@elastic/elasticsearch';
import { PluginConfigError } from '../../../plugin-api/index.ts';
import type { Clock } from '../../../util/clock.ts';
import type { Endpoint } from './endpoint.ts';
import { defineNodePool, type NodePool } from './nodePool.ts';
import type { Options } from './options.ts';

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
  /** Empty for HEAD. */
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
    'timeout' | 'http_compression' | 'cacert' | 'ssl_certificate_verification' | 'resurrect_delay'
  >;
  readonly clock: Clock;
  /** A node that was away answers again. */
  readonly onRevived: (node: string) => void;
}

const compress = promisify(gzip);

/** All of them: the transport then hands over every answer and throws for none. */
const ERROR_STATUSES = Array.from({ length: 200 }, (_, i) => 400 + i);

/** Loads the client library, which takes a quarter of a second. @throws PluginConfigError */
export async function openWire({ endpoint, options, clock, onRevived }: WireSettings): Promise<Wire> {
  const library = await import('@elastic/elasticsearch');
  const timeoutMs = options.timeout * 1000;

  /** The client refuses older servers and OpenSearch by a product check and by media types of its own. */
  class AnyServerTransport extends library.Transport {
    constructor(settings: ConstructorParameters<typeof library.Transport>[0]) {
      const { productCheck: _refused, ...rest } = settings;
      super({
        ...rest,
        vendoredHeaders: {
          jsonContentType: 'application/json',
          ndjsonContentType: 'application/x-ndjson',
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

  const tls = tlsOptions(endpoint, options);
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
    ...(tls === undefined ? {} : { tls }),
    // Only this connection class knows proxies.
    ...(endpoint.proxy === undefined ? {} : { proxy: endpoint.proxy, Connection: library.HttpConnection }),
  });
  const pool = client.connectionPool as NodePool;

  async function send({ method, path, bulkBody, body }: WireRequest): Promise<WireAnswer> {
    const isCompressed = options.http_compression && bulkBody !== undefined;
    const bytes = isCompressed ? await compress(bulkBody, { level: constants.Z_BEST_SPEED }) : bulkBody;
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
        headers: {
          ...(isCompressed ? { 'content-encoding': 'gzip' } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
      },
    );
    return { status: statusCode ?? 0, text: typeof answer === 'string' ? answer : '' };
  }

  return {
    async request(request) {
      // A dead node leaves the choice, so the next one is another.
      for (let tried = 1; ; tried++) {
        try {
          return await send(request);
        } catch (error) {
          if (tried >= pool.size || !pool.hasLiveNode()) throw unreachable(error);
        }
      }
    },
    async close() {
      pool.stopHealthChecks();
      await client.close();
    },
  };
}

function tlsOptions(endpoint: Endpoint, options: WireSettings['options']): ClientOptions['tls'] {
  if (!endpoint.isEncrypted) return undefined;
  return {
    rejectUnauthorized: options.ssl_certificate_verification,
    ...(options.cacert === undefined ? {} : { ca: readCertificate(options.cacert) }),
  };
}

function readCertificate(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new PluginConfigError(`${path} cannot be read: ${(error as Error).message}`, 'cacert', error);
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new PluginConfigError(`${path} holds no PEM certificate`, 'cacert');
}

function unreachable(error: unknown): Unreachable {
  return new Unreachable(error instanceof Error && error.message !== '' ? error.message : 'the connection failed');
}

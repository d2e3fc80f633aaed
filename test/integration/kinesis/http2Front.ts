import { readFile } from 'node:fs/promises';
import { type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse, type Http2Session } from 'node:http2';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import { listen } from '../../support/servers/server.ts';

/** Speaks HTTP/2 (if it is to) and HTTP/1.1 over TLS in front of a server that speaks plain HTTP/1.1. */
export interface Http2Front {
  /** `https://127.0.0.1:<port>`; nobody signed for its certificate. */
  readonly url: string;
  /** Protocol version and AWS operation of each call. */
  readonly calls: string[];
  /** Bytes that the server behind gave for subscriptions. */
  readonly subscriptionBytes: () => number;
  readonly openSessions: () => number;
  stop(): Promise<void>;
}

/** HTTP/2 does not have them. */
const OF_THE_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding']);

export async function startHttp2Front(target: string, speaksHttp2 = true): Promise<Http2Front> {
  const { key, cert } = await certificate();
  const { hostname, port } = new URL(target);
  const sessions = new Set<Http2Session>();
  const calls: string[] = [];
  let subscriptionBytes = 0;

  function forward(
    request: Http2ServerRequest | IncomingMessage,
    response: Http2ServerResponse | ServerResponse,
  ): void {
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    calls.push(`${request.httpVersion} ${operation}`);
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !name.startsWith(':')));
    const upstream = sendRequest({ hostname, port, method: request.method, path: request.url, headers, agent: false });
    const abort = () => {
      upstream.destroy();
      if ('stream' in response) response.stream?.destroy();
      else response.destroy();
    };
    upstream.on('error', abort);
    upstream.on('response', (answer) => {
      response.statusCode = answer.statusCode ?? 502;
      for (const [name, value] of Object.entries(answer.headers)) {
        if (value !== undefined && !OF_THE_CONNECTION.has(name)) response.setHeader(name, value);
      }
      answer.on('error', abort);
      answer.pipe(response);
      if (operation !== 'SubscribeToShard') return;
      answer.on('data', (chunk: Buffer) => {
        subscriptionBytes += chunk.length;
      });
    });
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  }

  const server = speaksHttp2
    ? createSecureServer({ key, cert, allowHTTP1: true }, forward)
    : createServer({ key, cert }, forward);
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => {});
  });
  const bound = await listen(server, 0);
  return {
    url: `https://127.0.0.1:${bound}`,
    calls,
    subscriptionBytes: () => subscriptionBytes,
    openSessions: () => sessions.size,
    stop: () =>
      new Promise((done) => {
        for (const session of sessions) session.destroy();
        server.close(() => done());
      }),
  };
}

/** kinesis-local brings one along. */
async function certificate(): Promise<{ key: string; cert: string }> {
  const path = createRequire(import.meta.url).resolve('kinesis-local/server.json');
  const { server } = JSON.parse(await readFile(path, 'utf8'));
  return server;
}

import { readFileSync } from 'node:fs';
import { type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { listen, type Server } from './server.ts';

const CERTIFICATES = new URL('../../data/tls/', import.meta.url);

export interface TlsFront extends Server {
  /** Common names of the certificates that clients showed; empty where one showed none. */
  readonly clients: readonly string[];
}

/** Stands in front of an HTTP server and speaks TLS, as `localhost` and 127.0.0.1, by the authority of test/data/tls. */
export async function startTlsFront(
  target: string,
  options: { readonly wantsClient?: boolean } = {},
): Promise<TlsFront> {
  const clients: string[] = [];
  const read = (name: string) => readFileSync(new URL(name, CERTIFICATES));
  const https = createServer(
    {
      cert: read('server.pem'),
      key: read('server.key'),
      ca: read('ca.pem'),
      requestCert: options.wantsClient === true,
      rejectUnauthorized: options.wantsClient === true,
    },
    (incoming, outgoing) => {
      clients.push(commonName(incoming));
      forward(target, incoming, outgoing);
    },
  );
  const port = await listen(https, 0);
  return {
    name: 'TLS front',
    version: '1',
    url: `https://127.0.0.1:${port}`,
    clients,
    stop: () =>
      new Promise((done) => {
        https.close(() => done());
        https.closeAllConnections();
      }),
  };
}

function commonName({ socket }: IncomingMessage): string {
  const { subject } = (socket as TLSSocket).getPeerCertificate();
  return subject === undefined ? '' : String(subject.CN);
}

function forward(target: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { method, url: path, headers } = incoming;
  const upstream = sendRequest(new URL(target), { method, path, headers, agent: false }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  upstream.on('error', () => outgoing.destroy());
  incoming.pipe(upstream);
}

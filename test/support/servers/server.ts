import { createServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';

/** A server a test or the demo talks to. A stand-in says so in `name`. */
export interface Server {
  readonly name: string;
  readonly version: string;
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  /** Absent for a server that lives in this process. */
  readonly pid?: number;
  /** Resolves when the server no longer listens and its process is gone; may be called again. */
  stop(): Promise<void>;
}

/** A port that was free a moment ago; a caller whose server then finds it taken starts again with another. */
export async function freePort(): Promise<number> {
  const probe = createTcpServer();
  const port = await listen(probe, 0);
  await new Promise((done) => probe.close(done));
  return port;
}

/** Listens on loopback only and gives the port. */
export function listen(
  server: { listen(port: number, host: string, done: () => void): unknown; address(): AddressInfo | string | null } & {
    once(event: 'error', handler: (error: Error) => void): unknown;
  },
  port: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('the server has no TCP address'));
      else resolve(address.port);
    });
  });
}

/** Starts an HTTP server of this process. Open connections, also those waiting for an answer, are cut on stop. */
export async function startHttp(
  name: string,
  version: string,
  handler: Parameters<typeof createServer>[1],
  port = 0,
): Promise<Server> {
  return serverOf(name, version, createServer({ keepAliveTimeout: 60_000 }, handler), port);
}

export async function serverOf(name: string, version: string, http: HttpServer, port = 0): Promise<Server> {
  const bound = await listen(http, port);
  let stopped: Promise<void> | undefined;
  const stop = () =>
    new Promise<void>((done) => {
      http.close(() => done());
      http.closeAllConnections();
    });
  return {
    name,
    version,
    url: `http://127.0.0.1:${bound}`,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { type Server, serverOf } from './server.ts';

export interface HttpProxy extends Server {
  /** What was asked for: a URL, or `<host>:<port>` for a tunnel. */
  readonly seen: { readonly target: string; readonly authorization: string | undefined }[];
}

/** A forward proxy. Names in `hosts` stand for the servers given; tunnels to others are noted and refused. */
export async function startHttpProxy(hosts: Readonly<Record<string, string>> = {}): Promise<HttpProxy> {
  const seen: HttpProxy['seen'] = [];
  const http = createServer((incoming, outgoing) => {
    const { method = 'GET', headers, url: target = '' } = incoming;
    seen.push({ target, authorization: headers['proxy-authorization'] });
    const { hostname, pathname, search, origin } = new URL(target);
    const place = new URL(`${pathname}${search}`, hosts[hostname] ?? origin);
    const upstream = request(place, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    upstream.on('error', () => outgoing.writeHead(502).end());
    incoming.pipe(upstream);
  });
  http.on('connect', ({ url: target = '', headers }, socket) => {
    seen.push({ target, authorization: headers['proxy-authorization'] });
    const place = hosts[target.split(':')[0] ?? ''];
    if (place === undefined) {
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      return;
    }
    const { hostname, port } = new URL(place);
    const upstream = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(upstream).pipe(socket);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  return { ...(await serverOf('http proxy', '1', http)), seen };
}

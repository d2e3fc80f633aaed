/** A server that takes objects and keeps none, in a process of its own. One line of JSON says where it listens. */
import { createServer } from 'node:http';
import { listen } from '../support/servers/server.ts';

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume().once('end', () => response.writeHead(200, { etag: '"0"' }).end());
});
process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${await listen(server, 0)}` })}\n`);

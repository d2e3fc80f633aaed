/** An S3 that takes objects, whole or in parts, and keeps none; a process of its own. One line of JSON says where it listens. */
import { createServer } from 'node:http';
import { listen } from '../support/servers/server.ts';

const UPLOAD_BEGUN = '<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>';
const UPLOAD_ENDED = '<CompleteMultipartUploadResult><ETag>"0"</ETag></CompleteMultipartUploadResult>';

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const ending = request.url?.includes('uploadId=') ? UPLOAD_ENDED : UPLOAD_BEGUN;
  const answer = request.method === 'POST' ? ending : '';
  request.resume().once('end', () => response.writeHead(200, { etag: '"0"' }).end(answer));
});
process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${await listen(server, 0)}` })}\n`);

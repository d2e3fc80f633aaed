/** A local sink for bulks, in a process of its own: answers each as a server that has taken all. One line of JSON says where it listens. */
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { readBody } from '../support/servers/s3/request.ts';
import { listen } from '../support/servers/server.ts';
import { OutputTally } from './outputTally.ts';
import { SinkReport } from './sinkReport.ts';

const ITEM =
  '{"create":{"_index":"bench-202611","_type":"_doc","_id":"logs/shardId-000000000003/49590338271490256608559692538361571095921575989136588898/0","_version":1,"result":"created","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":123456,"_primary_term":1,"status":201}}';
const LINES_PER_DOCUMENT = 2;
const unzip = promisify(gunzip);
const report = new SinkReport(() => new OutputTally(LINES_PER_DOCUMENT));

function answerFor(body: Buffer): string {
  report.note();
  const documents = report.take(body) / LINES_PER_DOCUMENT;
  return `{"took":30,"errors":false,"items":[${Array<string>(documents).fill(ITEM).join(',')}]}`;
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  if (report.answers(request, response)) return;
  void readBody(request).then(async (raw) => {
    const body = request.headers['content-encoding'] === 'gzip' ? await unzip(raw) : raw;
    const answer = request.method === 'POST' ? answerFor(body) : '{"version":{"number":"7.9.2"}}';
    response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
  });
});
process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${await listen(server, 0)}` })}\n`);

/**
 * A local S3 in a process of its own, which keeps what it gets and unpacks and counts it when the bench asks. One line of JSON says
 * where it listens.
 */
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { startFakeS3 } from '../support/servers/index.ts';
import { listen } from '../support/servers/server.ts';
import { OutputTally } from './outputTally.ts';
import { SinkReport } from './sinkReport.ts';
import { S3_BUCKET, S3_CREDENTIALS } from './sinks.ts';

const report = new SinkReport(() => new OutputTally());
const s3 = await startFakeS3({
  ...S3_CREDENTIALS,
  buckets: [S3_BUCKET],
  respond: ({ operation, key }) => {
    if (operation === 'PutObject' && key.endsWith('.gz')) report.note();
    return undefined;
  },
});
const counter = createServer((request, response) => {
  for (const [key, { bytes }] of s3.objects(S3_BUCKET)) if (key.endsWith('.gz')) report.take(gunzipSync(bytes));
  report.answers(request, response);
});
const reportUrl = `http://127.0.0.1:${await listen(counter, 0)}`;
process.stdout.write(`${JSON.stringify({ url: s3.url, reportUrl })}\n`);

import { type FakeElasticsearchOptions, startFakeElasticsearch } from './fakeElasticsearch.ts';
import { type FakeS3Options, startFakeS3 } from './fakeS3.ts';
import type { Server } from './server.ts';

// Runs a stand-in as a process of its own: node run.ts <s3|elasticsearch> '<options as JSON>'. One line of JSON says that it is ready.
const [kind, text = '{}'] = process.argv.slice(2);
const server = await start(JSON.parse(text));
process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)));
process.stdout.write(`${JSON.stringify({ name: server.name, version: server.version, url: server.url })}\n`);

function start(options: FakeS3Options & FakeElasticsearchOptions): Promise<Server> {
  if (kind === 's3') return startFakeS3(options);
  if (kind === 'elasticsearch') return startFakeElasticsearch(options);
  throw new Error(`unknown stand-in ${kind}: s3 or elasticsearch`);
}

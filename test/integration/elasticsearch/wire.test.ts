import { createServer, type ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { resolveEndpoint } from '../../../src/plugins/outputs/elasticsearch/endpoint.ts';
import { openWire, Unreachable } from '../../../src/plugins/outputs/elasticsearch/wire.ts';
import { outputContext } from '../../support/outputHarness.ts';
import { listen } from '../../support/servers/server.ts';
import { parseOptions } from '../../unit/plugins/elasticsearch/support.ts';

const ITEM = '{"index":{"_index":"logs","_id":"1","status":201}}';
const answerOf = (head: string) => `{"took":3,${head},"items":[${Array(20_000).fill(ITEM).join(',')}]}`;
const DELIVERED = answerOf('"errors":false');

/** What the wire says that a server answers which answers so. */
async function answerTo(path: string, respond: (response: ServerResponse) => void) {
  const server = createServer((request, response) => void request.resume().on('end', () => respond(response)));
  const url = `http://127.0.0.1:${await listen(server, 0)}`;
  onTestFinished(() => void server.close());
  const options = parseOptions({ hosts: url });
  const wire = await openWire({ endpoint: resolveEndpoint(options), options, ...outputContext(), onRevived: () => {} });
  onTestFinished(() => wire.close());
  return wire.request({ method: 'POST', path, ...(path === '/_bulk' ? { bulkBody: Buffer.from('{}\n') } : {}) });
}

const JSON_TYPE = { 'content-type': 'application/json' };

it('keeps the head only of an answer that says that all is delivered', async () => {
  const { status, text } = await answerTo('/_bulk', (response) => response.writeHead(200, JSON_TYPE).end(DELIVERED));
  expect(status).toBe(200);
  expect(text).toBe(DELIVERED.slice(0, text.length));
  expect(text.length).toBeLessThan(1000);
  expect(text).toContain('"errors":false');
});

it.each([
  ['errors in it', 200, '/_bulk', answerOf('"errors":true')],
  ['another status', 429, '/_bulk', DELIVERED],
  ['no bulk', 200, '/_search', DELIVERED],
  ['nothing in it', 200, '/_bulk', ''],
])('keeps the whole of an answer with %s', async (_name, status, path, whole) => {
  const answer = await answerTo(path, (response) => response.writeHead(status, JSON_TYPE).end(whole));
  expect(answer).toEqual({ status, text: whole });
});

it('takes an answer whose head comes in pieces', async () => {
  const { text } = await answerTo('/_bulk', async (response) => {
    response.writeHead(200, JSON_TYPE).write(DELIVERED.slice(0, 15));
    await nextTurn();
    response.end(DELIVERED.slice(15));
  });
  expect(text.slice(0, 100)).toBe(DELIVERED.slice(0, 100));
});

it('takes an answer that is compressed', async () => {
  const headers = { ...JSON_TYPE, 'content-encoding': 'gzip' };
  const answer = await answerTo('/_bulk', (response) => response.writeHead(200, headers).end(gzipSync(DELIVERED)));
  expect(answer.text).toBe(DELIVERED);
});

it('takes an answer for none that breaks off behind its head', async () => {
  const answer = answerTo('/_bulk', (response) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': DELIVERED.length });
    response.write(DELIVERED.slice(0, 300_000), () => response.destroy());
  });
  await expect(answer).rejects.toThrow(Unreachable);
});

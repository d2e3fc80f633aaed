import { createServer, request, type Server } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClients } from '../../../src/kinesis/clients.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { silentLogger } from '../../../src/util/logger.ts';
import { startDynalite } from '../../support/servers/dynalite.ts';
import { listen } from '../../support/servers/server.ts';

const AROUND = { logger: silentLogger, clock: systemClock };
const KEYS = { id: 'test', secret: 'test' };
const seenByProxy: { target: string; authorization: string | undefined }[] = [];
let dynamodb: Awaited<ReturnType<typeof startDynalite>>;
let proxy: Server;
let proxyPort: number;

beforeAll(async () => {
  dynamodb = await startDynalite();
  proxy = createServer((incoming, outgoing) => {
    seenByProxy.push({ target: incoming.url ?? '', authorization: incoming.headers['proxy-authorization'] });
    const { method, headers } = incoming;
    incoming.pipe(
      request(incoming.url ?? '', { method: method ?? 'GET', headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      }),
    );
  });
  proxy.on('connect', (incoming, socket) => {
    seenByProxy.push({ target: incoming.url ?? '', authorization: incoming.headers['proxy-authorization'] });
    const upstream = connect(Number(new URL(dynamodb.url).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
  });
  proxyPort = await listen(proxy, 0);
});

afterAll(async () => {
  proxy.closeAllConnections();
  proxy.close();
  await dynamodb.stop();
});

async function tryDynamoDb(proxySettings: { url: string; bypassHosts: string[] } | undefined): Promise<string> {
  const settings = { region: 'us-east-1', dynamodbEndpoint: dynamodb.url, accessKey: KEYS, proxy: proxySettings };
  const clients = await createClients(settings, AROUND);
  try {
    await clients.dynamodb.describeTable('absent');
    return 'found';
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  } finally {
    clients.destroy();
  }
}

test('calls go through the proxy, with its credentials, and past it for hosts named', async () => {
  const url = `http://user:secret@127.0.0.1:${proxyPort}`;
  expect(await tryDynamoDb({ url, bypassHosts: [] })).toBe('ResourceNotFoundException');
  expect(seenByProxy).toEqual([
    {
      target: expect.stringContaining(new URL(dynamodb.url).host),
      authorization: `Basic ${Buffer.from('user:secret').toString('base64')}`,
    },
  ]);
  seenByProxy.length = 0;
  expect(await tryDynamoDb({ url, bypassHosts: ['127.0.0.1'] })).toBe('ResourceNotFoundException');
  expect(await tryDynamoDb(undefined)).toBe('ResourceNotFoundException');
  expect(seenByProxy).toEqual([]);
});

test('one call is one try', async () => {
  let calls = 0;
  const broken = createServer((_incoming, outgoing) => {
    calls += 1;
    outgoing.writeHead(500).end();
  });
  const port = await listen(broken, 0);
  const endpoint = `http://127.0.0.1:${port}`;
  const clients = await createClients(
    {
      region: 'us-east-1',
      kinesisEndpoint: endpoint,
      dynamodbEndpoint: endpoint,
      accessKey: KEYS,
    },
    AROUND,
  );
  await expect(clients.kinesis.listShards({ StreamName: 'x' })).rejects.toThrow();
  await expect(clients.dynamodb.describeTable('x')).rejects.toThrow();
  expect(calls).toBe(2);
  clients.destroy();
  broken.close();
});

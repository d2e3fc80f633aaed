import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClients } from '../../../src/kinesis/clients.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { silentLogger } from '../../../src/util/logger.ts';
import { startDynalite } from '../../support/servers/dynalite.ts';
import { type HttpProxy, startHttpProxy } from '../../support/servers/httpProxy.ts';
import { startHttp } from '../../support/servers/server.ts';

const AROUND = { logger: silentLogger, clock: systemClock };
const KEYS = { id: 'test', secret: 'test' };
let dynamodb: Awaited<ReturnType<typeof startDynalite>>;
let proxy: HttpProxy;

beforeAll(async () => {
  dynamodb = await startDynalite();
  proxy = await startHttpProxy();
});

afterAll(() => Promise.all([proxy.stop(), dynamodb.stop()]));

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
  const url = proxy.url.replace('://', '://user:secret@');
  expect(await tryDynamoDb({ url, bypassHosts: [] })).toBe('ResourceNotFoundException');
  expect(proxy.seen).toEqual([
    {
      target: expect.stringContaining(new URL(dynamodb.url).host),
      authorization: `Basic ${Buffer.from('user:secret').toString('base64')}`,
    },
  ]);
  proxy.seen.length = 0;
  expect(await tryDynamoDb({ url, bypassHosts: ['127.0.0.1'] })).toBe('ResourceNotFoundException');
  expect(await tryDynamoDb(undefined)).toBe('ResourceNotFoundException');
  expect(proxy.seen).toEqual([]);
});

test('one call is one try', async () => {
  let calls = 0;
  const broken = await startHttp('broken AWS', '1', (_incoming, outgoing) => {
    calls += 1;
    outgoing.writeHead(500).end();
  });
  const clients = await createClients(
    { region: 'us-east-1', kinesisEndpoint: broken.url, dynamodbEndpoint: broken.url, accessKey: KEYS },
    AROUND,
  );
  await expect(clients.kinesis.listShards({ StreamName: 'x' })).rejects.toThrow();
  await expect(clients.dynamodb.describeTable('x')).rejects.toThrow();
  expect(calls).toBe(2);
  clients.destroy();
  await broken.stop();
});

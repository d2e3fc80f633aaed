/** Credentials that are wrong, missing, short-lived, or behind a proxy. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Clients } from '../../../src/kinesis/clients.ts';
import { createConsumer } from '../../../src/kinesis/consumer.ts';
import type { Consumer } from '../../../src/kinesis/types.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { startFakeContainerAgent, startFakeInstanceMetadata } from '../../support/servers/fakeSts.ts';
import { startHttpProxy } from '../../support/servers/httpProxy.ts';
import { type Server, startHttp } from '../../support/servers/server.ts';
import { type CredentialsLab, type Situation, startCredentialsLab } from './credentialsLab.ts';
import { startLab } from './harness.ts';

vi.setConfig({ testTimeout: 60_000 });
const WAIT = { timeout: 30_000, interval: 50 };
const POD = 'arn:aws:iam::333333333333:role/pod';
const READER = 'arn:aws:iam::111111111111:role/reader';
const role = { arn: READER, sessionName: 'logstash' };
const KEYS = { AWS_ACCESS_KEY_ID: 'AKIA-environment', AWS_SECRET_ACCESS_KEY: 'secret-of-the-environment' };
const TOKEN = { token: 'token-of-the-service-account' };

let lab: CredentialsLab;
const servers: Server[] = [];

afterEach(async () => {
  await lab.stop();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function started<S extends Server>(server: Promise<S>): Promise<S> {
  servers.push(await server);
  return server;
}

const irsa = () => ({ AWS_WEB_IDENTITY_TOKEN_FILE: join(lab.home, 'token'), AWS_ROLE_ARN: POD });

function consumerOf(clients: Clients): Consumer {
  return createConsumer({
    ...clients,
    streamName: 'logs',
    tableName: 'leases',
    workerId: 'worker',
    createProcessor: () => ({ process() {}, settledPosition: () => null, whenSettled: async () => {}, lost() {} }),
    clock: systemClock,
    random: Math.random,
    logger: lab.logger,
  });
}

describe('a start with credentials that only a person can mend', () => {
  const rows: readonly {
    name: string;
    prepare: () => Situation | Promise<Situation>;
    says: readonly string[];
  }[] = [
    {
      name: 'none at all',
      prepare: () => ({}),
      says: [
        'no AWS credentials; looked at, in this order: environment (Unable to find environment variable credentials), shared files (',
        'web identity (Web identity configuration not specified), container agent (No HTTP credential provider host',
        'instance metadata (',
        'Provide one of these, or name a `profile`',
      ],
    },
    {
      name: 'a profile that is not there',
      prepare: () => ({ environment: KEYS, settings: { profile: 'absent' } }),
      says: [
        'no AWS credentials from profile "absent"; Could not resolve',
        'Check the name, and the files ~/.aws/config',
      ],
    },
    {
      name: 'an agent that refuses its token',
      prepare: async () => ({
        environment: {
          AWS_CONTAINER_CREDENTIALS_FULL_URI: (await started(startFakeContainerAgent('ASIA', 'token-of-the-pod'))).url,
          AWS_CONTAINER_AUTHORIZATION_TOKEN: 'token-of-another',
        },
      }),
      says: ['no AWS credentials; looked at', 'container agent (Server responded with status: 401)'],
    },
    {
      name: 'an agent whose answer is no JSON',
      prepare: async () => ({
        environment: {
          AWS_CONTAINER_CREDENTIALS_FULL_URI: (
            await started(startHttp('broken agent', '1', (_message, response) => response.end('{"token-of-the-pod"')))
          ).url,
        },
      }),
      says: ['no AWS credentials: the answer is no JSON'],
    },
    {
      name: 'a token file that is not there',
      prepare: () => ({ environment: irsa() }),
      says: ['web identity (ENOENT: no such file or directory'],
    },
    {
      name: 'a role that may not be assumed',
      prepare() {
        const message = 'User: arn:aws:iam::1:user/x is not authorized to perform: sts:AssumeRole';
        lab.sts.setFault({ status: 403, code: 'AccessDenied', message });
        return { environment: KEYS, settings: { role } };
      },
      says: [`does not give ${READER}: User: arn:aws:iam::1:user/x is not authorized`, 'docs/aws.md'],
    },
    {
      name: 'a web identity that the role does not trust',
      prepare() {
        lab.sts.setFault({ status: 400, code: 'InvalidIdentityToken', message: 'No OpenIDConnect provider found' });
        return { environment: irsa(), files: TOKEN };
      },
      says: [`does not give ${POD}: No OpenIDConnect provider found`, "check the role's trust"],
    },
    {
      name: 'a key that AWS does not know',
      prepare() {
        lab.refuse('UnrecognizedClientException', 'The security token included in the request is invalid.');
        return { environment: KEYS };
      },
      says: ['UnrecognizedClientException: The security token included', 'check where the keys come from'],
    },
    {
      name: 'a secret that does not fit, where AWS quotes the request',
      prepare() {
        const quoted =
          "The Canonical String for this request should have been\n'POST\nx-amz-security-token:token-of-me'";
        lab.refuse('InvalidSignatureException', `The signature does not match.\n\n${quoted}`);
        return { environment: KEYS };
      },
      says: ['InvalidSignatureException: The signature does not match. (check the secret key, and the clock'],
    },
    {
      name: 'a session that has expired',
      prepare() {
        lab.refuse('ExpiredTokenException', 'The security token included in the request is expired');
        return { environment: { ...KEYS, AWS_SESSION_TOKEN: 'token-of-me' } };
      },
      says: ['ExpiredTokenException: The security token', 'put fresh keys where they come from'],
    },
    {
      name: 'no permission',
      prepare() {
        lab.refuse('AccessDeniedException', 'User: arn:aws:iam::1:user/x is not authorized: dynamodb:DescribeTable');
        return { environment: KEYS };
      },
      says: ['dynamodb:DescribeTable', 'docs/aws.md lists the permissions needed'],
    },
  ];

  test.each(rows)('$name', async ({ prepare, says }) => {
    lab = await startCredentialsLab();
    const consumer = consumerOf(await lab.clientsIn(await prepare()));
    const error: unknown = await consumer.start().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ConsumerStartError', message: expect.stringContaining('"leases"') });
    for (const text of says) expect(String(error)).toContain(text);
    expect(`${String(error)}${lab.lines.join()}`).not.toMatch(/secret-of|token-of/);
    expect(error).not.toHaveProperty('cause');
    await consumer.close();
  });
});

test('a start waits for STS when it is away, and says so', async () => {
  lab = await startCredentialsLab();
  lab.sts.setFault({ status: 503, code: 'ServiceUnavailable', message: 'Try again' });
  const clients = await lab.clientsIn({ environment: irsa(), files: TOKEN });
  const consumer = consumerOf(clients);
  const starting = consumer.start().catch(() => {});
  const line = `warn: looking for leases in lease table "leases" fails and is tried again: ServiceUnavailable: ${lab.sts.url} does not give ${POD}: Try again`;
  await vi.waitFor(() => expect(lab.lines).toContain(line), WAIT);
  lab.sts.setFault('reset');
  await vi.waitFor(() => expect(lab.sts.calls.length).toBeGreaterThan(1), WAIT);
  lab.sts.setFault(undefined);
  await vi.waitFor(() => expect(lab.seen.at(-1)?.accessKey).toBe('ASIApod1'), WAIT);
  await Promise.all([consumer.close(), starting]);
});

/** The program's exit code and what it says; it gets SIGTERM once it has said `stopAfter`. */
async function runProgram(stopAfter?: string): Promise<{ code: unknown; text: string }> {
  lab.enter({ files: { 'x.conf': 'input { kinesis { kinesis_stream_name => "logs" } } output { null {} }' } });
  const bin = new URL('../../../bin/logstash-ts', import.meta.url).pathname;
  const args = ['--path.data', join(lab.home, 'data'), '-f', join(lab.home, 'x.conf')];
  const child = spawn(bin, args, { timeout: 50_000, killSignal: 'SIGKILL' });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    if (stopAfter !== undefined && !child.killed && text.includes(stopAfter)) child.kill();
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  return { code, text };
}

/** By the times of log lines. */
function secondsBetween(text: string, first: string, second: string): number {
  const [from = 0, to = Number.NaN] = [first, second].map((what) => {
    const line = text.split('\n').find((candidate) => candidate.includes(what)) ?? '';
    return Date.parse(line.slice(1, 24).replace(',', '.'));
  });
  return (to - from) / 1000;
}

test('a start where instance metadata does not answer says so and ends with exit code 1', async () => {
  lab = await startCredentialsLab();
  const silent = await started(startHttp('silent instance metadata', '1', () => {}));
  const environment = { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: silent.url };
  lab.enter({ environment });
  const { code, text } = await runProgram();
  expect(code).toBe(1);
  expect(text).toContain('still waiting for AWS credentials (default chain)');
  expect(text).toContain('instance metadata (TimeoutError from instance metadata service)');
});

test('a stop while the agent of the container is silent ends the process at once', async () => {
  lab = await startCredentialsLab();
  const silent = await started(startHttp('silent agent', '1', () => {}));
  lab.enter({ environment: { AWS_CONTAINER_CREDENTIALS_FULL_URI: silent.url } });
  const { code, text } = await runProgram('still waiting for AWS credentials (default chain)');
  expect(code).toBe(0);
  // It would wait for twelve seconds more.
  expect(secondsBetween(text, 'SIGTERM received', 'Pipeline terminated')).toBeLessThan(6);
  expect(text).toContain('Pipeline terminated');
});

test('a stream is read on by credentials that live three seconds', async () => {
  lab = await startCredentialsLab(3_000);
  const clients = await lab.clientsIn({ environment: irsa(), files: TOKEN, settings: { role } });
  const keys = new Set<string | undefined>();
  // Rejects when a request is signed by a key that has ended.
  await vi.waitFor(async () => {
    keys.add((await lab.callBoth(clients))['Kinesis']);
    expect(keys.size).toBeGreaterThan(3);
  }, WAIT);
  for (const key of keys) expect(key).toMatch(/^ASIAreader\d+$/);
  const told = lab.lines.filter((line) => line.includes('AWS credentials'));
  expect(told).toEqual([
    `info: AWS credentials of Kinesis and DynamoDB: role ${READER}, assumed with web identity, role ${POD}`,
  ]);
});

test('keys that change in their file are taken up', async () => {
  lab = await startCredentialsLab();
  let nowMs = Date.now() - 3_600_000;
  const keys = (name: string) => `[default]\naws_access_key_id = AKIA-${name}\naws_secret_access_key = s\n`;
  const clock = { ...systemClock, now: () => nowMs, monotonic: () => nowMs };
  const clients = await lab.clientsIn({ files: { credentials: keys('old') }, clock });
  expect(await lab.callBoth(clients)).toEqual({ Kinesis: 'AKIA-old', DynamoDB: 'AKIA-old' });
  lab.enter({ files: { credentials: keys('new') } });
  expect(await lab.callBoth(clients)).toEqual({ Kinesis: 'AKIA-old', DynamoDB: 'AKIA-old' });
  nowMs += 5 * 60_000;
  const new_ = { Kinesis: 'AKIA-new', DynamoDB: 'AKIA-new' };
  await vi.waitFor(async () => expect(await lab.callBoth(clients)).toEqual(new_), WAIT);
});

test('nothing is lost while STS is away for longer than the credentials live', async () => {
  const streams = await startLab();
  lab = await startCredentialsLab(4_000);
  const settings = { kinesisEndpoint: streams.kinesisUrl, dynamodbEndpoint: streams.dynamodbUrl, region: 'us-east-1' };
  const clients = await lab.clientsIn({ environment: irsa(), files: TOKEN, settings });
  await streams.createStream('away', 2);
  const texts = Array.from({ length: 60 }, (_, index) => `record-${String(index).padStart(2, '0')}`);
  const put = (from: number, to: number) =>
    streams.put(
      'away',
      texts.slice(from, to).map((text) => ({ key: text, data: text })),
    );
  const { logger } = lab;
  const names = { streamName: 'away', tableName: 'away-leases', workerId: 'worker' };
  const worker = streams.worker({ ...names, kinesis: clients.kinesis, dynamodb: clients.dynamodb, logger });
  await worker.consumer.start();
  await put(0, 20);
  await vi.waitFor(() => expect(worker.texts()).toEqual(texts.slice(0, 20)), WAIT);

  lab.sts.setFault({ status: 503, code: 'ServiceUnavailable', message: 'Try again' });
  await put(20, 40);
  await vi.waitFor(() => expect(worker.lostShards).toHaveLength(2), WAIT);
  await put(40, 60);
  lab.sts.setFault(undefined);

  await vi.waitFor(() => expect([...new Set(worker.texts())]).toEqual(texts), WAIT);
  const said = lab.lines.join('\n');
  expect(said).toContain('warn: renewing AWS credentials (default chain) fails and is tried again');
  expect(said).toContain('renewing leases in lease table "away-leases" fails and is tried again: ServiceUnavailable');
  expect(said).toMatch(/info: renewing AWS credentials \(default chain\) works again after/);
  expect(said).not.toMatch(/secret-of|token-of/);
  await streams.closeWorkers();
  const rows = [...(await streams.rows('away-leases')).values()];
  expect(rows.map((row) => row['checkpoint']?.S)).toEqual(rows.map(() => expect.stringMatching(/^\d{50,}$/)));
  await streams.stop();
});

describe('a proxy', () => {
  const viaProxy = (url: string, bypassHosts: string[] = []) => ({ proxy: { url, bypassHosts } });

  test.each(['role', 'web identity'])('is used for STS: %s', async (kind) => {
    lab = await startCredentialsLab();
    const proxy = await started(startHttpProxy({ 'sts.invalid': lab.sts.url }));
    const situation = kind === 'role' ? { environment: KEYS } : { environment: irsa(), files: TOKEN };
    const settings = {
      stsEndpoint: 'http://sts.invalid',
      ...(kind === 'role' && { role }),
      ...viaProxy(proxy.url.replace('://', '://user:secret@'), ['127.0.0.1']),
    };
    const clients = await lab.clientsIn({ ...situation, settings });
    const key = kind === 'role' ? 'ASIAreader1' : 'ASIApod1';
    expect(await lab.callBoth(clients)).toEqual({ Kinesis: key, DynamoDB: key });
    const authorization = `Basic ${Buffer.from('user:secret').toString('base64')}`;
    expect(proxy.seen).toEqual([{ target: 'http://sts.invalid/', authorization }]);
  });

  test.each(['role', 'web identity'])("is asked for the region's own STS: %s", async (kind) => {
    lab = await startCredentialsLab();
    const proxy = await started(startHttpProxy());
    const situation = kind === 'role' ? { environment: KEYS } : { environment: irsa(), files: TOKEN };
    const settings = { stsEndpoint: undefined, ...(kind === 'role' && { role }), ...viaProxy(proxy.url) };
    const clients = await lab.clientsIn({ ...situation, settings });
    await expect(clients.dynamodb.describeTable('leases')).rejects.toThrow('STS in eu-west-1 does not give');
    expect(proxy.seen.map(({ target }) => target)).toEqual(['sts.eu-west-1.amazonaws.com:443']);
  });

  test('is not used for the agent of a container and for instance metadata', async () => {
    for (const kind of ['agent', 'instance']) {
      lab = await startCredentialsLab();
      const proxy = await started(startHttpProxy());
      const server = await started(
        kind === 'agent' ? startFakeContainerAgent('ASIAit', 'token-of-it') : startFakeInstanceMetadata('ASIAit'),
      );
      const environment =
        kind === 'agent'
          ? { AWS_CONTAINER_CREDENTIALS_FULL_URI: server.url, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'token-of-it' }
          : { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url };
      const clients = await lab.clientsIn({ environment, settings: viaProxy(proxy.url) });
      expect(await lab.callBoth(clients)).toEqual({ Kinesis: 'ASIAit', DynamoDB: 'ASIAit' });
      expect(proxy.seen.map(({ target }) => target)).toEqual([`${lab.aws.url}/`, `${lab.aws.url}/`]);
      if (kind === 'agent') await lab.stop();
    }
  });
});

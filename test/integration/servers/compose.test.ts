import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { Observer } from '../../../scripts/demo/observer.ts';
import { fluentBitParsers, parseLine } from '../../support/fluentBit.ts';
import { type ImageLayout, layOutImages } from '../../support/imageLayout.ts';
import {
  freePort,
  nodeArguments,
  type Server,
  startApart,
  startChild,
  startElasticsearch,
  startVersitygw,
} from '../../support/servers/index.ts';

interface Service {
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const REGION = 'ap-northeast-2';
const KEYS = { accessKeyId: 'AKLOCAL', secretAccessKey: 'local-secret' };
const BUCKET = 'test-accesslog';
const LINES = 60;
const isReal = process.env['LOGSTASH_TS_REAL'] === '1';
const compose: { services: Record<string, Service> } = parse(
  readFileSync(join(REPOSITORY, 'docker-compose.yml'), 'utf8'),
  { merge: true },
);

let directory: string;
let images: { build: ImageLayout; program: ImageLayout };
let addresses: Map<string, string>;
let servers: { stop(): Promise<void> }[] = [];
let logstash: ChildProcess | undefined;

/** A text of the compose file or the image as it holds here: names, ports and paths of containers become those of this machine. */
function here(text: string): string {
  const withDefaults = text.replace(/\$\{\w+:-([^}]*)\}/g, '$1');
  return [...addresses].reduce((changed, [inside, outside]) => changed.replaceAll(inside, outside), withDefaults);
}

function service(name: string): Required<Service> {
  const { command = [], environment = {} } = compose.services[name] ?? {};
  const entries = Object.entries(environment).map(([key, value]) => [key, here(value)]);
  return { command: command.map(here), environment: Object.fromEntries(entries) };
}

async function startLocalAws(name: string, port: string): Promise<void> {
  const { command, environment } = service(name);
  const [, script = '', ...args] = command;
  const child = await startChild({
    name,
    command: process.execPath,
    args: nodeArguments(
      images.build.path(join('/app', script)),
      ...args.map((arg) => (arg === '0.0.0.0' ? '127.0.0.1' : arg)),
    ),
    env: { PATH: process.env['PATH'], ...environment, KINESIS_MOCK_TLS_PORT: String(await freePort()) },
    cwd: images.build.path('/app'),
    ready: async () => (await fetch(`http://127.0.0.1:${port}/healthcheck`)).status < 500,
    deadlineMs: 60_000,
  });
  servers.push(child);
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'logstash-ts-stack-'));
  images = layOutImages(directory);
  const [kinesisPort, dynamodbPort] = [String(await freePort()), String(await freePort())];
  const [elasticsearch, s3]: Server[] = await Promise.all([
    isReal ? startElasticsearch() : startApart('elasticsearch', {}),
    isReal
      ? startVersitygw({ ...KEYS, region: REGION, buckets: [BUCKET] })
      : startApart('s3', { ...KEYS, buckets: [BUCKET] }),
  ]);
  servers = [elasticsearch, s3].filter((server) => server !== undefined);
  addresses = new Map([
    ['http://kinesis:4568', `http://127.0.0.1:${kinesisPort}`],
    ['4568', kinesisPort],
    ['http://dynamodb:8000', `http://127.0.0.1:${dynamodbPort}`],
    ['8000', dynamodbPort],
    ['http://elasticsearch:9200', elasticsearch?.url ?? ''],
    ['http://s3:9000', s3?.url ?? ''],
    ['/app/', images.build.path('/app/')],
    ['/usr/share/logstash-ts', images.program.path('/usr/share/logstash-ts')],
    ['/var/lib/docker/overlay2', join(directory, 'overlay2')],
    ['/var/lib/logstash-ts', join(directory, 'data')],
    ['/write-sample-logs.sh', join(REPOSITORY, 'deploy/fluent-bit/write-sample-logs.sh')],
  ]);
  await startLocalAws('kinesis', kinesisPort);
  await startLocalAws('dynamodb', dynamodbPort);
});

afterAll(async () => {
  logstash?.kill('SIGKILL');
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(directory, { recursive: true, force: true });
});

/** Writes the sample logs by the compose file's command and puts them on the stream as Fluent Bit does. */
async function putSampleLogs(): Promise<void> {
  const { command, environment } = service('sample-logs');
  const [program = '', ...args] = command;
  const env = { PATH: process.env['PATH'], ...environment, LINES: String(LINES), LINES_PER_SECOND: '1000' };
  expect(spawnSync(program, args, { env }).status).toBe(0);
  const logs = environment['LOGS'] ?? '';
  const parsers = fluentBitParsers(readFileSync(join(REPOSITORY, 'deploy/fluent-bit/parsers.conf'), 'utf8'));
  const records = readdirSync(logs).flatMap((file) => {
    const logtype = [...parsers.keys()].find((name) => file.startsWith(name.replace('log', ''))) ?? '';
    const lines = readFileSync(join(logs, file), 'utf8').trimEnd().split('\n');
    return lines.map((line) => `${JSON.stringify({ ...parseLine(parsers, logtype, line), logtype })}\n`);
  });
  const requestHandler = new NodeHttpHandler({ connectionTimeout: 2_000 });
  const endpoint = service('fluent-bit').environment['KINESIS_ENDPOINT'] ?? '';
  const client = new KinesisClient({ endpoint, region: REGION, credentials: KEYS, requestHandler });
  const Records = records.map((text, position) => ({ Data: Buffer.from(text), PartitionKey: String(position) }));
  await client.send(new PutRecordsCommand({ StreamName: 'infra-dev-kinesis-01', Records }));
  client.destroy();
}

it(`runs the compose file's commands natively, from the image's files${isReal ? ', with real Elasticsearch and S3' : ''}`, async () => {
  const { command, environment } = service('logstash-ts');
  const { stage, path } = images.program;
  const [program = '', ...ownArgs] = stage.entrypoint.map(here);
  mkdirSync(join(directory, 's3'));
  const env = { PATH: process.env['PATH'], ...environment, S3_TEMP: join(directory, 's3') };
  const running = spawn(program, [...ownArgs, ...command], { cwd: path(stage.workdir), env });
  logstash = running;
  const log = { text: '' };
  for (const stream of [running.stdout, running.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log.text += text;
    });
  }
  const exited = once(running, 'close');
  await putSampleLogs();

  const s3 = { endpoint: environment['S3_ENDPOINT'] ?? '', bucket: BUCKET, ...KEYS };
  const observer = new Observer(environment['ES_URL'] ?? '', s3);
  const month = new Date().toISOString().slice(0, 7).replace('-', '');
  const indices = ['accesslog', 'api-requestlog', 'api-responselog'].map((name) => [`${name}-${month}`, LINES]);
  const delivered = async () => {
    if (running.exitCode !== null) throw new Error(`logstash-ts ended:\n${log.text}`);
    expect((await observer.count()).indices).toEqual(Object.fromEntries(indices));
  };
  await vi.waitFor(delivered, { timeout: 60_000, interval: 200 });
  running.kill('SIGTERM');
  expect([(await exited)[0], log.text]).toEqual([0, expect.stringContaining('Pipeline terminated')]);
  expect((await observer.count()).s3Lines).toBe(LINES);
  observer.close();
});

import {
  findVersitygw,
  realServers,
  type Server,
  startApart,
  startDynalite,
  startElasticsearch,
  startKinesisLocal,
  startVersitygw,
} from '../../test/support/servers/index.ts';
import { elasticsearch, isInstalled } from '../setup/components.ts';

export const STREAM = 'infra-dev-kinesis-01';
export const REGION = 'ap-northeast-2';
export const SHARDS = 2;
/** The name Logstash gives its lease table when the pipeline sets no `application_name`. */
export const LEASE_TABLE = 'logstash';

export interface S3Access {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** One line of the opening table. */
export interface Part {
  readonly role: string;
  readonly what: string;
  readonly url: string;
  readonly note: string;
}

export interface Stack {
  readonly kinesis: string;
  readonly dynamodb: string;
  readonly elasticsearch: string;
  readonly s3: S3Access;
  readonly parts: readonly Part[];
  /** Stops what was started here, and nothing that was given. */
  stop(): Promise<void>;
}

interface Choice {
  readonly url: string;
  readonly what: string;
  readonly server?: Server;
}

/** Starts all that the pipeline needs; `say` tells of what takes long. */
export async function startStack(env: NodeJS.ProcessEnv, say: (text: string) => void): Promise<Stack> {
  const keys = {
    bucket: env['S3_BUCKET'] || 'test-accesslog',
    accessKeyId: env['AWS_ACCESS_KEY_ID'] || 'AKDEMO',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] || 'demo-secret',
  };
  const starting = [
    startKinesisLocal({ streams: { [STREAM]: SHARDS }, region: REGION }).then(asChoice),
    startDynalite({ childProcess: true }).then(asChoice),
    chooseElasticsearch(env, say),
    chooseS3(env, keys),
  ] as const;
  const settled = await Promise.allSettled(starting);
  const stop = async () => {
    const started = settled.flatMap((result) => (result.status === 'fulfilled' ? (result.value.server ?? []) : []));
    await Promise.all(started.map((server) => server.stop()));
  };
  const failure = settled.find((result) => result.status === 'rejected');
  if (failure !== undefined) {
    await stop();
    throw failure.reason;
  }
  const [kinesis, dynamodb, es, s3] = await Promise.all(starting);
  const parts = [
    part('kinesis', kinesis, `stream ${STREAM}, ${SHARDS} shards`),
    part('leases', dynamodb, `table ${LEASE_TABLE}`),
    part('elasticsearch', es, 'accesslog-*, api-responselog-*, api-requestlog-*'),
    part('s3', s3, `bucket ${keys.bucket}`),
  ];
  const access = { ...keys, endpoint: s3.url };
  return { kinesis: kinesis.url, dynamodb: dynamodb.url, elasticsearch: es.url, s3: access, parts, stop };
}

function part(role: string, { what, url }: Choice, note: string): Part {
  return { role, what, url: withoutPassword(url), note };
}

/** A given one; the real one where it can run; else the stand-in, which says so in its name. */
async function chooseElasticsearch(env: NodeJS.ProcessEnv, say: (text: string) => void): Promise<Choice> {
  const given = env['ES_URL'];
  if (given) return { url: given.replace(/\/$/, ''), what: 'as ES_URL says' };
  const { elasticsearch: real } = realServers();
  if (!real.possible) {
    const server = await startApart('elasticsearch', {});
    return { url: server.url, server, what: `stand-in (${real.reason})` };
  }
  if (!isInstalled(elasticsearch)) say('fetching Elasticsearch 7.9.2 for the first run …');
  try {
    const server = await startElasticsearch();
    return { url: server.url, server, what: `${server.version} (real)` };
  } catch (error) {
    say(`The real Elasticsearch does not start here: ${error instanceof Error ? error.message : String(error)}`);
    const server = await startApart('elasticsearch', {});
    return { url: server.url, server, what: 'stand-in' };
  }
}

async function chooseS3(env: NodeJS.ProcessEnv, keys: Omit<S3Access, 'endpoint'>): Promise<Choice> {
  const given = env['S3_ENDPOINT'];
  if (given) return { url: given.replace(/\/$/, ''), what: 'as S3_ENDPOINT says' };
  if (findVersitygw() === undefined) return asChoice(await startApart('s3', { ...keys, buckets: [keys.bucket] }));
  return asChoice(await startVersitygw({ ...keys, region: REGION, buckets: [keys.bucket] }));
}

function asChoice(server: Server): Choice {
  const isStandIn = server.name.endsWith('stand-in');
  return { url: server.url, server, what: isStandIn ? 'stand-in' : `${server.name} ${server.version}` };
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//…@');
}

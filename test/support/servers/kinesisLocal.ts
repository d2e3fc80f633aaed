import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { nodeArguments, startChild, startOnFreePort } from './childProcess.ts';
import { packageVersion } from './packageVersion.ts';
import { freePort, type Server } from './server.ts';

export interface KinesisLocalOptions {
  /** Streams to be there from the start: name to number of shards. */
  readonly streams?: Readonly<Record<string, number>>;
  /** A directory (absolute) that keeps streams and records over a restart; in memory without it. */
  readonly persistPath?: string;
  readonly region?: string;
  readonly shardLimit?: number;
}

/** kinesis-local, the mock that ends shards properly. For correctness, not for load: keep PutRecords to 200 records, one of some 200 KB hangs for a minute. */
export async function startKinesisLocal(options: KinesisLocalOptions = {}): Promise<Server> {
  const main = createRequire(import.meta.url).resolve('kinesis-local/main.js');
  return startOnFreePort(async () => {
    const [port, tlsPort] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${port}`;
    const child = await startChild({
      name: 'kinesis-local',
      command: process.execPath,
      args: nodeArguments(main),
      env: environment(options, dirname(main), port, tlsPort),
      ready: async () => (await fetch(`${url}/healthcheck`)).ok && (await streamsAreActive(url, options)),
      deadlineMs: 60_000,
    });
    return {
      name: 'kinesis-local',
      version: packageVersion('kinesis-local'),
      url,
      pid: child.pid,
      stop: () => child.stop(),
    };
  });
}

function environment(options: KinesisLocalOptions, home: string, port: number, tlsPort: number): NodeJS.ProcessEnv {
  const region = options.region ?? 'us-east-1';
  const streams = Object.entries(options.streams ?? {}).map(([name, shards]) => `${name}:${shards}:${region}`);
  return {
    PATH: process.env['PATH'],
    KINESIS_MOCK_CERT_PATH: join(home, 'server.json'),
    KINESIS_MOCK_PLAIN_PORT: String(port),
    KINESIS_MOCK_TLS_PORT: String(tlsPort),
    SHARD_LIMIT: String(options.shardLimit ?? 200),
    LOG_LEVEL: 'ERROR',
    AWS_REGION: region,
    ...(streams.length > 0 && { INITIALIZE_STREAMS: streams.join(',') }),
    ...(options.persistPath && {
      SHOULD_PERSIST_DATA: 'true',
      PERSIST_PATH: options.persistPath,
      PERSIST_INTERVAL: '1s',
      // Otherwise the streams of a restart would be made anew over the kept ones.
      PERSIST_FILE_NAME: 'kinesis.json',
    }),
  };
}

async function streamsAreActive(url: string, options: KinesisLocalOptions): Promise<boolean> {
  for (const name of Object.keys(options.streams ?? {})) {
    const answer = await fetch(url, {
      method: 'POST',
      headers: describeHeaders(options.region ?? 'us-east-1'),
      body: JSON.stringify({ StreamName: name }),
    });
    if (!(await answer.text()).includes('"ACTIVE"')) return false;
  }
  return true;
}

/** The mock asks for the parts of a signature and does not check it. */
function describeHeaders(region: string): Record<string, string> {
  const credential = `AK/20200101/${region}/kinesis/aws4_request`;
  return {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'Kinesis_20131202.DescribeStreamSummary',
    'x-amz-date': '20200101T000000Z',
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=0`,
  };
}

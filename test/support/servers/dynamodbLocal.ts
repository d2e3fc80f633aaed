import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dynamodbLocal, install } from '../../../scripts/setup/components.ts';
import { findTool } from '../../../scripts/setup/tools.ts';
import { startChild, startOnFreePort } from './childProcess.ts';
import { freePort, type Server } from './server.ts';

export interface DynamodbLocalOptions {
  readonly heapMb?: number;
}

/** AWS's own DynamoDB Local, in memory, fetched on first use. It binds all interfaces. */
export async function startDynamodbLocal(options: DynamodbLocalOptions = {}): Promise<Server> {
  install(dynamodbLocal);
  const lib = join(dynamodbLocal.directory(), 'lib');
  // It leaves a file of its own in the folder it is started in.
  const cwd = mkdtempSync(join(tmpdir(), 'logstash-ts-dynamodb-'));
  return startOnFreePort(async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const child = await startChild({
      name: 'DynamoDB Local',
      command: findTool('java') ?? 'java',
      cwd,
      args: [
        `-Xmx${options.heapMb ?? 256}m`,
        '-XX:+UseSerialGC',
        `-Djava.library.path=${lib}`,
        '-DDDB_LOCAL_TELEMETRY=0',
        '-cp',
        join(lib, '*'),
        'com.amazonaws.services.dynamodbv2.local.main.ServerRunner',
        '-inMemory',
        '-sharedDb',
        '-port',
        String(port),
      ],
      // It answers a request that is not signed with 400: any answer means that it listens.
      ready: async () => (await fetch(url)).status === 400,
      deadlineMs: 60_000,
    });
    const stop = async () => {
      await child.stop();
      rmSync(cwd, { recursive: true, force: true });
    };
    return { name: 'DynamoDB Local', version: dynamodbLocal.version, url, pid: child.pid, stop };
  });
}

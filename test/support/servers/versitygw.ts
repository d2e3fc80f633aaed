import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { versitygw } from '../../../scripts/setup/components.ts';
import { startChild, startOnFreePort } from './childProcess.ts';
import { findProgram, needProgram } from './goProgram.ts';
import { freePort, type Server } from './server.ts';

export interface VersitygwOptions {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region?: string;
  /** Buckets to be there from the start. */
  readonly buckets?: readonly string[];
}

export function findVersitygw(): string | undefined {
  return findProgram(versitygw, 'versitygw');
}

/** The real S3 server versitygw over a temporary directory, fetched on first use. */
export async function startVersitygw(options: VersitygwOptions): Promise<Server> {
  const command = needProgram(versitygw, 'versitygw');
  const home = mkdtempSync(join(tmpdir(), 'logstash-ts-s3-'));
  const removeHome = () => rmSync(home, { recursive: true, force: true });
  try {
    return await startOnFreePort(() => startGateway(command, options, home, removeHome));
  } catch (error) {
    removeHome();
    throw error;
  }
}

async function startGateway(
  command: string,
  options: VersitygwOptions,
  home: string,
  removeHome: () => void,
): Promise<Server> {
  // The sidecar must not share a path prefix with the root.
  const [root, meta] = [join(home, 'root'), join(home, 'meta')];
  for (const directory of [meta, ...(options.buckets ?? ['']).map((bucket) => join(root, bucket))]) {
    mkdirSync(directory, { recursive: true });
  }
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = await startChild({
    name: 'versitygw',
    command,
    args: [...gatewayArguments(options, port), 'posix', '--sidecar', meta, root],
    // The key goes by the environment: a command line can be read by every user of the machine.
    env: { ...process.env, ROOT_ACCESS_KEY: options.accessKeyId, ROOT_SECRET_KEY: options.secretAccessKey },
    ready: async () => (await fetch(url)).status > 0,
  });
  const stop = async () => {
    await child.stop();
    removeHome();
  };
  return { name: 'versitygw', version: versitygw.version, url, pid: child.pid, stop };
}

function gatewayArguments(options: VersitygwOptions, port: number): string[] {
  return ['--port', `127.0.0.1:${port}`, '--region', options.region ?? 'us-east-1', '--quiet'];
}

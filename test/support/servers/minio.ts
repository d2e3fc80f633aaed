import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { minio } from '../../../scripts/setup/components.ts';
import { startChild, startOnFreePort } from './childProcess.ts';
import { needProgram } from './goProgram.ts';
import { freePort, type Server } from './server.ts';

export interface MinioOptions {
  readonly accessKeyId: string;
  /** MinIO takes eight characters or more. */
  readonly secretAccessKey: string;
  readonly region?: string;
  /** Buckets to be there from the start. */
  readonly buckets?: readonly string[];
}

/** The real S3 server MinIO over a temporary directory, built on first use, which takes many minutes. */
export async function startMinio(options: MinioOptions): Promise<Server> {
  const command = needProgram(minio, 'minio');
  const home = mkdtempSync(join(tmpdir(), 'logstash-ts-minio-'));
  const removeHome = () => rmSync(home, { recursive: true, force: true });
  try {
    return await startOnFreePort(() => startServer(command, options, home, removeHome));
  } catch (error) {
    removeHome();
    throw error;
  }
}

async function startServer(
  command: string,
  { accessKeyId, secretAccessKey, region = 'us-east-1', buckets = [] }: MinioOptions,
  home: string,
  removeHome: () => void,
): Promise<Server> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = await startChild({
    name: 'MinIO',
    command,
    args: ['server', '--quiet', '--address', `127.0.0.1:${port}`, join(home, 'data')],
    env: {
      ...process.env,
      HOME: home,
      MINIO_ROOT_USER: accessKeyId,
      MINIO_ROOT_PASSWORD: secretAccessKey,
      MINIO_REGION: region,
      MINIO_UPDATE: 'off',
      MINIO_BROWSER: 'off',
      // Without a key it refuses encryption.
      MINIO_KMS_SECRET_KEY: `test-key:${Buffer.alloc(32, 1).toString('base64')}`,
    },
    ready: async () => (await fetch(`${url}/minio/health/ready`)).ok,
  });
  const stop = async () => {
    await child.stop();
    removeHome();
  };
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint: url, region, credentials, forcePathStyle: true });
  try {
    for (const Bucket of buckets) await client.send(new CreateBucketCommand({ Bucket }));
  } catch (error) {
    await stop();
    throw error;
  } finally {
    client.destroy();
  }
  return { name: 'MinIO', version: minio.version, url, pid: child.pid, stop };
}

/** Starts the Java KCL as a worker beside ours. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { cacheDirectory } from '../../../../scripts/setup/cache.ts';
import { type Component, install } from '../../../../scripts/setup/components.ts';
import { findTool, runTool } from '../../../../scripts/setup/tools.ts';
import type { InitialPosition } from '../../../../src/kinesis/types.ts';
import { type Child, startChild } from '../../../support/servers/childProcess.ts';
import type { Lab } from '../harness.ts';

const POM = join(import.meta.dirname, 'pom.xml');
const SOURCE = join(import.meta.dirname, 'ReferenceWorker.java');

const kcl: Component = {
  name: 'Java KCL',
  version: '1.15.0',
  needs: ['java', 'javac', 'mvn'],
  directory: () => {
    const hash = createHash('sha256').update(readFileSync(POM)).update(readFileSync(SOURCE)).digest('hex');
    return join(cacheDirectory(), `kcl-1.15.0-${hash.slice(0, 8)}`);
  },
  fill: (directory) => {
    const lib = join(directory, 'lib');
    runTool('mvn', ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${lib}`]);
    runTool('javac', ['-nowarn', '-cp', join(lib, '*'), '-d', join(directory, 'classes'), SOURCE]);
  },
};

export function installKcl(): void {
  install(kcl);
}

export interface ReferenceWorkerOptions {
  readonly streamName: string;
  readonly tableName: string;
  readonly workerId: string;
  /** It checkpoints once, at this count of user records; without it after each batch. */
  readonly checkpointAt?: number;
  readonly maxLeases?: number;
  /** TRIM_HORIZON without it; AT_TIMESTAMP is 1970. */
  readonly initialPosition?: InitialPosition['type'];
}

export interface ReferenceWorker {
  /** The records it was given, as text, in their order. */
  texts(): string[];
  /** Without a chance to say good-bye. */
  kill(): Promise<void>;
}

export async function startReferenceWorker(lab: Lab, options: ReferenceWorkerOptions): Promise<ReferenceWorker> {
  const directory = kcl.directory();
  const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-kcl-'));
  const linesPath = join(folder, 'lines');
  const child: Child = await startChild({
    name: 'Java KCL',
    command: findTool('java') ?? 'java',
    args: [
      '-Xmx200m',
      '-XX:+UseSerialGC',
      '-Dcom.amazonaws.sdk.disableCbor=true',
      '-Dorg.apache.commons.logging.Log=org.apache.commons.logging.impl.NoOpLog',
      ...(options.checkpointAt === undefined ? [] : [`-DcheckpointAt=${options.checkpointAt}`]),
      ...(options.maxLeases === undefined ? [] : [`-DmaxLeases=${options.maxLeases}`]),
      ...(options.initialPosition === undefined ? [] : [`-DinitialPosition=${options.initialPosition}`]),
      '-cp',
      [join(directory, 'classes'), join(directory, 'lib', '*')].join(delimiter),
      'ReferenceWorker',
      lab.kinesisUrl,
      lab.dynamodbUrl,
      options.streamName,
      options.tableName,
      options.workerId,
      linesPath,
    ],
    ready: async () => existsSync(linesPath),
    graceMs: 0,
  });
  const texts = () =>
    readFileSync(linesPath, 'utf8')
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('record '))
      .map((line) => line.slice('record '.length));
  let last: string[] = [];
  return {
    texts: () => (child.hasExited() ? last : texts()),
    async kill() {
      await child.stop();
      if (existsSync(linesPath)) last = texts();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

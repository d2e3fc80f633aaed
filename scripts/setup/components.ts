import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDirectory, installDirectory } from './cache.ts';
import { compileJava, MINIMUM_JAVA, missingJava } from './java.ts';
import { missingTools, runTool, type Tool } from './tools.ts';

/** A server that is fetched once and then started from the cache. */
export interface Component {
  readonly name: string;
  readonly version: string;
  /** What fetching it needs; starting needs less. */
  readonly needs: readonly Tool[];
  /** Oldest Java that starts it, where `needs` has `java`; 17 when absent. */
  readonly minimumJava?: number;
  /** Holds everything; there only when complete. */
  directory(): string;
  fill(directory: string): void;
}

export const POMS = fileURLToPath(new URL('.', import.meta.url));

export const elasticsearch: Component = {
  name: 'Elasticsearch',
  version: '7.9.2',
  needs: ['java', 'javac', 'mvn'],
  directory: () => keyed('elasticsearch-7.9.2', ['elasticsearch/pom.xml', 'elasticsearch/Launcher.java']),
  fill: (directory) => {
    copyJars('elasticsearch/pom.xml', join(directory, 'lib'));
    compileJava(MINIMUM_JAVA, directory, [join(POMS, 'elasticsearch/Launcher.java')]);
  },
};

export const dynamodbLocal: Component = {
  name: 'DynamoDB Local',
  version: '2.6.1',
  needs: ['java', 'mvn'],
  directory: () => keyed('dynamodb-local-2.6.1', ['dynamodb/pom.xml']),
  fill: (directory) => copyJars('dynamodb/pom.xml', join(directory, 'lib')),
};

export const versitygw: Component = {
  name: 'versitygw',
  version: '1.8.0',
  needs: ['go'],
  directory: () => join(cacheDirectory(), 'versitygw-1.8.0'),
  fill: (directory) => goInstall('github.com/versity/versitygw/cmd/versitygw@v1.8.0', directory),
};

/** Only for `npm run test:minio`: it takes many minutes to build. */
export const minio: Component = {
  name: 'MinIO',
  version: 'RELEASE.2026-02-12',
  needs: ['go'],
  directory: () => join(cacheDirectory(), 'minio-20260212201848'),
  fill: (directory) => goInstall('github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c', directory),
};

export const components: readonly Component[] = [elasticsearch, dynamodbLocal, versitygw];

export function isInstalled(component: Component): boolean {
  return existsSync(component.directory());
}

/** Why a component can neither be started now nor be fetched; undefined when it can. */
export function whyImpossible(component: Component): string | undefined {
  if (component.needs.includes('java')) {
    const javaProblem = missingJava(component.minimumJava ?? MINIMUM_JAVA);
    if (javaProblem) return javaProblem;
  }
  return isInstalled(component) ? undefined : missingTools(component.needs);
}

/** Fetches what is not there yet. Gives false when nothing was to do. */
export function install(component: Component): boolean {
  if (isInstalled(component)) return false;
  const problem = whyImpossible(component);
  if (problem) throw new Error(`${component.name} ${component.version} cannot be fetched: ${problem}.`);
  installDirectory(component.directory(), component.fill);
  return true;
}

/** A change of what it is made from gives another directory, so that a stale cache is never used. */
export function keyed(name: string, sources: readonly string[]): string {
  const hash = createHash('sha256');
  for (const source of sources) hash.update(readFileSync(join(POMS, source)));
  return join(cacheDirectory(), `${name}-${hash.digest('hex').slice(0, 8)}`);
}

/** `version` is the property `server.version` of the pom. */
export function copyJars(pom: string, target: string, version = ''): void {
  inWorkDirectory((work) => {
    const local = `-Dmaven.repo.local=${join(work, 'repository')}`;
    const properties = [`-DoutputDirectory=${target}`, `-Dserver.version=${version}`];
    runTool('mvn', ['-q', '-B', '-f', join(POMS, pom), local, 'dependency:copy-dependencies', ...properties]);
  });
}

function goInstall(program: string, directory: string): void {
  inWorkDirectory((work) => {
    runTool('go', ['install', program], {
      GOBIN: directory,
      GOPATH: join(work, 'go'),
      GOMODCACHE: join(work, 'modules'),
      GOCACHE: join(work, 'objects'),
      // Else the module cache is read-only and cannot be removed afterwards.
      GOFLAGS: '-modcacherw -trimpath',
      CGO_ENABLED: '0',
    });
  });
}

/** Maven's and Go's own caches are needed only while fetching. */
function inWorkDirectory(use: (work: string) => void): void {
  const work = join(cacheDirectory(), `work-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    use(work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

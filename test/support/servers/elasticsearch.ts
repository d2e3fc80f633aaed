import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { install } from '../../../scripts/setup/components.ts';
import { findJava } from '../../../scripts/setup/java.ts';
import { elasticsearch7, type SearchServer } from '../../../scripts/setup/searchServers.ts';
import { startChild, startOnFreePort } from './childProcess.ts';
import { freePort, type Server } from './server.ts';

export interface ElasticsearchOptions {
  /** Absolute; kept on stop. Without it a temporary one, removed on stop. */
  readonly dataPath?: string;
  /** Needed to come back at the same address; else a free one. */
  readonly port?: number;
  /** More node settings, such as `thread_pool.write.queue_size`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  readonly heapMb?: number;
  /** `user:password` of basic authentication; open without it. */
  readonly auth?: string;
}

/** The real Elasticsearch 7.9.2 OSS, fetched on first use. */
export function startElasticsearch(options: ElasticsearchOptions = {}): Promise<Server> {
  return startSearchServer(elasticsearch7, options);
}

/** A real Elasticsearch or OpenSearch of any of the versions in `searchServers`, fetched on first use. */
export async function startSearchServer(kind: SearchServer, options: ElasticsearchOptions = {}): Promise<Server> {
  install(kind);
  const home = options.dataPath ?? mkdtempSync(join(tmpdir(), 'logstash-ts-elasticsearch-'));
  mkdirSync(join(home, 'config'), { recursive: true });
  const removeHome = () => {
    if (options.dataPath === undefined) rmSync(home, { recursive: true, force: true });
  };
  try {
    return await startOnFreePort(() => startNode(kind, options, home, removeHome));
  } catch (error) {
    removeHome();
    throw error;
  }
}

async function startNode(
  kind: SearchServer,
  options: ElasticsearchOptions,
  home: string,
  removeHome: () => void,
): Promise<Server> {
  const [port, transportPort] = [options.port ?? (await freePort()), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const headers: Record<string, string> =
    options.auth === undefined ? {} : { authorization: `Basic ${btoa(options.auth)}` };
  const child = await startChild({
    name: `${kind.name} ${kind.version}`,
    command: findJava(kind.minimumJava) ?? 'java',
    args: [...jvmArguments(kind, options), kind.launcher, ...settings(options, home, port, transportPort)],
    ready: async () => (await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=1s`, { headers })).ok,
    deadlineMs: 180_000,
    graceMs: 15_000,
  });
  const stop = async () => {
    await child.stop();
    removeHome();
  };
  return { name: kind.distribution, version: kind.version, url, pid: child.pid, stop };
}

function jvmArguments(kind: SearchServer, { heapMb = 512, auth }: ElasticsearchOptions): string[] {
  const directory = kind.directory();
  const classPath = [join(directory, 'launcher'), join(directory, 'lib', '*')].join(delimiter);
  return [
    `-Xms${Math.min(256, heapMb)}m`,
    `-Xmx${heapMb}m`,
    '-XX:+UseSerialGC',
    '-Dlog4j2.disable.jmx=true',
    ...kind.jvmOptions,
    ...(auth === undefined ? [] : [`-Dtest.auth=${auth}`]),
    '-cp',
    classPath,
  ];
}

function settings(options: ElasticsearchOptions, home: string, port: number, transportPort: number): string[] {
  const all = {
    'path.home': home,
    'path.data': join(home, 'data'),
    'path.logs': join(home, 'logs'),
    'cluster.name': 'logstash-ts',
    'node.name': 'node-1',
    'network.host': '127.0.0.1',
    'http.port': port,
    'transport.port': transportPort,
    'discovery.type': 'single-node',
    // A nearly full disk of the machine would make every index read-only.
    'cluster.routing.allocation.disk.threshold_enabled': 'false',
    ...options.settings,
  };
  return Object.entries(all).map(([name, value]) => `${name}=${value}`);
}

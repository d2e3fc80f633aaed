import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { elasticsearch, install } from '../../../scripts/setup/components.ts';
import { findTool } from '../../../scripts/setup/tools.ts';
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
}

/** The real Elasticsearch 7.9.2 OSS, fetched on first use. */
export async function startElasticsearch(options: ElasticsearchOptions = {}): Promise<Server> {
  install(elasticsearch);
  const home = options.dataPath ?? mkdtempSync(join(tmpdir(), 'logstash-ts-elasticsearch-'));
  mkdirSync(home, { recursive: true });
  const removeHome = () => {
    if (options.dataPath === undefined) rmSync(home, { recursive: true, force: true });
  };
  try {
    return await startOnFreePort(() => startNode(options, home, removeHome));
  } catch (error) {
    removeHome();
    throw error;
  }
}

async function startNode(options: ElasticsearchOptions, home: string, removeHome: () => void): Promise<Server> {
  const [port, transportPort] = [options.port ?? (await freePort()), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const child = await startChild({
    name: 'Elasticsearch 7.9.2',
    command: findTool('java') ?? 'java',
    args: [...jvmArguments(options.heapMb ?? 512), 'Launcher', ...settings(options, home, port, transportPort)],
    ready: async () => (await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=1s`)).ok,
    deadlineMs: 180_000,
    graceMs: 15_000,
  });
  const stop = async () => {
    await child.stop();
    removeHome();
  };
  return { name: 'elasticsearch', version: elasticsearch.version, url, pid: child.pid, stop };
}

function jvmArguments(heapMb: number): string[] {
  const directory = elasticsearch.directory();
  const classPath = [join(directory, 'launcher'), join(directory, 'lib', '*')].join(delimiter);
  return [
    `-Xms${Math.min(256, heapMb)}m`,
    `-Xmx${heapMb}m`,
    '-XX:+UseSerialGC',
    '-Des.distribution.flavor=oss',
    '-Des.distribution.type=tar',
    '-Dlog4j2.disable.jmx=true',
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

import { configText, PluginConfigError } from '../../../plugin-api/index.ts';
import type { HostAddress } from './hosts.ts';
import type { Options } from './options.ts';

/** Where and how to reach the cluster, with everything that contradicts itself already refused. */
export interface Endpoint {
  /** Origins such as `https://es:9200`, each once. They hold no credentials. */
  readonly nodes: readonly string[];
  /** Sent with every request; holds the credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly infoPath: string;
  readonly bulkPath: string;
  readonly healthPath: string;
  readonly templatePath: string;
  readonly proxy: string | undefined;
  readonly isEncrypted: boolean;
}

const DEFAULT_PORT = 9200;

/** @throws PluginConfigError */
export function resolveEndpoint(options: Options): Endpoint {
  const { hosts } = options;
  if (hosts.length === 0) throw new PluginConfigError('no host is given', 'hosts');
  const scheme = resolveScheme(options);
  const prefix = agree(hosts, 'path', options.path === undefined ? undefined : slashes(options.path)) ?? '';
  const port = hosts.find((host) => host.port !== undefined)?.port ?? DEFAULT_PORT;
  const authorization = resolveAuthorization(options, scheme);
  return {
    nodes: [...new Set(hosts.map((host) => `${scheme}://${host.host}:${host.port ?? port}`))],
    headers: {
      ...lowerCased(texts(options.custom_headers)),
      ...(authorization === undefined ? {} : { authorization }),
    },
    query: texts(options.parameters),
    infoPath: slashes(`${prefix}/`) || '/',
    bulkPath: slashes(options.bulk_path ?? `${prefix}/_bulk`),
    healthPath: slashes(options.healthcheck_path ?? prefix) || '/',
    templatePath: slashes(`${prefix}/_template`),
    proxy: resolveProxy(options.proxy),
    isEncrypted: scheme === 'https',
  };
}

function resolveScheme({ hosts, ssl }: Options): string {
  const stated = ssl === undefined ? undefined : ssl ? 'https' : 'http';
  const scheme = agree(hosts, 'scheme', stated) ?? 'http';
  if (scheme !== 'http' && scheme !== 'https') {
    throw new PluginConfigError(`Bad scheme '${scheme}' found should be one of http/https`, 'hosts');
  }
  return scheme;
}

/** The value all hosts and the option of the same meaning agree on. Logstash refuses to guess among several. */
function agree(hosts: readonly HostAddress[], key: 'scheme' | 'path' | 'user', stated: string | undefined) {
  const values = new Set(hosts.map((host) => host[key]).filter((value) => value !== undefined));
  if (stated !== undefined && stated !== '') values.add(stated);
  const [value, other] = values;
  if (other !== undefined) {
    const found = key === 'user' ? '' : `: '${value}' and '${other}'`;
    throw new PluginConfigError(
      `the ${key} differs among the hosts and the options${found}; all hosts have to share one`,
      'hosts',
    );
  }
  return value;
}

function resolveAuthorization(options: Options, scheme: string): string | undefined {
  const { hosts, api_key: apiKey } = options;
  const user = agree(hosts, 'user', options.user);
  const password = (options.password ?? hosts.find((host) => host.password !== undefined)?.password)?.reveal();
  if (apiKey !== undefined) {
    if (options.user !== undefined || options.password !== undefined) {
      throw new PluginConfigError('Multiple authentication options are specified, please only use one of', 'api_key');
    }
    if (scheme !== 'https') throw new PluginConfigError('Using api_key authentication requires SSL/TLS', 'api_key');
    return `ApiKey ${base64(apiKey.reveal())}`;
  }
  return user === undefined || password === undefined ? undefined : `Basic ${base64(`${user}:${password}`)}`;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** An empty text means no proxy, as in Logstash. */
function resolveProxy(proxy: URL | undefined): string | undefined {
  if (proxy === undefined || proxy.hostname === '') return undefined;
  return proxy.href.replace(/^unset:\/\//, 'http://');
}

/** One slash in front, none at the end, none doubled; nothing at all for the root. */
function slashes(path: string): string {
  return `/${path}`.replace(/\/{2,}/g, '/').replace(/\/$/, '');
}

/** The client would send a name that is written in two ways twice. */
function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function texts(hash: Options['parameters']): Record<string, string> {
  return Object.fromEntries([...(hash ?? [])].map(([name, value]) => [name, configText(value)]));
}

import { configText, PluginConfigError, type Secret } from '../../../plugin-api/index.ts';
import { parseCloudAuth, parseCloudId } from './cloud.ts';
import { DEFAULT_HOSTS, type HostAddress } from './hosts.ts';
import type { Options } from './options.ts';
import { refuseBoth, resolveTls, type TlsSettings } from './tls.ts';

/** Where and how to reach the cluster, with everything that contradicts itself already refused. */
export interface Endpoint {
  /** Origins such as `https://es:9200`, each once. They hold no credentials. */
  readonly nodes: readonly string[];
  /** Sent with every request; holds the credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** In front of every path; empty, or with a slash in front and none at the end. */
  readonly prefix: string;
  readonly infoPath: string;
  readonly bulkPath: string;
  readonly healthPath: string;
  readonly sniffingPath: string;
  readonly proxy: string | undefined;
  /** Unset when the connection is not encrypted. */
  readonly tls: TlsSettings | undefined;
}

const DEFAULT_PORT = 9200;

/** @throws PluginConfigError */
export function resolveEndpoint(options: Options): Endpoint {
  const hosts = resolveHosts(options);
  const scheme = resolveScheme(options, hosts);
  const prefix = agree(hosts, 'path', options.path === undefined ? undefined : slashes(options.path)) ?? '';
  const port = resolvePort(options, hosts);
  const authorization = resolveAuthorization(options, hosts, scheme);
  return {
    nodes: [...new Set(hosts.map((host) => `${scheme}://${host.host}:${host.port ?? port}`))],
    headers: {
      ...lowerCased(texts(options.custom_headers)),
      ...(authorization === undefined ? {} : { authorization }),
    },
    query: texts(options.parameters),
    prefix,
    infoPath: slashes(`${prefix}/`) || '/',
    bulkPath: slashes(options.bulk_path ?? `${prefix}/_bulk`),
    healthPath: slashes(options.healthcheck_path ?? prefix) || '/',
    sniffingPath: slashes(options.sniffing_path ?? `${prefix}/_nodes/http`),
    proxy: resolveProxy(options.proxy),
    tls: scheme === 'https' ? resolveTls(options) : undefined,
  };
}

function resolveHosts({ hosts, cloud_id: cloudId }: Options): readonly HostAddress[] {
  if (cloudId !== undefined) {
    if (hosts === DEFAULT_HOSTS) return [parseCloudId(cloudId)];
    throw new PluginConfigError('Both cloud_id and hosts specified, please only use one of those.', 'cloud_id');
  }
  if (hosts.length === 0) throw new PluginConfigError('no host is given', 'hosts');
  return hosts;
}

function resolveScheme(options: Options, hosts: readonly HostAddress[]): string {
  refuseBoth(options, 'ssl', 'ssl_enabled');
  const ssl = options.ssl_enabled ?? options.ssl;
  const stated = ssl === undefined ? undefined : ssl ? 'https' : 'http';
  const scheme = agree(hosts, 'scheme', stated) ?? 'http';
  if (scheme !== 'http' && scheme !== 'https') {
    throw new PluginConfigError(`Bad scheme '${scheme}' found should be one of http/https`, 'hosts');
  }
  return scheme;
}

function resolvePort({ sniffing }: Options, hosts: readonly HostAddress[]): number {
  const port = hosts.find((host) => host.port !== undefined)?.port ?? DEFAULT_PORT;
  if (sniffing && hosts.some((host) => (host.port ?? port) !== port)) {
    throw new PluginConfigError('Cannot have multiple values for port in hosts when sniffing is enabled!', 'hosts');
  }
  return port;
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

function resolveAuthorization(options: Options, hosts: readonly HostAddress[], scheme: string): string | undefined {
  const { api_key: apiKey, cloud_auth: cloudAuth } = options;
  const ways = [options.user ?? options.password, cloudAuth, apiKey].filter((way) => way !== undefined);
  if (ways.length > 1) {
    throw new PluginConfigError(
      'Multiple authentication options are specified, please only use one of user/password, cloud_auth or api_key',
      apiKey === undefined ? 'cloud_auth' : 'api_key',
    );
  }
  if (apiKey !== undefined) {
    if (scheme !== 'https') throw new PluginConfigError('Using api_key authentication requires SSL/TLS', 'api_key');
    return `ApiKey ${apiKeyText(apiKey)}`;
  }
  const given = cloudAuth === undefined ? options : parseCloudAuth(cloudAuth);
  const user = agree(hosts, 'user', given.user);
  const password = (given.password ?? hosts.find((host) => host.password !== undefined)?.password)?.reveal();
  return user === undefined || password === undefined ? undefined : `Basic ${base64(`${user}:${password}`)}`;
}

function apiKeyText(apiKey: Secret): string {
  const text = apiKey.reveal();
  if (/^essu_./.test(text) || isBase64(text)) return text;
  if (/^[^:]+:[^:]+$/.test(text)) return base64(text);
  throw new PluginConfigError(
    "Invalid api_key format. Expected a base64-encoded key, an 'id:api_key' pair, or a Cloud API key (essu_ prefix).",
    'api_key',
  );
}

function isBase64(text: string): boolean {
  return text !== '' && Buffer.from(text, 'base64').toString('base64') === text;
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

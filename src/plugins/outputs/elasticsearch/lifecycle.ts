/** Index lifecycle management, by Logstash's rules: events go to an alias, whose index the server turns over. */
import type { Logger } from '../../../util/logger.ts';
import { isAtLeast, type ServerInfo } from './dialect.ts';
import type { Endpoint } from './endpoint.ts';
import { DEFAULT_INDEX, DEFAULT_POLICY, DEFAULT_ROLLOVER_ALIAS, type Options } from './options.ts';
import { describeErrorAnswer } from './outcomes.ts';
import { StartFault } from './startFault.ts';
import type { Wire, WireRequest } from './wire.ts';

export interface Lifecycle {
  readonly alias: string;
  readonly policy: string;
}

export interface LifecycleSettings {
  readonly wire: Wire;
  readonly endpoint: Endpoint;
  readonly options: Options;
  readonly logger: Logger;
}

/** What Logstash installs under the name `logstash-policy`. */
const POLICY = { policy: { phases: { hot: { actions: { rollover: { max_size: '50gb', max_age: '30d' } } } } } };

/** Undefined where there is none to be used. @throws StartFault when one is asked for that the server has not; Unreachable */
export async function resolveLifecycle(
  settings: LifecycleSettings,
  server: ServerInfo | undefined,
): Promise<Lifecycle | undefined> {
  const { options, logger } = settings;
  if (options.ilm_enabled === 'false' || options.data_stream === 'true') return undefined;
  const alias = options.ilm_rollover_alias ?? DEFAULT_ROLLOVER_ALIAS;
  if (options.index !== DEFAULT_INDEX && alias === DEFAULT_ROLLOVER_ALIAS) {
    if (options.ilm_enabled === 'true') {
      logger.warn(
        '`ilm_enabled` has no effect beside an `index` of your own: give an `ilm_rollover_alias` in its place',
      );
    }
    return undefined;
  }
  const obstacle = await whyUnavailable(settings, server);
  if (obstacle === undefined) return { alias, policy: options.ilm_policy };
  if (options.ilm_enabled === 'true') {
    throw new StartFault({ cause: 'lifecycle', message: `\`ilm_enabled\` is true, but ${obstacle}` });
  }
  logger.info(`Index Lifecycle Management is set to 'auto', but will be disabled - ${obstacle}`);
  return undefined;
}

async function whyUnavailable(
  settings: LifecycleSettings,
  server: ServerInfo | undefined,
): Promise<string | undefined> {
  if (server === undefined) return 'the cluster does not say its version';
  if (server.distribution !== 'elasticsearch') return `${server.distribution} has no such thing`;
  if (settings.options.ilm_enabled === 'auto' && !isAtLeast(server, 7)) return 'the cluster is before 7.0.0';
  const answer = await ask(settings, { method: 'GET', path: '/_xpack' });
  if ([400, 404, 405].includes(answer.status)) {
    return 'Index Lifecycle management is not installed on your Elasticsearch cluster';
  }
  if (answer.status !== 200) throw StartFault.ofAnswer(answer, 'whether there is index lifecycle management');
  const { available, enabled } = parseFeature(answer.text);
  if (available && enabled) return undefined;
  return `Index Lifecycle management is not ${available ? 'enabled' : 'available'} in your Elasticsearch cluster`;
}

function parseFeature(text: string): { available?: boolean; enabled?: boolean } {
  try {
    const { features } = JSON.parse(text) as { features?: { ilm?: { available?: boolean; enabled?: boolean } } };
    return features?.ilm ?? {};
  } catch {
    return {};
  }
}

/** Makes the alias with its first index, and the default policy, where they are not there. @throws StartFault, Unreachable */
export async function prepareLifecycle(settings: LifecycleSettings, lifecycle: Lifecycle): Promise<void> {
  const { options, logger } = settings;
  if (options.index !== DEFAULT_INDEX) {
    logger.warn(`Overwriting supplied index ${options.index} with rollover alias ${lifecycle.alias}`);
  }
  await ensureAlias(settings, lifecycle.alias);
  await ensurePolicy(settings, lifecycle.policy);
}

async function ensureAlias(settings: LifecycleSettings, alias: string): Promise<void> {
  const { options, logger } = settings;
  if (await exists(settings, 'HEAD', `/${encodeURIComponent(alias)}`)) return;
  const index = `<${alias}-${options.ilm_pattern}>`;
  const body = JSON.stringify({ aliases: { [alias]: { is_write_index: true } } });
  const answer = await ask(settings, { method: 'PUT', path: `/${encodeURIComponent(index)}`, body });
  const isThere = describeErrorAnswer(answer.text).type === 'resource_already_exists_exception';
  if (answer.status >= 300 && !isThere) throw StartFault.ofAnswer(answer, `rollover alias '${alias}' is not made`);
  logger.info(isThere ? `rollover alias '${alias}' is there already` : `rollover alias '${alias}' is made`);
}

async function ensurePolicy(settings: LifecycleSettings, policy: string): Promise<void> {
  const path = `/_ilm/policy/${encodeURIComponent(policy)}`;
  if (await exists(settings, 'GET', path)) return;
  if (policy !== DEFAULT_POLICY) {
    const message = `the lifecycle policy '${policy}' is not there: make it, or leave \`ilm_policy\` out`;
    throw new StartFault({ cause: 'policy', message });
  }
  const answer = await ask(settings, { method: 'PUT', path, body: JSON.stringify(POLICY) });
  if (answer.status >= 300) throw StartFault.ofAnswer(answer, `lifecycle policy '${policy}' is not made`);
  settings.logger.info(`lifecycle policy '${policy}' is made`);
}

async function exists(settings: LifecycleSettings, method: 'GET' | 'HEAD', path: string): Promise<boolean> {
  const answer = await ask(settings, { method, path });
  if (answer.status === 200) return true;
  if (answer.status === 404) return false;
  throw StartFault.ofAnswer(answer, `whether there is ${path}`);
}

function ask({ wire, endpoint }: LifecycleSettings, { path, ...request }: WireRequest) {
  return wire.request({ ...request, path: `${endpoint.prefix}${path}` });
}

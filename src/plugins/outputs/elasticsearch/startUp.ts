import type { OutputContext, PluginContext } from '../../../plugin-api/index.ts';
import { Backoff } from '../../../util/backoff.ts';
import { messageOf } from '../../../util/errors.ts';
import { TroubleReporter } from '../../../util/troubleReporter.ts';
import { usesDataStreams } from './dataStream.ts';
import { ASSUMED_DIALECT, type Dialect, dialectOf, isAtLeast, parseServerInfo, type ServerInfo } from './dialect.ts';
import type { Endpoint } from './endpoint.ts';
import { prepareLifecycle, resolveLifecycle } from './lifecycle.ts';
import { manageTemplate } from './manageTemplate.ts';
import type { Options } from './options.ts';
import { describeErrorAnswer } from './outcomes.ts';
import { StartFault } from './startFault.ts';
import { checkTemplates } from './templateCheck.ts';
import { describeRefusal, type Failure } from './texts.ts';
import { checksCertificates } from './tls.ts';
import type { Wire, WireAnswer } from './wire.ts';

export interface StartUpSettings {
  readonly wire: Wire;
  readonly endpoint: Endpoint;
  readonly options: Options;
  readonly subject: string;
  readonly random?: () => number;
  /** Ends the waiting for a server: there is nothing to send any more. */
  readonly signal: AbortSignal;
}

/**
 * Waits for the server, learns what it is, and makes there what the configuration asks for: template, alias, policy. Undefined
 * when `signal` came first.
 */
export async function startUp(settings: StartUpSettings, context: OutputContext): Promise<Dialect | undefined> {
  const { options, subject, signal, random } = settings;
  const trouble = new TroubleReporter(`connection to ${subject}`, context.logger, context.clock);
  const backoff = new Backoff(options.retry_initial_interval * 1000, options.resurrect_delay * 1000, random);
  for (;;) {
    const outcome = await tryStart(settings, context);
    if (!('cause' in outcome)) {
      trouble.worked('');
      return outcome;
    }
    trouble.failed('', `${outcome.message}; events wait`, {}, outcome.cause);
    await context.clock.sleep(backoff.nextDelayMs(), signal);
    if (signal.aborted) return undefined;
  }
}

async function tryStart(settings: StartUpSettings, context: OutputContext): Promise<Dialect | Failure> {
  try {
    return await start(settings, context);
  } catch (error) {
    return error instanceof StartFault ? error.failure : { cause: 'unreachable', message: messageOf(error) };
  }
}

/** @throws StartFault, Unreachable */
async function start(settings: StartUpSettings, { logger, fieldTypes, clock }: OutputContext): Promise<Dialect> {
  const { wire, endpoint, options } = settings;
  const server = readServer(await wire.request({ method: 'GET', path: endpoint.infoPath }), settings.subject, logger);
  const dialect = server === undefined ? ASSUMED_DIALECT : dialectOf(server);
  if (usesDataStreams(options)) refuseWithoutDataStreams(server);
  const around = { wire, endpoint, options, logger };
  const lifecycle = await resolveLifecycle(around, server);
  if (options.manage_template && !usesDataStreams(options)) {
    await manageTemplate({ ...around, server, dialect, lifecycle });
  }
  if (lifecycle !== undefined) await prepareLifecycle(around, lifecycle);
  await checkTemplates({ ...around, fieldTypes, lifecycle, nowMs: clock.now() });
  return lifecycle === undefined ? dialect : { ...dialect, alias: lifecycle.alias };
}

/** Undefined when the server does not say what it is, but may well take documents. @throws StartFault */
function readServer(answer: WireAnswer, subject: string, logger: PluginContext['logger']): ServerInfo | undefined {
  const { status, text } = answer;
  const info = status === 200 ? parseServerInfo(text) : undefined;
  if (info !== undefined) {
    logger.info(`${subject} is ${info.distribution} ${info.version}`);
    return info;
  }
  // A user who may only write is refused the question itself, and so is one behind a gateway that serves `_bulk` alone.
  if (![200, 403, 404, 405].includes(status)) {
    throw new StartFault(describeRefusal(status, describeErrorAnswer(text)));
  }
  logger.warn(`${subject} does not say its version (status ${status}): taken for Elasticsearch 7 or later`);
  return undefined;
}

function refuseWithoutDataStreams(server: ServerInfo | undefined): void {
  if (server?.distribution !== 'elasticsearch' || isAtLeast(server, 7, 9)) return;
  const message = `data streams need Elasticsearch 7.9 or later, this is ${server.version}`;
  throw new StartFault({ cause: 'version', message });
}

/** What a reader of the configuration would not expect, said once at the start. */
export function warnOfSurprises(options: Options, endpoint: Endpoint, { logger }: PluginContext): void {
  if (endpoint.tls !== undefined && !checksCertificates(options)) {
    logger.warn('** WARNING ** Detected UNSAFE options in elasticsearch output configuration!');
    logger.warn('** WARNING ** You have enabled encryption but DISABLED certificate verification.');
    logger.warn(
      '** WARNING ** To make sure your data is secure change :ssl_certificate_verification to true (:ssl_verification_mode to full)',
    );
  }
  if (options.proxy !== undefined && endpoint.proxy === undefined) {
    logger.warn('`proxy` is empty and has no effect');
  }
}

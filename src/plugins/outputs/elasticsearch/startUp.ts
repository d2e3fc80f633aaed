import { readFileSync } from 'node:fs';
import type { PluginContext } from '../../../plugin-api/index.ts';
import { Backoff } from '../../../util/backoff.ts';
import { messageOf } from '../../../util/errors.ts';
import { TroubleReporter } from '../../../util/troubleReporter.ts';
import { ASSUMED_DIALECT, type Dialect, dialectOf, parseServerInfo } from './dialect.ts';
import type { Endpoint } from './endpoint.ts';
import { DEFAULT_INDEX, type Options } from './options.ts';
import { describeErrorAnswer } from './outcomes.ts';
import { DEFAULT_PATTERN, defaultTemplate, mayMatch } from './template.ts';
import { describeRefusal, type Failure } from './texts.ts';
import { Unreachable, type Wire, type WireAnswer } from './wire.ts';

export interface StartUpSettings {
  readonly wire: Wire;
  readonly endpoint: Endpoint;
  readonly options: Options;
  readonly subject: string;
  readonly random?: () => number;
  /** Ends the waiting for a server: there is nothing to send any more. */
  readonly signal: AbortSignal;
}

/** Waits for the server, learns what it is and installs the template. Undefined when `signal` came first. */
export async function startUp(settings: StartUpSettings, context: PluginContext): Promise<Dialect | undefined> {
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

async function tryStart(settings: StartUpSettings, context: PluginContext): Promise<Dialect | Failure> {
  const { wire, endpoint, options, subject } = settings;
  try {
    const answer = await wire.request({ method: 'GET', path: endpoint.infoPath });
    const dialect = readDialect(answer, context, subject);
    if (dialect === undefined) return describeRefusal(answer.status, describeErrorAnswer(answer.text));
    if (options.manage_template) await manageTemplate(settings, context, dialect);
    return dialect;
  } catch (error) {
    return { cause: 'unreachable', message: messageOf(error) };
  }
}

function readDialect({ status, text }: WireAnswer, { logger }: PluginContext, subject: string): Dialect | undefined {
  const info = status === 200 ? parseServerInfo(text) : undefined;
  if (info !== undefined) {
    logger.info(`${subject} is ${info.distribution} ${info.version}`);
    return dialectOf(info);
  }
  // A user who may only write is refused the question itself, and so is one behind a gateway that serves `_bulk` alone.
  if (status !== 403 && status !== 404 && status !== 405 && status !== 200) return undefined;
  logger.warn(`${subject} does not say its version (status ${status}): taken for Elasticsearch 7 or later`);
  return ASSUMED_DIALECT;
}

/** As in Logstash a template that cannot be installed is logged and no more. @throws Unreachable */
async function manageTemplate(settings: StartUpSettings, context: PluginContext, dialect: Dialect): Promise<void> {
  const { wire, endpoint, options } = settings;
  const path = `${endpoint.templatePath}/${encodeURIComponent(options.template_name)}`;
  try {
    const exists = (await wire.request({ method: 'HEAD', path })).status === 200;
    if (exists && !options.template_overwrite) return;
    const { status, text } = await wire.request({ method: 'PUT', path, body: templateText(options, dialect) });
    if (status >= 300) throw new Error(describeRefusal(status, describeErrorAnswer(text)).message);
    context.logger.info(`index template '${options.template_name}' is installed`);
  } catch (error) {
    if (error instanceof Unreachable) throw error;
    const reason = messageOf(error);
    context.logger.error(`index template '${options.template_name}' is not installed: ${reason}`);
  }
}

function templateText(options: Options, dialect: Dialect): string {
  if (options.template === undefined) return JSON.stringify(defaultTemplate(dialect.defaultType));
  const text = readFileSync(options.template, 'utf8');
  JSON.parse(text);
  return text;
}

/** What a reader of the configuration would not expect, said once at the start. */
export function warnOfSurprises(options: Options, endpoint: Endpoint, { logger }: PluginContext): void {
  const usesOwnTemplate = options.manage_template && options.template === undefined;
  if (usesOwnTemplate && !mayMatch(DEFAULT_PATTERN, options.index)) {
    logger.info(
      `index template '${options.template_name}' is for ${DEFAULT_PATTERN} and not for ${options.index}: its mappings (geoip.location as geo_point, …) do not apply there; give a \`template\` of your own for them`,
    );
  }
  if (options.ilm_enabled === 'auto' && options.index === DEFAULT_INDEX) {
    logger.warn(
      `index lifecycle management is not done: events go to ${options.index}, where Logstash may have used the alias 'logstash'; set \`ilm_enabled => false\` to say that this is meant`,
    );
  }
  if (endpoint.isEncrypted && !options.ssl_certificate_verification) {
    logger.warn('** WARNING ** Detected UNSAFE options in elasticsearch output configuration!');
    logger.warn('** WARNING ** You have enabled encryption but DISABLED certificate verification.');
    logger.warn('** WARNING ** To make sure your data is secure change :ssl_certificate_verification to true');
  }
  if (options.proxy !== undefined && endpoint.proxy === undefined) {
    logger.warn('`proxy` is empty and has no effect');
  }
}

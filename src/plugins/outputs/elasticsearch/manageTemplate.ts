import { readFileSync } from 'node:fs';
import { messageOf } from '../../../util/errors.ts';
import type { Logger } from '../../../util/logger.ts';
import type { Dialect, ServerInfo } from './dialect.ts';
import type { Endpoint } from './endpoint.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Options } from './options.ts';
import { describeErrorAnswer } from './outcomes.ts';
import {
  apiOf,
  DEFAULT_NAME,
  defaultTemplate,
  TEMPLATE_PATHS,
  type Template,
  type TemplateApi,
  usualApi,
  withLifecycle,
} from './template.ts';
import { describeRefusal } from './texts.ts';
import { Unreachable, type Wire } from './wire.ts';

export interface TemplateSettings {
  readonly wire: Wire;
  readonly endpoint: Endpoint;
  readonly options: Options;
  readonly logger: Logger;
  readonly server: ServerInfo | undefined;
  readonly dialect: Dialect;
  readonly lifecycle: Lifecycle | undefined;
}

/** As in Logstash a template that cannot be installed is logged and no more. @throws Unreachable */
export async function manageTemplate(settings: TemplateSettings): Promise<void> {
  const { wire, endpoint, options, logger, lifecycle } = settings;
  const name = options.template_name ?? lifecycle?.alias ?? DEFAULT_NAME;
  try {
    const { api, template } = chooseTemplate(settings);
    const path = `${endpoint.prefix}${TEMPLATE_PATHS[api]}/${encodeURIComponent(name)}`;
    const exists = (await wire.request({ method: 'HEAD', path })).status === 200;
    if (exists && !options.template_overwrite) return;
    const { status, text } = await wire.request({ method: 'PUT', path, body: JSON.stringify(template) });
    if (status >= 300) throw new Error(describeRefusal(status, describeErrorAnswer(text)).message);
    logger.info(`${api} index template '${name}' is installed`);
  } catch (error) {
    if (error instanceof Unreachable) throw error;
    logger.error(`index template '${name}' is not installed: ${messageOf(error)}`);
  }
}

function chooseTemplate(settings: TemplateSettings): { api: TemplateApi; template: Template } {
  const { options, server, dialect, lifecycle } = settings;
  const given = options.template === undefined ? undefined : readTemplate(options.template);
  const api = options.template_api === 'auto' ? ((given && apiOf(given)) ?? usualApi(server)) : options.template_api;
  const template = given ?? defaultTemplate(api, dialect.defaultType);
  return { api, template: lifecycle === undefined ? template : withLifecycle(template, lifecycle, api) };
}

function readTemplate(path: string): Template {
  const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  throw new Error(`${path} holds no JSON object`);
}

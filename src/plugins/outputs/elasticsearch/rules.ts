import { PluginConfigError } from '../../../plugin-api/index.ts';
import { checkDataStream, usesDataStreams } from './dataStream.ts';
import { resolveEndpoint } from './endpoint.ts';
import type { Options } from './options.ts';
import { refuseBoth } from './tls.ts';

export const ACTIONS = ['index', 'create', 'update', 'delete'] as const;

export type Action = (typeof ACTIONS)[number];

export function isAction(text: string): text is Action {
  return (ACTIONS as readonly string[]).includes(text);
}

/** Options that parse but contradict each other, or ask for what is not done here. @throws PluginConfigError */
export function checkOptions(options: Options): void {
  checkDataStream(options);
  checkAction(options);
  checkVersion(options);
  checkUpdate(options);
  checkCodes(options);
  checkRefused(options);
  refuseBoth(options, 'http_compression', 'compression_level');
  resolveEndpoint(options);
}

function checkAction({ action }: Options): void {
  if (/%\{.+\}/.test(action) || isAction(action)) return;
  throw new PluginConfigError(`Action '${action}' is invalid! Pick one of ${ACTIONS.join(', ')}`, 'action');
}

function checkVersion({ action, version, version_type: type }: Options): void {
  if (type === undefined || !type.startsWith('external')) return;
  if (version === undefined) {
    throw new PluginConfigError('External versioning requires the presence of a version number.', 'version');
  }
  if (action === 'create' || action === 'update') {
    throw new PluginConfigError(`External versioning is not supported by the ${action} action`, 'version_type');
  }
}

function checkUpdate(options: Options): void {
  if (options.action === 'update' && options.document_id === undefined) {
    throw new PluginConfigError('Action `update` needs a `document_id`: which document is it to change?', 'action');
  }
  if (options.doc_as_upsert && options.scripted_upsert) {
    throw new PluginConfigError('doc_as_upsert and scripted_upsert are mutually exclusive.', 'doc_as_upsert');
  }
  if (options.script_type === 'file') {
    throw new PluginConfigError(
      'Elasticsearch has no file scripts since version 6: store the script in the cluster and use "indexed"',
      'script_type',
    );
  }
}

const FATED_CODES: readonly string[] = ['200', '201', '400', '404', '409'];

function checkCodes({ dlq_custom_codes: codes }: Options): void {
  for (const code of codes) {
    if (FATED_CODES.includes(code)) {
      throw new PluginConfigError(`what becomes of ${code} cannot be changed`, 'dlq_custom_codes');
    }
    if (!/^[1-5]\d\d$/.test(code)) {
      throw new PluginConfigError(`Expected a status such as 403, got ${code}`, 'dlq_custom_codes');
    }
  }
}

function checkRefused(options: Options): void {
  if (options.ilm_rollover_alias?.includes('%{')) {
    throw new PluginConfigError('an alias is one name for all events: it may not hold `%{…}`', 'ilm_rollover_alias');
  }
  if (options.ecs_compatibility !== 'disabled' && !usesDataStreams(options)) {
    throw new PluginConfigError(
      'only `disabled` is supported: set `index` and `template` yourself',
      'ecs_compatibility',
    );
  }
}

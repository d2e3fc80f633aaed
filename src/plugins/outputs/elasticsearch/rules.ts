import { PluginConfigError } from '../../../plugin-api/index.ts';
import { resolveEndpoint } from './endpoint.ts';
import type { Options } from './options.ts';

export const ACTIONS = ['index', 'create', 'update', 'delete'] as const;

export type Action = (typeof ACTIONS)[number];

export function isAction(text: string): text is Action {
  return (ACTIONS as readonly string[]).includes(text);
}

/** Options that parse but contradict each other, or ask for what is not done here. @throws PluginConfigError */
export function checkOptions(options: Options): void {
  checkAction(options);
  checkVersion(options);
  checkUpdate(options);
  checkRefused(options);
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

function checkRefused(options: Options): void {
  if (options.ilm_enabled === 'true') {
    throw new PluginConfigError(
      'index lifecycle management is not supported yet: set it to false, and name a dated index or an alias in `index`',
      'ilm_enabled',
    );
  }
  if (options.ilm_rollover_alias !== undefined && options.ilm_enabled !== 'false') {
    throw new PluginConfigError(
      'an alias turns index lifecycle management on, which is not supported yet: write to it by `index`',
      'ilm_rollover_alias',
    );
  }
  if (options.sniffing) {
    throw new PluginConfigError('nodes are not discovered: list them all in `hosts`', 'sniffing');
  }
  if (options.ecs_compatibility !== 'disabled') {
    throw new PluginConfigError(
      'only `disabled` is supported: set `index` and `template` yourself',
      'ecs_compatibility',
    );
  }
}

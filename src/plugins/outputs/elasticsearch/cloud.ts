import { PluginConfigError, Secret } from '../../../plugin-api/index.ts';
import { type HostAddress, parseHost } from './hosts.ts';

const FORMAT = 'it is `<name>:` and the base64 form of `<domain>$<elasticsearch>$<kibana>`; copy it from the console';

/** Where a deployment of Elastic Cloud is: `us-east-1.aws.found.io$abc$def` means `https://abc.us-east-1.aws.found.io:443`. @throws PluginConfigError */
export function parseCloudId(text: string): HostAddress {
  const encoded = text.slice(text.indexOf(':') + 1);
  const segments = Buffer.from(encoded, 'base64').toString().split('$');
  const [domain = '', deployment = ''] = segments;
  if (segments.length < 3 || domain === '' || deployment === '') {
    throw new PluginConfigError(`the id is not one of Elastic Cloud: ${FORMAT}`, 'cloud_id');
  }
  const [name, ownPort] = deployment.split(':');
  if (name === 'undefined') {
    throw new PluginConfigError('the id names a deployment without Elasticsearch', 'cloud_id');
  }
  const [parent, port = '443'] = domain.split(':');
  const address = `https://${name}.${parent}:${ownPort ?? port}`;
  if (!URL.canParse(address)) throw new PluginConfigError(`the id is not one of Elastic Cloud: ${FORMAT}`, 'cloud_id');
  return parseHost(address);
}

/** @throws PluginConfigError */
export function parseCloudAuth(given: Secret): { readonly user: string; readonly password: Secret } {
  const [, user, password] = /^([^:]+):(.+)$/s.exec(given.reveal()) ?? [];
  if (user === undefined || password === undefined) {
    throw new PluginConfigError(
      'Cloud Auth username and password format should be "<username>:<password>".',
      'cloud_auth',
    );
  }
  return { user, password: new Secret(password) };
}

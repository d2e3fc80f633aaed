import { readFile } from 'node:fs/promises';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import { type AccessKey, createCredentials } from '../../../aws/credentials.ts';
import type { CredentialSurroundings, IdentityProvider } from '../../../aws/freshCredentials.ts';
import { PluginConfigError } from '../../../plugin-api/index.ts';
import type { ClientSettings } from './additionalSettings.ts';
import type { S3Options } from './options.ts';

type CredentialOptions = Pick<
  S3Options,
  | 'region'
  | 'access_key_id'
  | 'secret_access_key'
  | 'session_token'
  | 'aws_credentials_file'
  | 'role_arn'
  | 'role_session_name'
>;

/**
 * Logstash's order: key pair, credentials file, role, and then the SDK's chain (environment, web identity, shared files,
 * container, instance).
 * @throws PluginConfigError for a credentials file that cannot be used
 */
export async function credentialsFor(
  options: CredentialOptions,
  settings: ClientSettings,
  requestHandler: NodeHttpHandler,
  around: CredentialSurroundings,
): Promise<IdentityProvider> {
  const id = options.access_key_id ?? settings.keyId;
  const secret = options.secret_access_key?.reveal() ?? settings.secret;
  if ((id === undefined) !== (secret === undefined)) {
    around.logger.warn(
      'Likely config error: Only one of access_key_id or secret_access_key was provided but not both.',
    );
  }
  const accessKey = await accessKeyOf(options, settings, id, secret);
  const { region = options.region, profile } = settings;
  const credentialsOf = await createCredentials({ region, accessKey, profile }, requestHandler, around);
  const { role_arn: arn, role_session_name: sessionName } = options;
  return credentialsOf('S3', arn === undefined || accessKey ? undefined : { arn, sessionName });
}

async function accessKeyOf(
  { session_token, aws_credentials_file }: CredentialOptions,
  settings: ClientSettings,
  id: string | undefined,
  secret: string | undefined,
): Promise<AccessKey | undefined> {
  if (id !== undefined && secret !== undefined) {
    return { id, secret, sessionToken: session_token?.reveal() ?? settings.sessionToken };
  }
  return aws_credentials_file === undefined ? undefined : fromYamlFile(aws_credentials_file);
}

/** Logstash reads Ruby symbols as keys (`:access_key_id: …`). Messages never show the file's text. */
async function fromYamlFile(path: string): Promise<AccessKey> {
  const option = 'aws_credentials_file';
  const { parse } = await import('yaml');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new PluginConfigError(`The AWS credentials file ${path} cannot be read: ${error.code}`, option);
  });
  let content: unknown;
  try {
    content = parse(text);
  } catch {
    throw new PluginConfigError(`The AWS credentials file ${path} is not valid YAML`, option);
  }
  const [id, secret, sessionToken] = ['access_key_id', 'secret_access_key', 'session_token'].map((name) =>
    textOf(content, `:${name}`, name),
  );
  if (id === undefined || secret === undefined) {
    const missing = id === undefined ? ':access_key_id:' : ':secret_access_key:';
    throw new PluginConfigError(`The AWS credentials file ${path} has no \`${missing}\``, option);
  }
  return { id, secret, sessionToken };
}

function textOf(content: unknown, ...names: readonly string[]): string | undefined {
  if (typeof content !== 'object' || content === null) return undefined;
  const entry = Object.entries(content).find(([name]) => names.includes(name));
  return entry === undefined || entry[1] === null ? undefined : String(entry[1]);
}

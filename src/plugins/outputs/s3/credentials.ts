import { readFile } from 'node:fs/promises';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { PluginConfigError } from '../../../plugin-api/index.ts';
import type { Logger } from '../../../util/logger.ts';
import type { ClientSettings } from './additionalSettings.ts';
import type { S3Options } from './options.ts';

interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

type CredentialOptions = Pick<
  S3Options,
  'access_key_id' | 'secret_access_key' | 'session_token' | 'aws_credentials_file' | 'role_arn' | 'role_session_name'
>;

/**
 * Logstash's order: key pair, credentials file, role, and then the SDK's chain (environment, web identity, shared files,
 * container, instance).
 * @throws PluginConfigError for a credentials file that cannot be used
 */
export async function credentialsFor(
  options: CredentialOptions,
  settings: ClientSettings,
  client: Pick<S3ClientConfig, 'region' | 'requestHandler'>,
  logger: Logger,
): Promise<S3ClientConfig['credentials']> {
  const id = options.access_key_id ?? settings.keyId;
  const secret = options.secret_access_key?.reveal() ?? settings.secret;
  if ((id === undefined) !== (secret === undefined)) {
    logger.warn('Likely config error: Only one of access_key_id or secret_access_key was provided but not both.');
  }
  if (id !== undefined && secret !== undefined) {
    return keyPair(id, secret, options.session_token?.reveal() ?? settings.sessionToken);
  }
  if (options.aws_credentials_file !== undefined) return fromYamlFile(options.aws_credentials_file);
  if (options.role_arn !== undefined) return assumedRole(options.role_arn, options.role_session_name, client);
  if (settings.profile === undefined) return undefined;
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  return fromNodeProviderChain({ profile: settings.profile });
}

function keyPair(accessKeyId: string, secretAccessKey: string, sessionToken: string | undefined): KeyPair {
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
}

async function assumedRole(
  arn: string,
  sessionName: string,
  clientConfig: Pick<S3ClientConfig, 'region' | 'requestHandler'>,
): Promise<S3ClientConfig['credentials']> {
  const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers');
  const { region, requestHandler } = clientConfig;
  return fromTemporaryCredentials({
    params: { RoleArn: arn, RoleSessionName: sessionName },
    clientConfig: { ...(region !== undefined && { region }), ...(requestHandler !== undefined && { requestHandler }) },
  });
}

/** Logstash reads Ruby symbols as keys (`:access_key_id: …`). Messages never show the file's text. */
async function fromYamlFile(path: string): Promise<KeyPair> {
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
  const [id, secret, token] = ['access_key_id', 'secret_access_key', 'session_token'].map((name) =>
    textOf(content, `:${name}`, name),
  );
  if (id === undefined || secret === undefined) {
    const missing = id === undefined ? ':access_key_id:' : ':secret_access_key:';
    throw new PluginConfigError(`The AWS credentials file ${path} has no \`${missing}\``, option);
  }
  return keyPair(id, secret, token);
}

function textOf(content: unknown, ...names: readonly string[]): string | undefined {
  if (typeof content !== 'object' || content === null) return undefined;
  const entry = Object.entries(content).find(([name]) => names.includes(name));
  return entry === undefined || entry[1] === null ? undefined : String(entry[1]);
}

/** Where the AWS clients take their credentials from. */
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import type { NodeHttpHandler } from '@smithy/node-http-handler';

export type Credentials = NonNullable<DynamoDBClientConfig['credentials']>;

export interface CredentialSettings {
  readonly region: string;
  /** Keys as they are; `profile` and the default chain are not asked then. */
  readonly accessKey?: { readonly id: string; readonly secret: string; readonly sessionToken?: string } | undefined;
  /** A profile of the shared configuration files in place of the default chain. */
  readonly profile?: string | undefined;
  /** A role to assume with those credentials. */
  readonly role?: { readonly arn: string; readonly sessionName: string } | undefined;
}

/** Nothing means the SDK's default chain: environment, shared files, web identity, container, instance. */
export async function createCredentials(
  settings: CredentialSettings,
  requestHandler: () => Promise<NodeHttpHandler>,
): Promise<Credentials | undefined> {
  const { accessKey, profile, role, region } = settings;
  if (accessKey === undefined && profile === undefined && role === undefined) return undefined;
  const providers = await import('@aws-sdk/credential-providers');
  const base = accessKey
    ? {
        accessKeyId: accessKey.id,
        secretAccessKey: accessKey.secret,
        ...(accessKey.sessionToken && { sessionToken: accessKey.sessionToken }),
      }
    : profile
      ? providers.fromIni({ profile })
      : providers.fromNodeProviderChain();
  if (role === undefined) return base;
  return providers.fromTemporaryCredentials({
    masterCredentials: base,
    params: { RoleArn: role.arn, RoleSessionName: role.sessionName },
    clientConfig: { region, requestHandler: await requestHandler() },
  });
}

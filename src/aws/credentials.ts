/** Where AWS credentials come from, for every client: keys, a profile or the SDK's default chain, and a role on top. */
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Logger } from '../util/logger.ts';
import { explain, type Place } from './credentialsFault.ts';
import { type CredentialSurroundings, type Identity, type IdentityProvider, keepFresh } from './freshCredentials.ts';
import { type ChainSettings, type Role, type Sdk, Sts, type StsSettings } from './sts.ts';

export interface CredentialSettings extends StsSettings {
  /** Keys as they are; `profile` and the default chain are not asked then. */
  readonly accessKey?: AccessKey | undefined;
  /** A profile of the shared configuration files in place of the default chain. */
  readonly profile?: string | undefined;
}

export interface AccessKey {
  readonly id: string;
  readonly secret: string;
  readonly sessionToken?: string | undefined;
}

/**
 * Gives the credentials of `users` (as `Kinesis and DynamoDB`), which are those of the role when there is one. Logs where they come from
 * when they are first asked for. Rejects with a `CredentialsProviderError` when there are none, else with the fault of
 * STS or of the connection, by its code.
 */
export type CredentialsFor = (users: string, role: Role | undefined) => IdentityProvider;

/** STS is asked through `requestHandler`, and so is SSO; the agent of a container and the instance are asked directly. */
export async function createCredentials(
  settings: CredentialSettings,
  requestHandler: NodeHttpHandler,
  around: CredentialSurroundings,
): Promise<CredentialsFor> {
  const sdk = await import('@aws-sdk/credential-providers');
  const sts = new Sts(sdk, settings, requestHandler);
  const { accessKey, profile } = settings;
  const chain: ChainSettings = {
    // The files may have been changed since.
    ignoreCache: true,
    // Without a region: SSO has one of its own.
    clientConfig: { maxAttempts: 1, requestHandler },
    logger: sdkLogger(around.logger),
  };
  const what = profile ? `profile "${profile}"` : 'default chain';
  const base = accessKey ? given(accessKey) : keepFresh(what, () => loadBase(profile, sdk, sts, chain), around);
  return (users, role) => {
    if (role) {
      const provider = keepFresh(`role ${role.arn}`, () => sts.assumeRole(role, base), around);
      return announced(users, provider, around.logger);
    }
    // Of keys in the configuration everybody knows where they come from.
    return accessKey ? base : announced(users, base, around.logger);
  };
}

function given({ id, secret, sessionToken }: AccessKey): IdentityProvider {
  const keys = { accessKeyId: id, secretAccessKey: secret, ...(sessionToken && { sessionToken }) };
  return async () => ({ ...keys, origin: originOf(keys, 'the configuration', undefined) });
}

function announced(users: string, provider: IdentityProvider, logger: Logger): IdentityProvider {
  let said: string | undefined;
  return async () => {
    const identity = await provider();
    if (identity.origin !== said) logger.info(`AWS credentials of ${users}: ${identity.origin}`);
    said = identity.origin;
    return identity;
  };
}

async function loadBase(profile: string | undefined, sdk: Sdk, sts: Sts, chain: ChainSettings): Promise<Identity> {
  let roleArn: string | undefined;
  const settings: ChainSettings = {
    ...chain,
    roleAssumer(source, params) {
      roleArn = params.RoleArn;
      return sts.assume(source, params);
    },
    roleAssumerWithWebIdentity(params) {
      roleArn = params.RoleArn;
      return sts.assumeWithToken(params);
    },
  };
  try {
    const provider = profile ? sdk.fromIni({ ...settings, profile }) : sdk.fromNodeProviderChain(settings);
    const identity = await provider();
    return { ...identity, origin: originOf(identity, profile && `profile "${profile}"`, roleArn) };
  } catch (error) {
    if (!profile) throw await explain(error, 'no AWS credentials', placesOf(sdk, settings), CHAIN_ADVICE);
    throw await explain(error, `no AWS credentials from profile "${profile}"`, [], PROFILE_ADVICE);
  }
}

const CHAIN_ADVICE = 'Provide one of these, or name a `profile`';
const PROFILE_ADVICE = 'Check the name, and the files ~/.aws/config and ~/.aws/credentials';

/** As the SDK's default chain has them. */
function placesOf(sdk: Sdk, settings: ChainSettings): Place[] {
  return [
    ['environment', sdk.fromEnv(settings)],
    ['shared files', sdk.fromIni(settings)],
    ['web identity', sdk.fromTokenFile(settings)],
    ['container agent', sdk.fromHttp({ ...settings, maxRetries: 0 })],
    ['instance metadata', sdk.fromInstanceMetadata(settings)],
  ];
}

/** What the SDK notes on credentials; the first that fits. */
const SOURCES: readonly (readonly [feature: RegExp, name: string])[] = [
  [/^CREDENTIALS_ENV_VARS$/, 'environment'],
  [/^CREDENTIALS_ENV_VARS_STS_WEB_ID_TOKEN$/, 'web identity'],
  [/SSO/, 'SSO'],
  [/LOGIN/, 'console login'],
  [/PROCESS/, 'credential process'],
  [/^CREDENTIALS_PROFILE/, 'shared files'],
  [/^CREDENTIALS_HTTP$/, 'container agent'],
];

type Noted = Omit<Identity, 'origin'> & { readonly $source?: object };

function originOf(identity: Noted, name: string | undefined, roleArn: string | undefined): string {
  const { accountId, expiration, accessKeyId, $source = {} } = identity;
  const features = Object.keys($source);
  const source = SOURCES.find(([feature]) => features.some((noted) => feature.test(noted)))?.[1] ?? 'instance metadata';
  const owner = roleArn ? [`role ${roleArn}`] : accountId ? [`account ${accountId}`] : [];
  // Temporary keys change, and name nobody.
  const key = expiration ? [] : [`key …${accessKeyId.slice(-4)}`];
  return [name ?? source, ...owner, ...key].join(', ');
}

/** Without one the SDK warns on `console`; its steps interest nobody. */
function sdkLogger(logger: Logger): NonNullable<ChainSettings['logger']> {
  const text = (parts: readonly unknown[]) => parts.map(String).join(' ').replace(/\s+/g, ' ').trim();
  return {
    trace() {},
    debug() {},
    info() {},
    warn: (...parts) => logger.warn(text(parts)),
    error: (...parts) => logger.error(text(parts)),
  };
}

/** All calls of STS, so that each goes to the same place in the same way, whoever needs a role. */
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import { CredentialsFault, reasonText } from './credentialsFault.ts';
import { codeOf } from './errorText.ts';
import type { Identity, IdentityProvider } from './freshCredentials.ts';

export type Sdk = typeof import('@aws-sdk/credential-providers');
export type ChainSettings = NonNullable<Parameters<Sdk['fromNodeProviderChain']>[0]>;

export interface Role {
  readonly arn: string;
  readonly sessionName: string;
  readonly externalId?: string | undefined;
}

export interface StsSettings {
  readonly region: string;
  /** Full URL; AWS's own for the region when absent. */
  readonly stsEndpoint?: string | undefined;
}

export class Sts {
  readonly #sdk: Sdk;
  readonly #name: string;
  readonly #client: {
    readonly region: string;
    readonly maxAttempts: number;
    readonly requestHandler: NodeHttpHandler;
    readonly endpoint?: string;
  };

  constructor(sdk: Sdk, { region, stsEndpoint }: StsSettings, requestHandler: NodeHttpHandler) {
    this.#sdk = sdk;
    this.#name = stsEndpoint ?? `STS in ${region}`;
    this.#client = { region, maxAttempts: 1, requestHandler, ...(stsEndpoint && { endpoint: stsEndpoint }) };
  }

  async assumeRole({ arn, sessionName, externalId }: Role, base: IdentityProvider): Promise<Identity> {
    const source = await base();
    const params = { RoleArn: arn, RoleSessionName: sessionName, ...(externalId && { ExternalId: externalId }) };
    return { ...(await this.assume(source, params)), origin: `role ${arn}, assumed with ${source.origin}` };
  }

  /** In place of the SDK's own for profiles, which are kept from the endpoint. */
  readonly assume: NonNullable<ChainSettings['roleAssumer']> = (source, params) =>
    this.#ask(
      params.RoleArn,
      this.#sdk.fromTemporaryCredentials({ masterCredentials: source, params, clientConfig: this.#client }),
    );

  readonly assumeWithToken: NonNullable<ChainSettings['roleAssumerWithWebIdentity']> = (params) =>
    this.#ask(
      params.RoleArn,
      this.#sdk.fromWebToken({
        roleArn: params.RoleArn,
        roleSessionName: params.RoleSessionName,
        webIdentityToken: params.WebIdentityToken,
        clientConfig: this.#client,
      }),
    );

  async #ask<T>(arn: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw new CredentialsFault(codeOf(error), `${this.#name} does not give ${arn}: ${reasonText(error)}`);
    }
  }
}

import { readFileSync } from 'node:fs';
import { type AgentOptions, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import type { ObjectCannedACL, PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import { PluginConfigError } from '../../../plugin-api/index.ts';
import type { Clock } from '../../../util/clock.ts';
import type { Logger } from '../../../util/logger.ts';
import { SpareBytes } from '../../../util/textBuffer.ts';
import { type ClientSettings, parseAdditionalSettings } from './additionalSettings.ts';
import { credentialsFor } from './credentials.ts';
import { bodyBytes, bodyChunks, readBody } from './objectBody.ts';
import { constantFolder } from './objectKey.ts';
import type { ObjectStore, ObjectToPut } from './objectStore.ts';
import type { S3Options } from './options.ts';
import { describeS3Error, errorCode, isServersTrouble, type Place } from './s3Errors.ts';

const CONNECT_TIMEOUT_MS = 15_000;
const READ_TIMEOUT_MS = 60_000;
/** The Ruby SDK's `retry_limit` of 3: these happen within one of our own tries. */
const MAX_ATTEMPTS = 4;
/** S3's limits of a multipart upload. */
const PART_BYTES_MIN = 5 * 1024 * 1024;
const PARTS_MAX = 10_000;
/** Parts of one object in memory at a time. */
const PARTS_IN_FLIGHT = 2;

/** Room for a larger object that comes next. */
const SPACE_FACTOR = 1.125;
const SPARE_BODY_BYTES = 16 * 1024 * 1024;

type Sdk = typeof import('@aws-sdk/client-s3');

export interface StoreContext {
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Loads the AWS client, which takes long enough that only a pipeline with an s3 output should pay for it. */
export async function createAwsStore(options: S3Options, context: StoreContext): Promise<ObjectStore> {
  const settings = parseAdditionalSettings(options.additional_settings);
  const [sdk, requestHandler] = await Promise.all([import('@aws-sdk/client-s3'), createHandler(options, settings)]);
  const region = settings.region ?? options.region;
  const endpoint = options.endpoint ?? settings.endpoint;
  const credentials = await credentialsFor(options, settings, requestHandler, context);
  const client = new sdk.S3Client({
    maxAttempts: MAX_ATTEMPTS,
    // The Ruby SDK finds the bucket's own region by itself.
    followRegionRedirects: true,
    ...settings.config,
    region,
    requestHandler,
    credentials,
    ...(endpoint !== undefined && { endpoint }),
  });
  return new AwsStore(sdk, client, options, { bucket: options.bucket, region, endpoint }, context);
}

async function createHandler(options: S3Options, settings: ClientSettings): Promise<NodeHttpHandler> {
  const { NodeHttpHandler } = await import('@smithy/node-http-handler');
  const proxy = options.proxy_uri ?? settings.proxy;
  const agent: AgentOptions = {
    keepAlive: true,
    maxSockets: options.upload_workers_count * PARTS_IN_FLIGHT + 2,
    ...(proxy !== undefined && { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } }),
  };
  const ca = settings.caFile === undefined ? {} : { ca: readCertificates(settings.caFile) };
  return new NodeHttpHandler({
    connectionTimeout: settings.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    socketTimeout: settings.readTimeoutMs ?? READ_TIMEOUT_MS,
    httpAgent: new HttpAgent(agent),
    httpsAgent: new HttpsAgent({ ...agent, ...ca, rejectUnauthorized: settings.verifiesCertificates }),
  });
}

function readCertificates(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const message = `\`ssl_ca_bundle\` in additional_settings cannot be read: ${path} (${errorCode(error)})`;
    throw new PluginConfigError(message, 'additional_settings', error);
  }
}

class AwsStore implements ObjectStore {
  readonly #sdk: Sdk;
  readonly #client: S3Client;
  readonly #options: S3Options;
  readonly #place: Place;
  readonly #context: StoreContext;
  readonly #spares = new SpareBytes(SPARE_BODY_BYTES);
  #sendsAcl = true;

  constructor(sdk: Sdk, client: S3Client, options: S3Options, place: Place, context: StoreContext) {
    this.#sdk = sdk;
    this.#client = client;
    this.#options = options;
    this.#place = place;
    this.#context = context;
  }

  /** In the root as Logstash does it; where a policy allows only the prefix, there. */
  async checkWritable(): Promise<void> {
    try {
      await this.#checkFolder('');
    } catch (error) {
      if (isServersTrouble(error)) return this.#context.logger.warn(this.#checkOpen(error));
      const folder = constantFolder(this.#options.prefix);
      if (folder === '' || errorCode(error) !== 'AccessDenied') throw this.#checkFailure(error);
      await this.#checkFolder(folder).catch(() => {
        throw this.#checkFailure(error);
      });
      this.#context.logger.info(`objects may be written to ${folder}, though not to the root of the bucket`);
    }
  }

  async #checkFolder(folder: string): Promise<void> {
    const { bucket: Bucket } = this.#options;
    const seconds = Math.floor(this.#context.clock.now() / 1000);
    const Key = `${folder}logstash-programmatic-access-test-object-${seconds}`;
    const Body = Buffer.from(`Logstash permission check on ${seconds}`);
    await this.#withAcl((acl) =>
      this.#client.send(new this.#sdk.PutObjectCommand({ ...this.#headers(), ...acl, Bucket, Key, Body })),
    );
    try {
      await this.#client.send(new this.#sdk.DeleteObjectCommand({ Bucket, Key }));
    } catch (error) {
      this.#context.logger.debug(`the test object ${Key} could not be deleted: ${this.describeError(error)}`);
    }
  }

  /** Says nothing of the configuration, and uploads wait for better times anyway. */
  #checkOpen(error: unknown): string {
    const { bucket } = this.#options;
    return `whether bucket \`${bucket}\` may be written cannot be told yet, uploads will: ${this.describeError(error)}`;
  }

  #checkFailure(error: unknown): Error {
    const { bucket } = this.#options;
    const reason = this.describeError(error);
    const start = `Logstash must have the privileges to write to root bucket \`${bucket}\`: ${reason}`;
    if (errorCode(error) !== 'AccessDenied') return new Error(start, { cause: error });
    const resource = `arn:aws:s3:::${bucket}/logstash-programmatic-access-test-object-*`;
    const advice =
      `${start}. The check needs s3:PutObject and s3:DeleteObject on ${resource}; ` +
      'where the policy allows only the prefix, set `validate_credentials_on_root_bucket => false`';
    return new Error(advice, { cause: error });
  }

  async put(object: ObjectToPut): Promise<void> {
    const isSmall = bodyBytes(object.body) < this.#options.upload_multipart_threshold;
    await this.#withAcl((acl) => (isSmall ? this.#putWhole(object, acl) : this.#putParts(object, acl)));
  }

  /** From memory, so that the SDK can send it again and its checksum stands in a header, which every server takes. */
  async #putWhole(object: ObjectToPut, acl: Acl): Promise<void> {
    const space = object.body.fileBytes === 0 ? undefined : this.#space(bodyBytes(object.body));
    const Body = await readBody(object.body, space);
    await this.#client.send(new this.#sdk.PutObjectCommand({ ...this.#input(object), ...acl, Body }));
    // Of a request that failed, bytes may still be on their way.
    if (space !== undefined) this.#spares.give(space);
  }

  #space(bytes: number): Buffer {
    return this.#spares.take(bytes, bytes) ?? Buffer.allocUnsafeSlow(Math.ceil(bytes * SPACE_FACTOR));
  }

  async #putParts(object: ObjectToPut, acl: Acl): Promise<void> {
    const { Upload } = await import('@aws-sdk/lib-storage');
    const Body = Readable.from(bodyChunks(object.body), { objectMode: false });
    const upload = new Upload({
      client: this.#client,
      params: { ...this.#input(object), ...acl, Body },
      partSize: Math.max(PART_BYTES_MIN, Math.ceil(bodyBytes(object.body) / PARTS_MAX)),
      queueSize: PARTS_IN_FLIGHT,
    });
    try {
      await upload.done();
    } finally {
      Body.destroy();
    }
  }

  #input({ key, encoding }: ObjectToPut): PutObjectCommandInput {
    return {
      ...this.#headers(),
      Bucket: this.#options.bucket,
      Key: key,
      ...(encoding === 'gzip' && { ContentEncoding: 'gzip' }),
    };
  }

  /** As Logstash: the key's id goes along whenever the algorithm is `aws:kms`. */
  #headers(): Pick<PutObjectCommandInput, 'StorageClass' | 'ServerSideEncryption' | 'SSEKMSKeyId'> {
    const { storage_class, server_side_encryption, server_side_encryption_algorithm, ssekms_key_id } = this.#options;
    return {
      StorageClass: storage_class,
      ...(server_side_encryption && { ServerSideEncryption: server_side_encryption_algorithm }),
      ...(server_side_encryption_algorithm === 'aws:kms' &&
        ssekms_key_id !== undefined && { SSEKMSKeyId: ssekms_key_id }),
    };
  }

  /** Buckets of today have no ACLs and refuse even `private`, which is what their objects are anyway. */
  async #withAcl(send: (acl: Acl) => Promise<unknown>): Promise<void> {
    // `log-delivery-write` is one for buckets only; Logstash sends it, and S3 answers.
    const ACL = this.#options.canned_acl as ObjectCannedACL;
    try {
      const acl: Acl = this.#sendsAcl ? { ACL } : {};
      await send(acl);
    } catch (error) {
      if (!this.#sendsAcl || ACL !== 'private' || errorCode(error) !== 'AccessControlListNotSupported') throw error;
      this.#context.logger.info(`bucket ${this.#options.bucket} has no ACLs: objects are sent without \`canned_acl\``);
      this.#sendsAcl = false;
      await send({});
    }
  }

  describeError(error: unknown): string {
    return describeS3Error(error, this.#place);
  }

  close(): void {
    this.#client.destroy();
  }
}

type Acl = Pick<PutObjectCommandInput, 'ACL'>;

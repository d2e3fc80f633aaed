/** Fakes of AWS around the real clients, in an environment without credentials, for the tests of credentials. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { vi } from 'vitest';
import { type ClientSettings, type Clients, createClients } from '../../../src/kinesis/clients.ts';
import { type Clock, systemClock } from '../../../src/util/clock.ts';
import { type Logger, silentLogger } from '../../../src/util/logger.ts';
import { type FakeSts, signerOf, startFakeSts } from '../../support/servers/fakeSts.ts';
import { type Server, startHttp } from '../../support/servers/server.ts';

export const REGION = 'eu-west-1';

/** A signed request as Kinesis or DynamoDB saw it. */
export interface Seen {
  readonly service: string;
  readonly accessKey: string | undefined;
}

export interface Situation {
  readonly environment?: Readonly<Record<string, string>>;
  /** Files below the home directory. */
  readonly files?: Readonly<Record<string, string>>;
  readonly settings?: Partial<ClientSettings>;
  readonly clock?: Clock;
}

export interface CredentialsLab {
  readonly sts: FakeSts;
  /** Kinesis and DynamoDB in one: takes what is signed with a key that has not ended, and answers with nothing. */
  readonly aws: Server;
  readonly seen: Seen[];
  readonly home: string;
  readonly lines: string[];
  readonly logger: Logger;
  /** What both services answer from now on. */
  refuse(type: string, message: string): void;
  enter(situation: Situation): void;
  clientsIn(situation: Situation): Promise<Clients>;
  /** Both services at once, so that credentials which are not shared would be asked for twice; who signed which. */
  callBoth(clients: Clients): Promise<Record<string, string | undefined>>;
  stop(): Promise<void>;
}

export async function startCredentialsLab(lifetimeMs?: number): Promise<CredentialsLab> {
  const sts = await startFakeSts(lifetimeMs);
  const home = mkdtempSync(join(tmpdir(), 'credentials-'));
  const seen: Seen[] = [];
  const lines: string[] = [];
  const open: Clients[] = [];
  let refusal: { readonly type: string; readonly message: string } | undefined;
  const note = (level: string) => (message: string) => lines.push(`${level}: ${message}`);
  const logger: Logger = { ...silentLogger, info: note('info'), warn: note('warn'), error: note('error') };

  const aws = await startHttp('fake Kinesis and DynamoDB', '1', (message, response) => {
    const [service = ''] = String(message.headers['x-amz-target']).split('_');
    const { accessKey = '' } = signerOf(message);
    seen.push({ service, accessKey });
    const hasEnded = (sts.endsMs.get(accessKey) ?? Number.POSITIVE_INFINITY) < Date.now();
    const fault = hasEnded ? { type: 'ExpiredTokenException', message: 'The token is expired' } : refusal;
    response.writeHead(fault ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
    const answer = fault ? { __type: fault.type, message: fault.message } : {};
    message.resume().on('end', () => response.end(JSON.stringify(answer)));
  });

  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  vi.stubEnv('HOME', home);
  vi.stubEnv('AWS_CONFIG_FILE', join(home, 'config'));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(home, 'credentials'));
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');

  function enter({ environment = {}, files = {} }: Situation): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(home, name)), { recursive: true });
      writeFileSync(join(home, name), text);
    }
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  }

  return {
    sts,
    aws,
    seen,
    home,
    lines,
    logger,
    refuse(type, message) {
      refusal = { type, message };
    },
    enter,
    async clientsIn(situation) {
      enter(situation);
      const places = { kinesisEndpoint: aws.url, dynamodbEndpoint: aws.url, stsEndpoint: sts.url };
      const settings = { region: REGION, ...places, ...situation.settings };
      const clients = await createClients(settings, { logger, clock: situation.clock ?? systemClock });
      open.push(clients);
      return clients;
    },
    async callBoth({ kinesis, dynamodb }) {
      const from = seen.length;
      await Promise.all([kinesis.listShards({ StreamName: 'logs' }), dynamodb.describeTable('leases')]);
      return Object.fromEntries(seen.slice(from).map(({ service, accessKey }) => [service, accessKey]));
    },
    async stop() {
      for (const clients of open) clients.destroy();
      vi.unstubAllEnvs();
      await Promise.all([sts.stop(), aws.stop()]);
      rmSync(home, { recursive: true });
    },
  };
}

/** Fakes of what gives AWS credentials, for faults and short lives: STS, the agent of a pod or container, instance metadata. */
import type { IncomingMessage } from 'node:http';
import { readBody } from './s3/request.ts';
import { type Server, startHttp } from './server.ts';

/** A call of STS as it came. */
export interface StsCall {
  readonly action: string;
  readonly roleArn: string;
  readonly sessionName: string;
  readonly externalId: string | null;
  readonly webIdentityToken: string | null;
  /** The access key of the signature; absent for calls with a web identity token. */
  readonly signedBy: string | undefined;
  /** The service's name in the signature, and its region. */
  readonly region: string | undefined;
}

/** An error answer of STS, or a connection that breaks. */
export type StsFault = { readonly status: number; readonly code: string; readonly message: string } | 'reset';

export interface FakeSts extends Server {
  readonly calls: StsCall[];
  /** When the credentials end that were given out, by access key, in milliseconds since 1970. */
  readonly endsMs: ReadonlyMap<string, number>;
  /** Undefined lets all calls pass. */
  setFault(fault: StsFault | undefined): void;
}

/** Gives a role `<name>` the access keys `ASIA<name>1`, `ASIA<name>2` and so on. */
export async function startFakeSts(lifetimeMs = 3_600_000): Promise<FakeSts> {
  const calls: StsCall[] = [];
  const endsMs = new Map<string, number>();
  let current: StsFault | undefined;
  const server = await startHttp('fake STS', '1', async (message, response) => {
    const call = await toCall(message);
    calls.push(call);
    if (current === 'reset') return message.socket.resetAndDestroy();
    response.setHeader('content-type', 'text/xml');
    if (current) return response.writeHead(current.status).end(errorXml(current.code, current.message));
    const role = call.roleArn.slice(call.roleArn.indexOf('/') + 1);
    const count = [...endsMs.keys()].filter((key) => key.startsWith(`ASIA${role}`)).length + 1;
    const accessKey = `ASIA${role}${count}`;
    endsMs.set(accessKey, Date.now() + lifetimeMs);
    response.end(answerXml(call, accessKey, new Date(Date.now() + lifetimeMs)));
  });
  return {
    ...server,
    calls,
    endsMs,
    setFault(fault) {
      current = fault;
    },
  };
}

/** The access key and the region of a signed request. */
export function signerOf(message: IncomingMessage): { accessKey: string | undefined; region: string | undefined } {
  const match = /Credential=([^/]+)\/\d+\/([^/]+)\//.exec(message.headers.authorization ?? '');
  return { accessKey: match?.[1], region: match?.[2] };
}

async function toCall(message: IncomingMessage): Promise<StsCall> {
  const body = new URLSearchParams((await readBody(message)).toString());
  const { accessKey, region } = signerOf(message);
  return {
    action: body.get('Action') ?? '',
    roleArn: body.get('RoleArn') ?? '',
    sessionName: body.get('RoleSessionName') ?? '',
    externalId: body.get('ExternalId'),
    webIdentityToken: body.get('WebIdentityToken'),
    signedBy: accessKey,
    region,
  };
}

function answerXml({ action, roleArn, sessionName }: StsCall, accessKey: string, end: Date): string {
  const arn = roleArn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/');
  return `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>
    <AssumedRoleUser><Arn>${arn}/${sessionName}</Arn><AssumedRoleId>AROA:${sessionName}</AssumedRoleId></AssumedRoleUser>
    <Credentials><AccessKeyId>${accessKey}</AccessKeyId><SecretAccessKey>secret-of-${accessKey}</SecretAccessKey>
    <SessionToken>token-of-${accessKey}</SessionToken><Expiration>${end.toISOString()}</Expiration></Credentials>
    </${action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${action}Response>`;
}

function errorXml(code: string, message: string): string {
  return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code>
    <Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`;
}

/** The agent of EKS Pod Identity, or of ECS: gives `accessKey` to who sends `token`. */
export function startFakeContainerAgent(accessKey: string, token: string): Promise<Server> {
  return startHttp('fake container agent', '1', (message, response) => {
    if (message.headers.authorization !== token) return response.writeHead(401).end('{"Code":"AccessDenied"}');
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(temporary(accessKey)));
  });
}

/** Instance metadata, version 2: `accessKey` for who asks with the session token it gave. */
export function startFakeInstanceMetadata(accessKey: string): Promise<Server> {
  const session = 'session-of-the-instance';
  const path = '/latest/meta-data/iam/security-credentials/';
  return startHttp('fake instance metadata', '1', (message, response) => {
    if (message.method === 'PUT' && message.url === '/latest/api/token') return response.end(session);
    if (message.headers['x-aws-ec2-metadata-token'] !== session) return response.writeHead(401).end();
    if (message.url === path) return response.end('node-role');
    if (message.url === `${path}node-role`) return response.end(JSON.stringify(temporary(accessKey)));
    return response.writeHead(404).end();
  });
}

function temporary(accessKey: string) {
  return {
    Code: 'Success',
    AccessKeyId: accessKey,
    SecretAccessKey: `secret-of-${accessKey}`,
    Token: `token-of-${accessKey}`,
    AccountId: '123456789012',
    Expiration: new Date(Date.now() + 3_600_000).toISOString(),
  };
}

import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startFakeContainerAgent, startFakeInstanceMetadata } from '../../support/servers/fakeSts.ts';
import { type Server, startHttp } from '../../support/servers/server.ts';
import { type CredentialsLab, type Situation, startCredentialsLab } from './credentialsLab.ts';

const READER = 'arn:aws:iam::111111111111:role/reader';
const LEASES = 'arn:aws:iam::222222222222:role/leases';
const POD = 'arn:aws:iam::333333333333:role/pod';

let lab: CredentialsLab;
let agent: Server;
let instance: Server;
let sso: Server;

beforeAll(async () => {
  agent = await startFakeContainerAgent('ASIAagent', 'token-of-the-pod');
  instance = await startFakeInstanceMetadata('ASIAinstance');
  sso = await startHttp('fake SSO', '1', (message, response) => {
    if (message.headers['x-amz-sso_bearer_token'] !== 'token-of-the-user') return response.writeHead(401).end('{}');
    const keys = { accessKeyId: 'ASIAsso', secretAccessKey: 's', sessionToken: 't' };
    return response.end(JSON.stringify({ roleCredentials: { ...keys, expiration: Date.now() + 3_600_000 } }));
  });
});

afterAll(() => Promise.all([agent, instance, sso].map((server) => server.stop())));

beforeEach(async () => {
  lab = await startCredentialsLab();
});

afterEach(() => lab.stop());

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIA-environment', AWS_SECRET_ACCESS_KEY: 'secret-of-the-environment' };
const keysOf = (name: string) => `aws_access_key_id = AKIA-${name}\naws_secret_access_key = secret-of-${name}\n`;
const IRSA = { AWS_WEB_IDENTITY_TOKEN_FILE: '$HOME/token', AWS_ROLE_ARN: POD };
const TOKEN = { token: 'token-of-the-service-account' };
const role = { arn: READER, sessionName: 'logstash' };
const dynamodbRole = { arn: LEASES, sessionName: 'logstash' };

type Row = Situation & {
  readonly name: string;
  /** The access key on the requests; of Kinesis alone when `dynamodb` is given. */
  readonly signedBy: string;
  readonly dynamodb?: string;
  /** `<action> <role's name> by <access key>`. */
  readonly stsCalls?: readonly string[];
  readonly said: readonly string[];
};

const rows: readonly Row[] = [
  {
    name: 'keys of the environment',
    environment: KEYS,
    signedBy: 'AKIA-environment',
    said: ['Kinesis and DynamoDB: environment, key …ment'],
  },
  {
    name: 'the environment before files and web identity',
    environment: { ...KEYS, ...IRSA },
    files: { ...TOKEN, credentials: `[default]\n${keysOf('default')}` },
    signedBy: 'AKIA-environment',
    said: ['Kinesis and DynamoDB: environment, key …ment'],
  },
  {
    name: 'the default profile of the shared files',
    files: { credentials: `[default]\n${keysOf('default')}` },
    signedBy: 'AKIA-default',
    said: ['Kinesis and DynamoDB: shared files, key …ault'],
  },
  {
    name: 'AWS_PROFILE before keys of the environment, as the SDK has it',
    environment: { ...KEYS, AWS_PROFILE: 'other' },
    files: { credentials: `[default]\n${keysOf('default')}[other]\n${keysOf('other')}` },
    signedBy: 'AKIA-other',
    said: ['Kinesis and DynamoDB: shared files, key …ther'],
  },
  {
    name: 'the profile option before the environment',
    environment: KEYS,
    files: { credentials: `[other]\n${keysOf('other')}` },
    settings: { profile: 'other' },
    signedBy: 'AKIA-other',
    said: ['Kinesis and DynamoDB: profile "other", key …ther'],
  },
  {
    name: 'a profile with source_profile and role_arn',
    files: {
      credentials: `[base]\n${keysOf('base')}`,
      config: `[profile reading]\nrole_arn = ${READER}\nsource_profile = base\n`,
    },
    settings: { profile: 'reading' },
    signedBy: 'ASIAreader1',
    stsCalls: ['AssumeRole reader by AKIA-base'],
    said: [`Kinesis and DynamoDB: profile "reading", role ${READER}`],
  },
  {
    name: 'a profile with credential_source',
    environment: KEYS,
    files: { config: `[profile reading]\nrole_arn = ${READER}\ncredential_source = Environment\n` },
    settings: { profile: 'reading' },
    signedBy: 'ASIAreader1',
    stsCalls: ['AssumeRole reader by AKIA-environment'],
    said: [`Kinesis and DynamoDB: profile "reading", role ${READER}`],
  },
  {
    name: 'a profile with a web identity',
    environment: { AWS_PROFILE: 'pod' },
    files: { ...TOKEN, config: `[profile pod]\nrole_arn = ${POD}\nweb_identity_token_file = $HOME/token\n` },
    signedBy: 'ASIApod1',
    stsCalls: ['AssumeRoleWithWebIdentity pod by undefined'],
    said: [`Kinesis and DynamoDB: shared files, role ${POD}`],
  },
  {
    name: 'a profile with a process',
    files: { config: '[profile made]\ncredential_process = cat $HOME/keys\n', keys: processKeys() },
    settings: { profile: 'made' },
    signedBy: 'AKIA-process',
    said: ['Kinesis and DynamoDB: profile "made", key …cess'],
  },
  {
    name: 'a profile of SSO, whose own region and endpoint stay',
    environment: { AWS_ENDPOINT_URL_SSO: '$SSO' },
    files: {
      config:
        '[profile person]\nsso_start_url = https://x.awsapps.com/start\nsso_region = us-west-2\nsso_account_id = 444444444444\nsso_role_name = Reader\n',
      [`.aws/sso/cache/${createHash('sha1').update('https://x.awsapps.com/start').digest('hex')}.json`]: JSON.stringify(
        {
          accessToken: 'token-of-the-user',
          expiresAt: '2999-01-01T00:00:00Z',
        },
      ),
    },
    settings: { profile: 'person' },
    signedBy: 'ASIAsso',
    said: ['Kinesis and DynamoDB: profile "person"'],
  },
  {
    name: 'IRSA',
    environment: IRSA,
    files: TOKEN,
    signedBy: 'ASIApod1',
    stsCalls: ['AssumeRoleWithWebIdentity pod by undefined'],
    said: [`Kinesis and DynamoDB: web identity, role ${POD}`],
  },
  {
    name: 'EKS Pod Identity',
    environment: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: '$AGENT',
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '$HOME/token',
    },
    files: { token: 'token-of-the-pod' },
    signedBy: 'ASIAagent',
    said: ['Kinesis and DynamoDB: container agent'],
  },
  {
    name: "ECS's agent",
    environment: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: '$AGENT',
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'token-of-the-pod',
    },
    signedBy: 'ASIAagent',
    said: ['Kinesis and DynamoDB: container agent'],
  },
  {
    name: 'instance metadata',
    environment: { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: '$INSTANCE' },
    signedBy: 'ASIAinstance',
    said: ['Kinesis and DynamoDB: instance metadata, account 123456789012'],
  },
  {
    name: 'a role on the environment',
    environment: KEYS,
    settings: { role },
    signedBy: 'ASIAreader1',
    stsCalls: ['AssumeRole reader by AKIA-environment'],
    said: [`Kinesis and DynamoDB: role ${READER}, assumed with environment, key …ment`],
  },
  {
    name: 'a role of another account on IRSA',
    environment: IRSA,
    files: TOKEN,
    settings: { role },
    signedBy: 'ASIAreader1',
    stsCalls: ['AssumeRoleWithWebIdentity pod by undefined', 'AssumeRole reader by ASIApod1'],
    said: [`Kinesis and DynamoDB: role ${READER}, assumed with web identity, role ${POD}`],
  },
  {
    name: 'a role on EKS Pod Identity',
    environment: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: '$AGENT',
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'token-of-the-pod',
    },
    settings: { role },
    signedBy: 'ASIAreader1',
    stsCalls: ['AssumeRole reader by ASIAagent'],
    said: [`Kinesis and DynamoDB: role ${READER}, assumed with container agent`],
  },
  {
    name: 'a role for each service, both on the same keys',
    environment: KEYS,
    settings: { role, dynamodbRole },
    signedBy: 'ASIAreader1',
    dynamodb: 'ASIAleases1',
    stsCalls: ['AssumeRole leases by AKIA-environment', 'AssumeRole reader by AKIA-environment'],
    said: [
      `DynamoDB: role ${LEASES}, assumed with environment, key …ment`,
      `Kinesis: role ${READER}, assumed with environment, key …ment`,
    ],
  },
  {
    name: 'a role for DynamoDB only',
    environment: IRSA,
    files: TOKEN,
    settings: { dynamodbRole },
    signedBy: 'ASIApod1',
    dynamodb: 'ASIAleases1',
    stsCalls: ['AssumeRoleWithWebIdentity pod by undefined', 'AssumeRole leases by ASIApod1'],
    said: [`DynamoDB: role ${LEASES}, assumed with web identity, role ${POD}`, `Kinesis: web identity, role ${POD}`],
  },
];

function processKeys(): string {
  return JSON.stringify({ Version: 1, AccessKeyId: 'AKIA-process', SecretAccessKey: 'secret' });
}

/** The ports and directories are known when the test runs only. */
function placed(texts: Situation['files']): Record<string, string> {
  const places: readonly (readonly [string, string])[] = [
    ['$HOME', lab.home],
    ['$AGENT', `${agent.url}/v1/credentials`],
    ['$INSTANCE', instance.url],
    ['$SSO', sso.url],
  ];
  const place = (text: string) => places.reduce((made, [name, value]) => made.replaceAll(name, value), text);
  return Object.fromEntries(Object.entries(texts ?? {}).map(([name, text]) => [name, place(text)]));
}

describe('who signs the requests', () => {
  test.each(rows)('$name', async ({ signedBy, dynamodb = signedBy, stsCalls = [], said, ...situation }) => {
    const { environment, files } = situation;
    const clients = await lab.clientsIn({ ...situation, environment: placed(environment), files: placed(files) });
    expect(await lab.callBoth(clients)).toEqual({ Kinesis: signedBy, DynamoDB: dynamodb });
    expect(await lab.callBoth(clients)).toEqual({ Kinesis: signedBy, DynamoDB: dynamodb });
    const calls = lab.sts.calls.map(
      ({ action, roleArn, signedBy: key }) => `${action} ${roleArn.split('/')[1]} by ${key}`,
    );
    expect(calls.sort()).toEqual([...stsCalls].sort());
    const told = lab.lines.filter((line) => line.startsWith('info'));
    expect(told.sort()).toEqual(said.map((line) => `info: AWS credentials of ${line}`));
    expect(lab.lines.join()).not.toMatch(/secret|token-of/);
  });

  test('STS is told who asks, in the region, and the external id', async () => {
    const role = { arn: READER, sessionName: 'me', externalId: 'of the option' };
    await lab.callBoth(await lab.clientsIn({ environment: placed(IRSA), files: TOKEN, settings: { role } }));
    expect(lab.sts.calls).toMatchObject([
      { action: 'AssumeRoleWithWebIdentity', webIdentityToken: TOKEN.token },
      { action: 'AssumeRole', sessionName: 'me', externalId: 'of the option', region: 'eu-west-1' },
    ]);
  });

  test('a profile brings its own external id', async () => {
    const config = `[profile reading]\nrole_arn = ${READER}\nsource_profile = base\nexternal_id = of the profile\n`;
    const files = { credentials: `[base]\n${keysOf('base')}`, config };
    await lab.callBoth(await lab.clientsIn({ files, settings: { profile: 'reading' } }));
    expect(lab.sts.calls).toMatchObject([{ action: 'AssumeRole', externalId: 'of the profile', region: 'eu-west-1' }]);
  });
});

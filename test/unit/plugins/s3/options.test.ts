import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { describe, expect, it, vi } from 'vitest';
import { Secret } from '../../../../src/plugin-api/option.ts';
import { parseAdditionalSettings } from '../../../../src/plugins/outputs/s3/additionalSettings.ts';
import { credentialsFor } from '../../../../src/plugins/outputs/s3/credentials.ts';
import { s3 } from '../../../../src/plugins/outputs/s3/index.ts';
import { checkOptions } from '../../../../src/plugins/outputs/s3/optionChecks.ts';
import type { S3Options } from '../../../../src/plugins/outputs/s3/options.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { check } from '../../../contract/support.ts';
import { recordLog } from '../../../support/outputHarness.ts';
import { startFakeSts } from '../../../support/servers/fakeSts.ts';
import { optionsOf } from './support.ts';

/** Facts 1.7: every option of logstash-output-s3 4.3.2. */
const LOGSTASH_OPTIONS = `bucket prefix temporary_directory rotation_strategy size_file time_file encoding tags restore
  canned_acl server_side_encryption server_side_encryption_algorithm ssekms_key_id storage_class upload_workers_count
  upload_queue_size upload_multipart_threshold retry_count retry_delay validate_credentials_on_root_bucket
  signature_version additional_settings region access_key_id secret_access_key session_token aws_credentials_file
  role_arn role_session_name endpoint proxy_uri`.split(/\s+/);

describe('options of output s3', () => {
  it('has all of Logstash, and its defaults', () => {
    expect(Object.keys(s3.options)).toEqual(expect.arrayContaining(LOGSTASH_OPTIONS));
    expect(s3.defaultCodec).toBe('line');
    expect(optionsOf()).toMatchObject({
      prefix: '',
      rotation_strategy: 'size_and_time',
      size_file: 5_242_880,
      time_file: 15,
      encoding: 'none',
      restore: true,
      canned_acl: 'private',
      storage_class: 'STANDARD',
      upload_multipart_threshold: 15_728_640,
      retry_count: undefined,
      retry_delay: 1,
      region: 'us-east-1',
      role_session_name: 'logstash',
    });
  });

  it('takes its defaults', () => {
    expect(() => checkOptions(optionsOf())).not.toThrow();
  });

  it.each([
    [{ bucket: '' }, 'bucket', 'must not be empty'],
    [{ prefix: 'a>%{b}' }, 'prefix', 'The prefix must not contain any of ^ ` > <'],
    [{ signature_version: 'v2' }, 'signature_version', 'v2 does not exist here'],
    [{ size_file: 0 }, 'size_file', 'greater than 0'],
    [{ time_file: 0 }, 'time_file', 'greater than 0'],
    [{ gzip_level: 10 }, 'gzip_level', 'from 1 to 9'],
    [{ upload_workers_count: 0 }, 'upload_workers_count', 'at least 1'],
    [{ timezone: 'Seoul' }, 'timezone', 'unknown time zone "Seoul"'],
    [{ object_key: '%{+yyyyMMdd}-%{part}.%{extension}' }, 'object_key', 'must contain %{uuid}'],
    [{ object_key: '%{[uuid]}' }, 'object_key', 'must contain %{uuid}'],
    [{ object_key: '%{uuid}/' }, 'object_key', 'must not end with a slash'],
    [{ object_key: '%{uuid}>' }, 'object_key', 'must not contain any of'],
    [{ object_key: '%{uuid}%{+yyyyb}' }, 'object_key', 'Illegal pattern component: b'],
    [{ endpoint: 'localhost:9000' }, 'endpoint', 'begins with http'],
    [{ additional_settings: new Map([['nope', '1']]) }, 'additional_settings', 'Unknown key `nope`'],
    [
      { additional_settings: new Map([['logger', '1']]) },
      'additional_settings',
      '`logger` in additional_settings is not',
    ],
    [{ additional_settings: new Map([['force_path_style', 'yes']]) }, 'additional_settings', 'one of true, false'],
  ])('refuses %j', (given, option, message) => {
    const options = optionsOf(given);
    expect(() => checkOptions(options)).toThrow(
      expect.objectContaining({ option, message: expect.stringContaining(message) }),
    );
  });

  it('takes a rotation value that its strategy does not use', () => {
    expect(() => checkOptions(optionsOf({ rotation_strategy: 'size', time_file: 0 }))).not.toThrow();
  });

  it.each([
    ['time_file => 5', ['LST311 time_file']],
    ['time_file => 5 size_file => 1000000', []],
    ['time_file => 5 rotation_strategy => "size_and_time"', []],
    ['time_file => 5 rotation_strategy => "time"', []],
    ['size_file => 1000000', []],
    ['tags => ["a"] object_key => "%{uuid}"', ['LST311 tags']],
    ['tags => ["a"] object_key => "%{tags}-%{uuid}"', []],
    ['tags => ["a"]', []],
  ])('advises on %j: %j', async (text, expected) => {
    const { faults } = await check(`output { s3 { bucket => "logs" ${text} } }`);
    expect(faults.map(({ code, at }) => `${code} ${at}`)).toEqual(expected);
  });

  it('says as a warning that the size of an object is limited as well as its age', async () => {
    const { rendered } = await check('output {\n  s3 {\n    bucket => "logs"\n    time_file => 5\n  }\n}\n');
    expect(rendered).toBe(
      [
        'contract.conf:4:5  warning LST311  `time_file => 5` is not the only limit: an object also ends at 5242880 bytes (`size_file`)',
        '    2 |   s3 {',
        '    3 |     bucket => "logs"',
        '    4 |     time_file => 5',
        '      |     ^^^^^^^^^ by time alone: `rotation_strategy => "time"`; if both are meant, "size_and_time" says so',
        '    5 |   }',
      ].join('\n'),
    );
  });

  it('translates additional_settings', () => {
    const given = {
      force_path_style: 'true',
      ':follow_redirects': 'false',
      retry_limit: 5,
      compute_checksums: 'false',
    };
    const settings = parseAdditionalSettings(new Map(Object.entries({ ...given, http_read_timeout: '2.5' })));
    expect(settings.config).toEqual({
      forcePathStyle: true,
      followRegionRedirects: false,
      maxAttempts: 6,
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
    expect(settings.readTimeoutMs).toBe(2500);
  });
});

describe('credentials', () => {
  const settings = parseAdditionalSettings(new Map());
  const keys = { access_key_id: 'AK', secret_access_key: new Secret('SK') };

  const keysOf = async (given: Partial<S3Options>, logger = recordLog().logger) => {
    const around = { logger, clock: systemClock };
    return (await credentialsFor(optionsOf(given), settings, new NodeHttpHandler(), around))();
  };

  it('prefers the key pair', async () => {
    const { logger, lines } = recordLog();
    const others = { role_arn: 'arn', aws_credentials_file: '/none' };
    const expected = { accessKeyId: 'AK', secretAccessKey: 'SK', sessionToken: 'ST' };
    expect(await keysOf({ ...keys, session_token: new Secret('ST'), ...others }, logger)).toMatchObject(expected);
    expect(lines).toEqual([]);
  });

  it('warns of half a key pair, and goes on with the chain', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'EK');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'ES');
    const { logger, lines } = recordLog();
    expect(await keysOf({ access_key_id: 'AK' }, logger)).toMatchObject({ accessKeyId: 'EK', secretAccessKey: 'ES' });
    expect(lines).toEqual([
      expect.stringContaining('Only one of access_key_id or secret_access_key'),
      'INFO AWS credentials of S3: environment, key …EK',
    ]);
    vi.unstubAllEnvs();
  });

  it.each([
    [':access_key_id: "AK"\n:secret_access_key: "SK"\n', { accessKeyId: 'AK', secretAccessKey: 'SK' }],
    ['access_key_id: AK\nsecret_access_key: SK\n:session_token: ST', { sessionToken: 'ST' }],
    [':access_key_id: AK\n', 'has no `:secret_access_key:`'],
    ['a: [TOPSECRET', 'is not valid YAML'],
    [undefined, 'cannot be read: ENOENT'],
  ])('reads the YAML file %j', async (text, expected) => {
    const directory = mkdtempSync(join(tmpdir(), 'logstash-ts-credentials-'));
    const path = join(directory, 'aws.yml');
    if (text !== undefined) writeFileSync(path, text);
    const outcome = await keysOf({ aws_credentials_file: path }).catch((error: Error) => error.message);
    rmSync(directory, { recursive: true });
    if (typeof expected === 'string') {
      expect(outcome).toContain(expected);
      expect(outcome).not.toContain('TOPSECRET');
    } else {
      expect(outcome).toMatchObject(expected);
    }
  });

  it('assumes the role', async () => {
    const sts = await startFakeSts();
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'EK');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'ES');
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url);
    expect(await keysOf({ role_arn: 'arn:aws:iam::1:role/x' })).toMatchObject({ accessKeyId: 'ASIAx1' });
    expect(sts.calls).toMatchObject([{ signedBy: 'EK', sessionName: 'logstash', region: 'us-east-1' }]);
    vi.unstubAllEnvs();
    await sts.stop();
  });
});

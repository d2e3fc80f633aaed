import { describe, expect, test } from 'vitest';
import type { ConfigValue, OptionContext, PluginConfigError } from '../../../../src/plugin-api/index.ts';
import { kinesis } from '../../../../src/plugins/inputs/kinesis/index.ts';
import {
  clientSettings,
  type KinesisOptions,
  streamSettings,
} from '../../../../src/plugins/inputs/kinesis/settings.ts';
import { reportFault, testContext } from '../../../support/pluginContext.ts';

const optionContext: OptionContext = {
  fileExists: () => true,
  codec: () => ({ name: 'plain', open: () => ({ decode: () => [], flush: () => [], encode: () => '' }) }),
};

/** Parsed with defaults, as the compiler hands them to `check` and `create`. */
function options(given: Record<string, ConfigValue>): Parameters<typeof kinesis.create>[0] {
  return { ...parsed(given), codec: optionContext.codec('plain') };
}

function parsed(given: Record<string, ConfigValue>): KinesisOptions {
  const values = Object.entries(kinesis.options).map(([name, spec]) => {
    const value = given[name];
    return [name, value === undefined ? spec.default : spec.parse(value, optionContext)];
  });
  return Object.fromEntries(values);
}

function check(given: Record<string, ConfigValue>): void {
  void kinesis.check?.(options({ kinesis_stream_name: 'logs', ...given }), reportFault);
}

describe('kinesis options', () => {
  test("has Logstash's defaults", () => {
    expect(options({ kinesis_stream_name: 'logs' })).toMatchObject({
      kinesis_stream_name: ['logs'],
      application_name: ['logstash'],
      region: 'us-east-1',
      checkpoint_interval_seconds: 60,
      initial_position_in_stream: 'TRIM_HORIZON',
      consumer: 'polling',
      role_session_name: 'logstash',
      additional_settings: new Map(),
      compression: 'auto',
      expanded_bytes_max: 64 * 1024 * 1024,
      kpl_records_outside_shard: 'keep',
    });
    expect(kinesis.options['kinesis_stream_name']?.required).toBe(true);
    expect(kinesis.defaultCodec).toBe('plain');
    expect(kinesis.streaming).toBe(false);
  });

  test.each<[Record<string, ConfigValue>]>([
    [{}],
    [{ initial_position_in_stream: 'LATEST' }],
    [{ initial_position_in_stream: 'AT_TIMESTAMP', initial_position_timestamp: '2020-10-20T00:00:00Z' }],
    [{ http_proxy: 'http://user:secret@proxy:3128', non_proxy_hosts: 'localhost|*.internal' }],
    [{ http_proxy: 'proxy:3128' }],
    [{ consumer: 'fanout', consumer_name: 'a.b-c_d' }],
    [{ compression: 'snappy', expanded_bytes_max: '512 MB', kpl_records_outside_shard: 'drop' }],
    [{ profile: 'dev', role_arn: 'arn:aws:iam::123456789012:role/reader' }],
    [{ dynamodb_role_arn: 'arn:aws:iam::123456789012:role/leases', role_external_id: 'x' }],
    [{ sts_endpoint: 'https://sts.internal' }],
    [{ additional_settings: new Map([['kinesis_endpoint', 'http://127.0.0.1:1']]) }],
  ])('takes %j', (given) => {
    expect(() => check(given)).not.toThrow();
  });

  test.each<[Record<string, ConfigValue>, string, string]>([
    [{ metrics: 'cloudwatch' }, 'metrics', 'metrics => "cloudwatch" is not supported'],
    [{ checkpoint_interval_seconds: -1 }, 'checkpoint_interval_seconds', 'must not be negative'],
    [{ initial_position_in_stream: 'AT_TIMESTAMP' }, 'initial_position_in_stream', 'needs initial_position_timestamp'],
    [
      { initial_position_in_stream: 'AT_TIMESTAMP', initial_position_timestamp: 'yesterday' },
      'initial_position_timestamp',
      'ISO 8601',
    ],
    [{ initial_position_timestamp: '2020-10-20T00:00:00Z' }, 'initial_position_timestamp', 'needs initial_position_in'],
    [{ kinesis_stream_name: ['a', 'b', 'a'] }, 'kinesis_stream_name', 'names a stream twice'],
    [{ kinesis_stream_name: [] }, 'kinesis_stream_name', 'has to name a stream'],
    [{ application_name: ['a', 'b'] }, 'application_name', '2 lease tables for 1 streams'],
    [{ http_proxy: 'socks://x' }, 'http_proxy', 'http_proxy has to be a URL'],
    [{ role_external_id: 'x' }, 'role_external_id', 'needs role_arn or dynamodb_role_arn'],
    [{ sts_endpoint: 'sts.internal:443' }, 'sts_endpoint', 'has to be a URL'],
    [{ consumer: 'fanout', http_proxy: 'http://proxy:3128' }, 'consumer', 'cannot go through http_proxy'],
    [{ consumer_name: 'x' }, 'consumer_name', 'consumer_name needs consumer => "fanout"'],
    [{ expanded_bytes_max: 0 }, 'expanded_bytes_max', 'has to lie between 1 and 536870888 bytes'],
    [{ expanded_bytes_max: '1 GB' }, 'expanded_bytes_max', 'has to lie between 1 and 536870888 bytes'],
    [{ consumer: 'fanout', consumer_name: 'a b' }, 'consumer_name', '"a b" is no name for a consumer'],
    [{ consumer: 'fanout', application_name: 'a'.repeat(129) }, 'application_name', 'is no name for a consumer'],
    [{ additional_settings: new Map([['x_y_z', 1]]) }, 'additional_settings', '`x_y_z` is unknown'],
  ])('refuses %j at %s', (given, option, message) => {
    expect(() => check(given)).toThrow(message);
    try {
      check(given);
    } catch (error) {
      expect((error as PluginConfigError).option).toBe(option);
    }
  });

  test.each<[Record<string, ConfigValue>, string[]]>([
    [{}, ['logs in logstash']],
    [{ kinesis_stream_name: ['a', 'b'] }, ['a in logstash-a', 'b in logstash-b']],
    [{ kinesis_stream_name: ['a', 'b'], application_name: ['logstash', 'new'] }, ['a in logstash', 'b in new']],
    [{ additional_settings: new Map([['table_name', 'mine']]) }, ['logs in mine']],
  ])('reads with %j: %j', (given, expected) => {
    const claims = kinesis.kind === 'input' ? kinesis.claims?.(options({ kinesis_stream_name: 'logs', ...given })) : [];
    expect(claims?.map(({ purpose, resource }) => `${purpose} in ${/"(.*)"/.exec(resource)?.[1]}`)).toEqual(expected);
  });

  test.each<[Record<string, ConfigValue>, string]>([
    [{}, 'us-east-1'],
    [{ role_arn: 'arn:aws:iam::111111111111:role/reader' }, 'us-east-1 of account 111111111111'],
    [
      {
        role_arn: 'arn:aws:iam::111111111111:role/reader',
        dynamodb_role_arn: 'arn:aws:iam::222222222222:role/leases',
        additional_settings: new Map([['region_name', 'eu-west-1']]),
      },
      'eu-west-1 of account 222222222222',
    ],
  ])('with %j the lease table is in %s', (given, place) => {
    const claims = kinesis.kind === 'input' ? kinesis.claims?.(options({ kinesis_stream_name: 'logs', ...given })) : [];
    expect(claims?.map(({ resource }) => resource)).toEqual([`lease table "logstash" in ${place}`]);
  });

  test('tells the consumer the forms of records', () => {
    const forms = { compression: 'snappy', expanded_bytes_max: '1 MiB', kpl_records_outside_shard: 'drop' };
    expect(streamSettings(parsed({ kinesis_stream_name: 'logs', ...forms }))).toMatchObject([
      { compression: 'snappy', expandedBytesMax: 1024 * 1024, kplRecordsOutsideShard: 'drop' },
    ]);
    expect(() => parsed({ compression: 'lzo' })).toThrow('Expected one of');
  });

  test('makes roles of the options', () => {
    const [reader, leases] = ['arn:aws:iam::111111111111:role/reader', 'arn:aws:iam::222222222222:role/leases'];
    const given = { kinesis_stream_name: 'logs', role_arn: reader, role_session_name: 'me', role_external_id: 'x' };
    const role = { arn: reader, sessionName: 'me', externalId: 'x' };
    expect(clientSettings(parsed(given))).toMatchObject({ role, dynamodbRole: undefined, stsEndpoint: undefined });
    const both = { ...given, dynamodb_role_arn: leases, sts_endpoint: 'https://sts.internal' };
    const dynamodbRole = { ...role, arn: leases };
    expect(clientSettings(parsed(both))).toMatchObject({ role, dynamodbRole, stsEndpoint: 'https://sts.internal' });
  });

  test.each<[Record<string, ConfigValue>, (string | undefined)[]]>([
    [{}, [undefined]],
    [{ consumer: 'fanout' }, ['logstash']],
    [{ consumer: 'fanout', consumer_name: 'mine' }, ['mine']],
    [{ consumer: 'fanout', kinesis_stream_name: ['a', 'b'] }, ['logstash-a', 'logstash-b']],
    [{ consumer: 'fanout', kinesis_stream_name: ['a', 'b'], consumer_name: 'mine' }, ['mine', 'mine']],
  ])('with %j the consumer of enhanced fan-out is %j', (given, expected) => {
    const settings = streamSettings(parsed({ kinesis_stream_name: 'logs', ...given }));
    expect(settings.map(({ fanOut }) => fanOut?.consumerName)).toEqual(expected);
  });

  test('a stop before the start makes no call', async () => {
    const context = { ...testContext(), emit: () => {}, batchSize: 125 };
    const input = await kinesis.create(options({ kinesis_stream_name: 'logs' }), context);
    input.stop();
    await input.run();
    await input.close?.();
    expect(input.status?.()).toEqual({ state: 'starting' });
  });
});

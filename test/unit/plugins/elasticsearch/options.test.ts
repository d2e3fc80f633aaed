import { describe, expect, it } from 'vitest';
import { resolveEndpoint } from '../../../../src/plugins/outputs/elasticsearch/endpoint.ts';
import { elasticsearch } from '../../../../src/plugins/outputs/elasticsearch/index.ts';
import { reportFault } from '../../../support/pluginContext.ts';
import { type Given, parseOptions } from './support.ts';

function endpoint(given: Given) {
  return resolveEndpoint(parseOptions(given));
}

function check(given: Given): void {
  void elasticsearch.check?.(parseOptions(given), reportFault);
}

function cloudId(decoded: string): string {
  return `logs:${btoa(decoded)}`;
}

describe('hosts of the elasticsearch output', () => {
  it.each<[string, Given, string[]]>([
    ['the default', {}, ['http://127.0.0.1:9200']],
    ['no scheme', { hosts: 'es.example' }, ['http://es.example:9200']],
    ['a port', { hosts: 'es.example:9201' }, ['http://es.example:9201']],
    ['slashes only', { hosts: ['//a', '//b'] }, ['http://a:9200', 'http://b:9200']],
    ['several in one text', { hosts: 'http://a:1 http://b:2' }, ['http://a:1', 'http://b:2']],
    ['https without a port', { hosts: 'https://es.example' }, ['https://es.example:9200']],
    ['https with its own port', { hosts: 'https://es.example:443' }, ['https://es.example:443']],
    ['http with its own port', { hosts: 'http://es.example:80' }, ['http://es.example:80']],
    ['a port for all', { hosts: ['a:9300', 'b'] }, ['http://a:9300', 'http://b:9300']],
    ['ssl by option', { hosts: 'a', ssl: 'true' }, ['https://a:9200']],
    ['ssl by its newer name', { hosts: 'a', ssl_enabled: 'true' }, ['https://a:9200']],
    ['a cloud id', { cloud_id: cloudId('eu.es.io$abc$def') }, ['https://abc.eu.es.io:443']],
    ['a cloud id without a name', { cloud_id: btoa('eu.es.io$abc$def') }, ['https://abc.eu.es.io:443']],
    ['a cloud id with a port', { cloud_id: cloudId('eu.es.io:9243$abc$def') }, ['https://abc.eu.es.io:9243']],
    ['a cloud id with ports', { cloud_id: cloudId('eu.es.io:9243$abc:9244$def:1') }, ['https://abc.eu.es.io:9244']],
    ['IPv6', { hosts: 'http://[::1]:9200' }, ['http://[::1]:9200']],
    ['the same twice', { hosts: ['a', 'http://a:9200'] }, ['http://a:9200']],
  ])('%s', (_name, given, nodes) => {
    expect(endpoint(given).nodes).toEqual(nodes);
  });

  it.each<[string, Given, object]>([
    ['none', {}, { prefix: '', bulkPath: '/_bulk', healthPath: '/', infoPath: '/', sniffingPath: '/_nodes/http' }],
    ['in the address', { hosts: 'http://a/es/' }, { bulkPath: '/es/_bulk', healthPath: '/es', infoPath: '/es' }],
    ['by option', { path: 'es' }, { prefix: '/es', bulkPath: '/es/_bulk', sniffingPath: '/es/_nodes/http' }],
    ['both the same', { hosts: 'http://a/es', path: '/es' }, { bulkPath: '/es/_bulk' }],
    ['a bulk path', { path: '/es', bulk_path: '//in/_bulk' }, { bulkPath: '/in/_bulk', healthPath: '/es' }],
    ['a health path', { healthcheck_path: 'up' }, { healthPath: '/up', bulkPath: '/_bulk' }],
    ['a sniffing path', { path: 'es', sniffing_path: '/n//http' }, { sniffingPath: '/n/http' }],
  ])('path: %s', (_name, given, expected) => {
    expect(endpoint(given)).toMatchObject(expected);
  });

  it.each<[string, Given, string | undefined]>([
    ['none', {}, undefined],
    ['a user alone', { user: 'u' }, undefined],
    ['user and password', { user: 'u', password: 'p:w' }, `Basic ${btoa('u:p:w')}`],
    ['in the address', { hosts: 'http://u:p%40w@a' }, `Basic ${btoa('u:p@w')}`],
    ['with a bare percent sign', { hosts: 'http://u:50%@a' }, `Basic ${btoa('u:50%')}`],
    ['an API key', { api_key: 'id:key', ssl: 'true' }, `ApiKey ${btoa('id:key')}`],
    ['an API key in base64', { api_key: btoa('id:key'), ssl: 'true' }, `ApiKey ${btoa('id:key')}`],
    ['an API key of Elastic Cloud', { api_key: 'essu_a:b', ssl: 'true' }, 'ApiKey essu_a:b'],
    ['an API key with a cloud id', { api_key: 'id:key', cloud_id: cloudId('e$a$k') }, `ApiKey ${btoa('id:key')}`],
    ['for the cloud', { cloud_id: cloudId('e$a$k'), cloud_auth: 'elastic:p:w' }, `Basic ${btoa('elastic:p:w')}`],
  ])('credentials: %s', (_name, given, authorization) => {
    expect(endpoint(given).headers['authorization']).toBe(authorization);
  });

  it('keeps credentials out of the addresses it shows', () => {
    expect(endpoint({ hosts: 'http://user:topsecret@a:9200' }).nodes).toEqual(['http://a:9200']);
    expect(() => parseOptions({ hosts: 'http://user:topsecret@a:port' })).toThrow(
      /^(?!.*topsecret).*<credentials>@a:port/,
    );
  });

  it('sends headers and parameters with every request', () => {
    const given = { custom_headers: new Map([['X-Tenant', 'a']]), parameters: new Map([['refresh', 'true']]) };
    expect(endpoint(given)).toMatchObject({ headers: { 'x-tenant': 'a' }, query: { refresh: 'true' } });
  });

  it.each<[string, string | undefined]>([
    ['http://proxy:3128', 'http://proxy:3128/'],
    ['proxy:3128', 'http://proxy:3128'],
    ['', undefined],
  ])('proxy %j', (proxy, expected) => {
    expect(endpoint({ proxy }).proxy).toBe(expected);
  });
});

describe('options the elasticsearch output refuses', () => {
  it.each<[string, Given, RegExp]>([
    ['an unknown action', { action: 'insert' }, /Action 'insert' is invalid/],
    ['external version without one', { version_type: 'external' }, /presence of a version number/],
    [
      'external version with create',
      { version_type: 'external_gte', version: '1', action: 'create' },
      /not supported by the create action/,
    ],
    ['update without an id', { action: 'update' }, /needs a `document_id`/],
    ['two upserts', { doc_as_upsert: 'true', scripted_upsert: 'true' }, /mutually exclusive/],
    ['file scripts', { script_type: 'file' }, /no file scripts/],
    ['an alias out of the event', { ilm_rollover_alias: 'logs-%{app}' }, /one name for all events/],
    ['ports that differ, with sniffing', { hosts: ['a:1', 'b:2'], sniffing: 'true' }, /multiple values for port/],
    ['ECS', { ecs_compatibility: 'v1' }, /only `disabled`/],
    ['two schemes', { hosts: ['http://a', 'https://b'] }, /scheme differs.*'http' and 'https'/],
    ['a scheme against ssl', { hosts: 'http://a', ssl: 'true' }, /scheme differs/],
    ['a strange scheme', { hosts: 'ftp://a' }, /Bad scheme 'ftp'/],
    ['two paths', { hosts: ['http://a/x', 'http://b/y'] }, /path differs/],
    ['two users', { hosts: ['http://u:p@a', 'http://v:p@b'] }, /^(?!.*'u').*user differs/],
    ['two kinds of credentials', { user: 'u', password: 'p', api_key: 'a:b', ssl: 'true' }, /Multiple authentication/],
    ['an API key in the clear', { api_key: 'a:b' }, /requires SSL/],
    ['an API key of no known form', { api_key: 'no-key!', ssl: 'true' }, /Invalid api_key format/],
    ['cloud_auth beside a password', { cloud_auth: 'a:b', user: 'u', password: 'p' }, /Multiple authentication/],
    ['cloud_auth without a password', { cloud_auth: 'elastic' }, /"<username>:<password>"/],
    ['a cloud id beside hosts', { hosts: 'a', cloud_id: cloudId('e$a$k') }, /Both cloud_id and hosts/],
    ['a cloud id of two parts', { cloud_id: cloudId('e$a') }, /not one of Elastic Cloud/],
    ['a cloud id with an empty part', { cloud_id: cloudId('e$$k') }, /not one of Elastic Cloud/],
    ['a cloud id that is none', { cloud_id: 'nonsense' }, /not one of Elastic Cloud/],
    ['a cloud id without Elasticsearch', { cloud_id: cloudId('e$undefined$k') }, /without Elasticsearch/],
    ['two names of ssl', { ssl: 'true', ssl_enabled: 'true' }, /`ssl` and `ssl_enabled` mean the same/],
    ['two names of compression', { http_compression: 'true', compression_level: 3 }, /leave `http_compression` out/],
    ['a status that is settled', { dlq_custom_codes: [403, 409] }, /what becomes of 409 cannot be changed/],
    ['a status that is none', { dlq_custom_codes: ['many'] }, /Expected a status such as 403, got many/],
  ])('%s', (_name, given, message) => {
    expect(() => check(given)).toThrow(message);
  });

  it.each<[string, Given]>([
    ['the defaults', {}],
    ['an action out of the event', { action: '%{[@metadata][action]}' }],
    ['an alias', { ilm_rollover_alias: 'logs' }],
    ['ports that differ', { hosts: ['a:1', 'b:2'] }],
    ['ECS where it has no effect', { data_stream: 'true', ecs_compatibility: 'v8' }],
    ['external version with index', { version_type: 'external', version: '%{v}', document_id: '%{id}' }],
  ])('but not %s', (_name, given) => {
    expect(() => check(given)).not.toThrow();
  });

  it.each(['truststore', 'ssl_truststore_path', 'ssl_truststore_password', 'ca_trusted_fingerprint'])(
    '%s is known and refused with a reason',
    (name) => {
      expect(elasticsearch.options[name]?.refused).toMatchObject({
        obsolete: false,
        reason: expect.stringContaining(' '),
      });
    },
  );
});

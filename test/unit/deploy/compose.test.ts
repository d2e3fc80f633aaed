import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface Service {
  readonly image?: string;
  readonly build?: { readonly target: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>> | readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: object;
}

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const compose: { services: Record<string, Service>; volumes: Record<string, unknown> } = parse(
  readFileSync(join(REPOSITORY, 'docker-compose.yml'), 'utf8'),
  { merge: true },
);
const services = Object.entries(compose.services);

function volumesOf(service: Service): { source: string; target: string }[] {
  return (service.volumes ?? []).map((volume) => {
    const [source = '', target = ''] = volume.split(':');
    return { source, target };
  });
}

describe('docker-compose.yml', () => {
  it('is valid by the Compose specification', () => {
    // From github.com/compose-spec/compose-go v2.16.2, Apache-2.0.
    const schema = JSON.parse(readFileSync(new URL('./compose-spec.schema.json', import.meta.url), 'utf8'));
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    const validate = ajv.compile(schema);
    validate(compose);
    expect(validate.errors).toBe(null);
    const wrong = { services: { x: { imaeg: 'a', ports: 5 } } };
    expect(validate(wrong)).toBe(false);
  });

  it('has the whole stack', () => {
    expect(Object.keys(compose.services).sort()).toEqual([
      'dynamodb',
      'elasticsearch',
      'fluent-bit',
      'kibana',
      'kinesis',
      'logstash-ts',
      's3',
      'sample-logs',
    ]);
    expect([compose.services['elasticsearch']?.image, compose.services['kibana']?.image]).toEqual([
      'elasticsearch:7.9.2',
      'kibana:7.9.2',
    ]);
  });

  it.each(services)('%s names an exact version, or is built here', (_name, { image, build }) => {
    expect(image === undefined ? typeof build?.target : image).toMatch(/^string$|:v?\d+\.\d+/);
  });

  it.each(services)('%s is reached from this machine only', (_name, { ports = [] }) => {
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it.each(services)('%s mounts files that are there and volumes that are declared', (_name, service) => {
    for (const { source } of volumesOf(service)) {
      const isThere = source.startsWith('.') ? existsSync(join(REPOSITORY, source)) : source in compose.volumes;
      expect([source, isThere]).toEqual([source, true]);
    }
  });

  it.each(services)('%s waits only for services that tell their health', (_name, { depends_on = {} }) => {
    for (const [other, { condition }] of Object.entries(depends_on)) {
      const canTell = condition === 'service_started' || compose.services[other]?.healthcheck !== undefined;
      expect([other, other in compose.services, canTell]).toEqual([other, true, true]);
    }
  });

  it('uses every volume it declares', () => {
    const used = services.flatMap(([, service]) => volumesOf(service).map(({ source }) => source));
    expect(Object.keys(compose.volumes).filter((name) => !used.includes(name))).toEqual([]);
  });

  it('writes and tails the logs in the same place', () => {
    const [writer, tail] = ['sample-logs', 'fluent-bit'].map((name) => compose.services[name] ?? {});
    const place = (service: Service = {}) => volumesOf(service).find(({ source }) => source === 'logs')?.target;
    expect([place(writer), place(tail)]).toEqual([place(tail), '/var/lib/docker/overlay2/sample/merged/webapp/logs']);
    expect(writer?.environment).toMatchObject({ LOGS: place(writer) });
  });

  it('gives the pipeline only variables that it reads', () => {
    const pipeline = readFileSync(join(REPOSITORY, 'pipelines/eks-kinesis.conf'), 'utf8');
    const names = Object.keys(compose.services['logstash-ts']?.environment ?? {});
    expect(names.length).toBeGreaterThan(6);
    expect(names.filter((name) => !pipeline.includes(`\${${name}:`))).toEqual([]);
  });
});

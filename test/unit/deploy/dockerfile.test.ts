import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseDockerfile } from '../../support/dockerfile.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const stages = parseDockerfile(readFileSync(join(REPOSITORY, 'Dockerfile'), 'utf8'));
const final = stages.at(-1);
const allowed = readFileSync(join(REPOSITORY, '.dockerignore'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('!'))
  .map((line) => line.slice(1));

describe('Dockerfile', () => {
  it('has a stage for the build, one for local AWS, and the program last', () => {
    expect(stages.map(({ name }) => name)).toEqual(['build', 'local-aws', 'logstash-ts']);
  });

  it('uses the Node that the lock file pins', () => {
    const manifest = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
    const pinned: string[] = Object.values(manifest.optionalDependencies);
    const majors = new Set(pinned.map((version) => version.split('.')[0]));
    const bases = stages.map(({ base }) => base).filter((base) => base.startsWith('node:'));
    expect(new Set(bases)).toEqual(new Set([...majors].map((major) => `node:${major}-slim`)));
  });

  it('copies only what is there and what .dockerignore lets through', () => {
    const sources = stages
      .flatMap(({ copies }) => copies.filter(({ from }) => from === undefined))
      .flatMap((copy) => copy.sources);
    expect(sources.length).toBeGreaterThan(8);
    for (const source of sources) {
      expect([source, existsSync(join(REPOSITORY, source)), allowed.includes(source)]).toEqual([source, true, true]);
    }
    expect(allowed.filter((name) => !sources.includes(name))).toEqual([]);
  });

  it('runs as a user without rights, from its entry point', () => {
    expect(final).toMatchObject({ user: 'node', stopSignal: 'SIGTERM' });
    expect(final?.entrypoint[0]).toBe(`${final?.workdir}/bin/logstash-ts`);
  });
});

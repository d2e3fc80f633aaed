import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runCase } from '../support/golden.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const blocks = [...readme.matchAll(/```\n([\s\S]*?)```/g)].map((match) => match[1] as string);

describe('README.md', () => {
  it('shows a pipeline that does what it says', async () => {
    const pipeline = blocks.find((block) => block.startsWith('input'));
    const shell = blocks.find((block) => block.startsWith('echo'));
    const record = /echo '(.*)' \|/.exec(shell ?? '')?.[1];
    if (pipeline === undefined || record === undefined) throw new Error('the example is gone');
    const config = pipeline.slice(pipeline.indexOf('filter')).replace(/output \{[\s\S]*/, '');
    const { errors, outputs } = await runCase({ config, records: [Buffer.from(record)] });
    expect(errors).toEqual([]);
    const [event] = outputs.map((text) => JSON.parse(text));
    expect(event).toMatchObject({ code: 200, size: 0, remote_geoip: { ip: '81.2.69.142' } });
  });

  it('names only commands that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    const named = [...readme.matchAll(/npm run ([a-z:]+)/g)].map((match) => match[1]);
    expect(named.length).toBeGreaterThan(0);
    for (const name of [...named, 'start', 'test']) expect(Object.keys(scripts)).toContain(name);
  });

  it('links only to files that are there', () => {
    const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1] as string);
    expect(links.length).toBeGreaterThan(5);
    for (const link of links)
      expect(() => readFileSync(new URL(`../../${link}`, import.meta.url))).not.toThrow(/ENOENT/);
  });
});

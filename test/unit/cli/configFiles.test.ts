import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigLoadError, configString, readConfigFiles } from '../../../src/cli/configFiles.ts';

const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (...names: string[]) => join(folder, ...names);
mkdirSync(at('conf.d', 'inner'), { recursive: true });
mkdirSync(at('empty'));
mkdirSync(at('backups'));
for (const [path, text] of [
  [at('conf.d', '20-filter.conf'), 'filter { }'],
  [at('conf.d', '10-input.conf'), 'input { }'],
  [at('conf.d', '30-output'), 'output { }'],
  [at('conf.d', '30-output~'), 'left by an editor'],
  [at('conf.d', 'inner', 'not-read.conf'), '}'],
  [at('backups', 'x.conf~'), ''],
  [at('empty.conf'), ''],
  [at('bom.conf'), '\uFEFFinput { }'],
] as const) {
  writeFileSync(path, text);
}
writeFileSync(at('latin1.conf'), Buffer.from([0x23, 0xe9, 0x0a]));
mkdirSync(at('dangling'));
symlinkSync(at('nowhere'), at('dangling', 'gone.conf'));

function read(pattern: string) {
  const warnings: string[] = [];
  const files = readConfigFiles(pattern, (message) => warnings.push(message));
  return { names: files.map(({ path }) => basename(path)), texts: files.map(({ text }) => text), warnings };
}

describe('-f', () => {
  it('takes a file', () => {
    expect(read(at('conf.d', '20-filter.conf'))).toEqual({
      names: ['20-filter.conf'],
      texts: ['filter { }'],
      warnings: [],
    });
  });

  it.each([at('conf.d'), at('conf.d/'), at('conf.d', '*')])(
    'takes all of a folder in order, not its folders: %s',
    (path) => {
      const { names, texts, warnings } = read(path);
      expect(names).toEqual(['10-input.conf', '20-filter.conf', '30-output']);
      expect(texts).toEqual(['input { }', 'filter { }', 'output { }']);
      expect(warnings).toEqual([expect.stringContaining('30-output~ is skipped')]);
    },
  );

  it.each([
    [at('conf.d', '*.conf'), ['10-input.conf', '20-filter.conf']],
    [at('conf.d', '{10,30}-*'), ['10-input.conf', '30-output']],
    [at('*.d', '[12]0*.conf'), ['10-input.conf', '20-filter.conf']],
  ])('takes a glob: %s', (pattern, names) => {
    expect(read(pattern).names).toEqual(names);
  });

  it('keeps a byte order mark, which the parser then shows', () => {
    expect(read(at('bom.conf')).texts).toEqual(['\uFEFFinput { }']);
  });

  it('takes an empty file', () => {
    expect(read(at('empty.conf')).texts).toEqual(['']);
  });

  it.each([
    [at('nothing.conf'), /^No config files found in path .*nothing\.conf/],
    [at('*.none'), /^No config files found/],
    [at('empty'), /^No config files found/],
    [at('backups'), /^No config files found/],
    ['', /^No config files found/],
    [at('latin1.conf'), /latin1\.conf is not UTF-8/],
    [at('dangling'), /gone\.conf cannot be read: ENOENT/],
    ['https://example.com/x.conf', /not fetched over the network/],
  ])('refuses %s', (pattern, message) => {
    expect(() => read(pattern)).toThrow(ConfigLoadError);
    expect(() => read(pattern)).toThrow(message);
  });
});

describe('-e', () => {
  const STDIN = 'input { stdin { type => stdin } }';
  const STDOUT = 'output { stdout { codec => rubydebug } }';
  it.each([
    ['filter { drop { } }', [STDIN, STDOUT]],
    ['', [STDIN, STDOUT]],
    ['input { stdin { } }', [STDOUT]],
    ['output { null { } }', [STDIN]],
    ['input{stdin{}}output{null{}}', []],
    ['filter { mutate { add_tag => ["output"] } }', [STDIN, STDOUT]],
  ])('%j', (text, added) => {
    expect(configString(text).text).toBe([text, ...added].join('\n'));
  });
});

import { describe, expect, it } from 'vitest';
import { cleanPrefix, constantFolder, joinKey, logstashName } from '../../../../src/plugins/outputs/s3/objectKey.ts';

const created = new Date(2020, 9, 20, 3, 6).getTime();
const base = { uuid: 'U', createdMs: created, tags: [], part: 0, encoding: 'none' } as const;

describe('names of objects', () => {
  it.each([
    ['', {}, 'ls.s3.U.2020-10-20T03.06.part0.txt'],
    ['a/b', {}, 'a/b/ls.s3.U.2020-10-20T03.06.part0.txt'],
    ['a/b/', {}, 'a/b/ls.s3.U.2020-10-20T03.06.part0.txt'],
    ['/a/', {}, 'a/ls.s3.U.2020-10-20T03.06.part0.txt'],
    ['/', {}, 'ls.s3.U.2020-10-20T03.06.part0.txt'],
    ['%{gone}', { part: 12 }, '%{gone}/ls.s3.U.2020-10-20T03.06.part12.txt'],
    ['a', { tags: ['x', 'y z'] }, 'a/ls.s3.U.2020-10-20T03.06.tag_x.y z.part0.txt'],
    ['a', { tags: ['x'], encoding: 'gzip' }, 'a/ls.s3.U.2020-10-20T03.06.tag_x.part0.txt.gz'],
  ] as const)('prefix %j with %j', (prefix, parts, expected) => {
    expect(joinKey(prefix, logstashName({ ...base, ...parts }))).toBe(expected);
  });

  it.each([
    ['a^b`c>d<e', 'a_b_c_d_e'],
    ['a/../b', 'a/__/b'],
    ['./a/.', '_/a/_'],
    ['a..b/.hidden/...', 'a..b/.hidden/...'],
    ['\ud800x', '\ufffdx'],
    ['한/ü', '한/ü'],
  ])('cleans the interpolated prefix %j', (given, expected) => {
    expect(cleanPrefix(given)).toBe(expected);
  });

  it.each([
    ['', ''],
    ['/', ''],
    ['a', 'a/'],
    ['a/b/', 'a/b/'],
    ['/a/', 'a/'],
    ['a/%{+YYYY}/b', 'a/'],
    ['a/b-%{app}', 'a/'],
    ['b-%{app}', ''],
  ])('the prefix %j has the constant folder %j', (prefix, expected) => {
    expect(constantFolder(prefix)).toBe(expected);
  });
});

import { describe, expect, it } from 'vitest';
import { TextCache } from '../../../../src/plugins/filters/geoip/textCache.ts';

function textAt(cache: TextCache): string {
  return cache.bytes.toString('utf8', cache.start, cache.end);
}

describe('the cache of geoip results', () => {
  it.each([1, 2, 100, 5000])('of %i texts gives what was put in, or nothing', (size) => {
    const cache = new TextCache(size);
    let found = 0;
    for (let n = 1; n <= 20_000; n++) {
      const offset = 1 + ((n * 7919) % 4000);
      if (cache.find(offset)) {
        found += 1;
        expect(textAt(cache)).toBe(`é ${offset}`);
      } else {
        cache.set(offset, `é ${offset}`);
        expect(textAt(cache)).toBe(`é ${offset}`);
        expect(cache.find(offset)).toBe(true);
      }
    }
    if (size >= 4000) expect(found).toBeGreaterThan(15_000);
  });

  it('leaves a text as it is to whoever was given it', () => {
    const cache = new TextCache(1);
    cache.set(1, 'first');
    const { bytes, start, end } = cache;
    for (let offset = 2; offset < 200; offset++) cache.set(offset, 'x'.repeat(10_000));
    expect(bytes.toString('utf8', start, end)).toBe('first');
    expect(cache.find(1)).toBe(false);
  });
});

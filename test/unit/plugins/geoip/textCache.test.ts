import { describe, expect, it } from 'vitest';
import { TextCache } from '../../../../src/plugins/filters/geoip/textCache.ts';

function textAt(cache: TextCache): string {
  return cache.bytes.toString('utf8', cache.start, cache.end);
}

function put(cache: TextCache, offset: number, text: string): void {
  const bytes = Buffer.from(`,${text}`);
  cache.set(offset, bytes, 1, bytes.length);
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
        put(cache, offset, `é ${offset}`);
        expect(textAt(cache)).toBe(`é ${offset}`);
        expect(cache.find(offset)).toBe(true);
      }
    }
    if (size >= 4000) expect(found).toBeGreaterThan(15_000);
  });

  it('leaves a text as it is to whoever was given it', () => {
    const cache = new TextCache(1);
    put(cache, 1, 'first');
    const { bytes, start, end } = cache;
    for (let offset = 2; offset < 200; offset++) put(cache, offset, 'x'.repeat(10_000));
    expect(bytes.toString('utf8', start, end)).toBe('first');
    expect(cache.find(1)).toBe(false);
  });

  it('keeps as many texts as it was made for', () => {
    const cache = new TextCache(50_000);
    const offsets = Array.from({ length: 45_000 }, (_, n) => 1 + n * 13);
    for (const offset of offsets) put(cache, offset, `text of ${offset}`);
    const found = offsets.filter((offset) => cache.find(offset) && textAt(cache) === `text of ${offset}`);
    expect(found.length).toBeGreaterThan(44_900);
  });
});

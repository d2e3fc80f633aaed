/** Access log lines as Fluent Bit puts them on the stream: about 400 bytes, the same for the same seed. */

const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/86.0.4240.75 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 14_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.0 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (X11; Linux x86_64; rv:81.0) Gecko/20100101 Firefox/81.0',
] as const;
const METHODS = ['GET', 'GET', 'GET', 'POST', 'PUT'] as const;
const CODES = ['200', '200', '200', '304', '404', '500'] as const;

/** Linear congruential generator: numbers from 0 up to `bound`. */
export function seededRandom(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

export function* accessLogLines(count: number, seed = 1): Generator<string> {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  for (let i = 0; i < count; i++) {
    const second = String(i % 60).padStart(2, '0');
    yield JSON.stringify({
      agent: pick(AGENTS),
      code: pick(CODES),
      host: '-',
      logtype: 'accesslog',
      method: pick(METHODS),
      path: `/api/v1/orders/${random(1_000_000)}?page=${random(50)}&sort=desc`,
      referer: `https://www.example.com/shop/category/${random(300)}`,
      remote: `${1 + random(222)}.${random(256)}.${random(256)}.${1 + random(254)}`,
      size: random(20) === 0 ? '-' : String(random(250_000)),
      time: `20/Oct/2020:03:56:${second} +0900`,
      user: '-',
    });
  }
}

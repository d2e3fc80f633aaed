/** Access log lines as Fluent Bit puts them on the stream: about 400 bytes, the same for the same seed. */
import { pick, type Random, seededRandom } from '../../scripts/geoip/random.ts';

const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/86.0.4240.75 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 14_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.0 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (X11; Linux x86_64; rv:81.0) Gecko/20100101 Firefox/81.0',
] as const;
const METHODS = ['GET', 'GET', 'GET', 'POST', 'PUT'] as const;
const CODES = ['200', '200', '200', '304', '404', '500'] as const;
/** First numbers of addresses that hold hardly any but public ones. */
const FIRST_OCTETS = Array.from({ length: 222 }, (_, i) => i + 1).filter(
  (octet) => ![10, 100, 127, 169, 172, 192, 198, 203].includes(octet),
);

export function* accessLogLines(count: number, seed = 1): Generator<string> {
  const random = seededRandom(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  for (let i = 0; i < count; i++) {
    const second = String(i % 60).padStart(2, '0');
    yield JSON.stringify({
      agent: pick(random, AGENTS),
      code: pick(random, CODES),
      host: '-',
      logtype: 'accesslog',
      method: pick(random, METHODS),
      path: `/api/v1/orders/${below(1_000_000)}?page=${below(50)}&sort=desc`,
      referer: `https://www.example.com/shop/category/${below(300)}?utm_source=newsletter`,
      remote: publicAddress(random, below),
      size: below(20) === 0 ? '-' : String(below(250_000)),
      time: `20/Oct/2020:03:56:${second} +0900`,
      user: '-',
    });
  }
}

function publicAddress(random: Random, below: (bound: number) => number): string {
  return `${pick(random, FIRST_OCTETS)}.${below(256)}.${below(256)}.${1 + below(254)}`;
}

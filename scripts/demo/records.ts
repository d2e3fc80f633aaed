/** A log type of the user's pipeline. */
export type LogType = 'accesslog' | 'api-responselog' | 'api-requestlog';

export interface DemoRecord {
  readonly data: Buffer;
  readonly partitionKey: string;
}

type Fields = Record<string, string>;
type Random = () => number;

/**
 * Records as Fluent Bit's kinesis plugin puts them: one JSON object and a newline each, every value a string, keys in order, `&` and `<`
 * escaped. The same seed gives the same records. The rare kinds are those that real clusters send.
 */
export function* demoRecords(seed: number): Generator<DemoRecord> {
  const random = randomFrom(seed);
  for (let number = 0; ; number += 1) {
    const text = rareRecord(number) ?? `${encode(event(random, number))}\n`;
    yield { data: Buffer.from(text), partitionKey: random().toString(36).slice(2, 10) };
  }
}

/** Each kind comes once in so many records, from the first round on, so that a short run has them all. */
function rareRecord(number: number): string | undefined {
  switch (number % 400) {
    case 57:
      return 'a line that is no JSON\n';
    case 113:
      // Larger than a long: Elasticsearch refuses it, S3 takes it.
      return `${encode({ ...access('81.2.69.142', '/ipv6', '200'), size: '18446744073709551615' })}\n`;
    case 171:
      return `${encode({ log: 'no log type at all' })}\n`;
    default:
      return undefined;
  }
}

function event(random: Random, number: number): Fields {
  const share = random();
  const line = pick(random, UNPARSED);
  const logtype: LogType = share < 0.4 ? 'accesslog' : share < 0.73 ? 'api-responselog' : 'api-requestlog';
  // What the parser does not match comes as it is, an empty line too.
  if (random() < 0.015) return { log: line, logtype };
  if (logtype === 'accesslog') return accessEvent(random);
  const body = logdata(random, number);
  const path = pick(random, PATHS);
  const time = apiTime(random);
  if (logtype === 'api-requestlog') return { logdata: body, logtype, method: pick(random, METHODS), path, time };
  const [code, result] = pick(random, RESULTS);
  return { code, logdata: body, logtype, path, result, time };
}

function accessEvent(random: Random): Fields {
  const fields = access(pick(random, ADDRESSES), pick(random, PATHS), pick(random, RESULTS)[0]);
  const size = random() < 0.12 ? '-' : String(Math.floor(random() * 250_000));
  const second = String(Math.floor(random() * 60)).padStart(2, '0');
  return { ...fields, size, agent: pick(random, AGENTS), time: `20/Oct/2020:03:56:${second} +0900` };
}

function access(remote: string, path: string, code: string): Fields {
  const rest = { agent: 'curl/7.68.0', host: '-', method: 'GET', referer: '-', user: '-' };
  return { ...rest, code, logtype: 'accesslog', path, remote, size: '0', time: '20/Oct/2020:03:56:08 +0900' };
}

/** Unparsed text: mostly an object, sometimes something else. */
function logdata(random: Random, number: number): string {
  if (random() < 0.08) return pick(random, ODD_LOGDATA);
  const items = Array.from({ length: Math.floor(random() * 4) }, () => ({
    sku: `S${Math.floor(random() * 100_000)}`,
    qty: 1 + Math.floor(random() * 7),
    // Whole numbers only: the first of a kind decides the type of the field, and two bulks at once may decide differently.
    price: pick(random, [1000, 2500, 19_900]),
  }));
  return JSON.stringify({
    txId: `${number.toString(16).padStart(8, '0')}`,
    userName: pick(random, USERS),
    elapsed: Math.floor(random() * 2500),
    ok: random() < 0.7,
    nil: null,
    items,
    message: pick(random, ['OK', '주문이 접수되었습니다', '오류: 잔액 부족']),
  });
}

function apiTime(random: Random): string {
  return `2020-10-20 03:${String(Math.floor(random() * 60)).padStart(2, '0')}:08 GMT+0900 (GMT)`;
}

/** Go's encoder writes keys in order and escapes what HTML would take for itself; empty captures are left out. */
function encode(fields: Fields): string {
  const kept = Object.entries(fields).filter(([, value]) => value !== '');
  const sorted = kept.sort(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify(Object.fromEntries(sorted)).replace(
    /[<>&]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
}

function pick<const T extends readonly [unknown, ...unknown[]]>(random: Random, choices: T): T[number] {
  return choices[Math.floor(random() * choices.length)] ?? choices[0];
}

/** mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD'] as const;
const RESULTS = [
  ['200', 'OK'],
  ['201', 'Created'],
  ['404', 'NotFound'],
  ['500', 'ERROR'],
] as const;
const USERS = ['kim', '이영희', "O'Brien", 'line\nbreak', 'emoji😀'] as const;
const UNPARSED = [
  'this line matches nothing at all',
  '\tat com.example.api.Foo.bar(Foo.java:42)',
  '[2020-10-20 03:56:08 GMT+0900 (GMT)] 200 OK /no-logdata',
  '',
] as const;
const PATHS = [
  '/',
  '/healthz',
  '/api/v1/search?q=%EC%84%9C%EC%9A%B8&page=7',
  '/api/v1/orders/343463574?status=done&sort=desc',
  '/검색/상품/1040980318',
  '/index.jsp;jsessionid=31E981C3',
] as const;
const AGENTS = [
  'curl/7.68.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/86.0.4240.75 Safari/537.36',
  'Mozilla/5.0 (compatible; 한글에이전트/1.0)',
] as const;
/** Some stand in the test databases, some are private, some are no address. */
const ADDRESSES = [
  '81.2.69.142',
  '2.125.160.216',
  '89.160.20.112',
  '67.43.156.1',
  '175.16.199.1',
  '216.160.83.56',
  '2001:218::1',
  '2a02:d480::7aa:964a',
  '1.128.0.1',
  '203.0.113.24',
  '10.156.243.68',
  '-',
] as const;
const ODD_LOGDATA = [
  '[1,2,{"a":"b"}]',
  '42',
  '"hello"',
  'null',
  '{"txId":"cut","items":[1,2',
  'plain text "quoted" body',
  '{"elapsed":1,"elapsed":2}',
  '{"code":"E001","path":"/from-body","result":null,"message":"overwrites"}',
  '{"@timestamp":"2020-10-20T03:56:08.123Z","message":"its own time"}',
  '{"@timestamp":"not a date"}',
  '{"logtype":"accesslog","message":"goes to another index and to S3"}',
  '{"logtype":"other","message":"reaches no output"}',
] as const;

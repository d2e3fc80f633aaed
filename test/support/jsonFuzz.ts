/** Random JSON texts, as producers write them and as nobody should. */
import { pick, type Random } from '../../scripts/geoip/random.ts';

export const FIELD_NAMES = [
  'a',
  'b',
  'code',
  'logtype',
  'nested',
  'list',
  'tags',
  '@version',
  'ü',
  'constructor',
  'c d',
];
const ODD_NAMES = [
  '0',
  '12',
  '',
  '__proto__',
  '@timestamp',
  '@metadata',
  '[a]',
  'a[b',
  'x"y',
  'a\\b',
  '\u2028',
  'toString',
];
const NUMBERS = [
  '0',
  '1',
  '-1',
  '200',
  '1.5',
  '-0.25',
  '12.340',
  '1.0',
  '-0',
  '1e5',
  '1E-7',
  '0.001',
  '0.00001',
  '0.0000001',
];
const MORE_NUMBERS = [
  '123456789012345',
  '1234567890123456789',
  '12345678.12345678',
  '0.1234567890123456',
  '1e400',
  '-1.0e-3',
];
const BAD_VALUES = [
  '01',
  '1.',
  '.5',
  '+1',
  '1e',
  '-',
  'nul',
  'True',
  "'x'",
  '"\\x"',
  '"\\u12"',
  '"\t"',
  'undefined',
  '{',
  '[1,]',
  '{"a":1,}',
  '',
];
const TEXTS = [
  'accesslog',
  '',
  '/a?b=1\\u0026c=2',
  'é',
  '日本',
  '\\/x',
  'a\\"b',
  '\\\\',
  '\\n',
  '\\u00e9',
  '\\ud83d\\ude00',
  '\\ud800',
  '😀',
  '\u007f',
  'long '.repeat(20),
];
const BLANKS = ['', '', '', '', '', '', ' ', '  ', '\t', '\r', '\n'];

/** The text of an object, nearly always. */
export function randomDocument(random: Random): string {
  const isSpaced = random() < 0.15;
  const blank = () => (isSpaced ? pick(random, BLANKS) : '');
  const count = Math.floor(random() * 8);
  const fields = Array.from({ length: count }, () => {
    const name = random() < 0.03 ? pick(random, ODD_NAMES) : pick(random, FIELD_NAMES);
    const key = random() < 0.02 ? `"${pick(random, TEXTS)}"` : JSON.stringify(name);
    return `${blank()}${key}${blank()}:${blank()}${randomValue(random, blank, 0)}${blank()}`;
  });
  const object = `{${fields.join(',')}${count === 0 ? blank() : ''}}`;
  if (random() < 0.05)
    return object + pick(random, [' ', '\r', '{}', '{"b":2}', ' {"b":2} ', 'x', '[1]', ',', '\u0000', '[{"a":1}]']);
  return random() < 0.02
    ? pick(random, [`[${object}]`, `\ufeff${object}`, `${object.slice(0, -1)}`, '', ' ', '5', 'null'])
    : object;
}

function randomValue(random: Random, blank: () => string, depth: number): string {
  const kind = random();
  if (kind < 0.01) return pick(random, BAD_VALUES);
  if (kind < 0.5) return `"${pick(random, TEXTS)}"`;
  if (kind < 0.75) return pick(random, random() < 0.8 ? NUMBERS : MORE_NUMBERS);
  if (kind < 0.85 || depth > 2) return pick(random, ['true', 'false', 'null']);
  const items = Array.from({ length: Math.floor(random() * 4) }, () => randomValue(random, blank, depth + 1));
  if (kind < 0.92) return `[${blank()}${items.map((item) => `${blank()}${item}${blank()}`).join(',')}]`;
  return `{${items.map((item) => `${blank()}"${pick(random, FIELD_NAMES)}"${blank()}:${item}${blank()}`).join(',')}}`;
}

/** Its bytes, now and then with one that was changed. */
export function randomBytes(random: Random, text: string): Buffer {
  const bytes = Buffer.from(text);
  if (random() < 0.05 && bytes.length > 0) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  return bytes;
}

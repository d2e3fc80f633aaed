import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { parse } from './support.ts';

interface MessageRow {
  readonly name: string;
  readonly config: string;
  readonly ok: boolean;
  readonly exception?: string;
  readonly message: string | null;
}

interface LanguageRow {
  readonly name: string;
  readonly config: string;
  readonly error?: string;
}

const data = new URL('../../data/golden/', import.meta.url);
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
const messages = lines(readFileSync(new URL('config-messages.jsonl', data), 'utf8')).map(
  (line) => JSON.parse(line) as MessageRow,
);
const language = lines(gunzipSync(readFileSync(new URL('language.jsonl.gz', data))).toString('utf8')).map(
  (line) => JSON.parse(line) as LanguageRow,
);

/** Parses here and not there: a last comment needs no newline. */
const accepted = new Set(['comment-no-newline', 'comment-tail']);
/** Logstash takes them at `-t` and fails later, or compares with something else than was written. */
const refusedHere = new Map([
  ['if-arr-in', 'LST106'],
  ['if-method', 'LST104'],
]);
/** What Logstash refuses after parsing, while it builds its conditions and values. */
const afterParsing = new Map([
  ['num-big', 'LST103'],
  ['if-xor-chain', 'LST105'],
  ['if-and-xor', 'LST105'],
  ['if-regex-eq', 'LST106'],
  ['if-bad-ref3', 'LST106'],
]);

describe('messages recorded from Logstash', () => {
  const faulty = messages.filter(
    ({ exception, name }) => exception === 'LogStash::ConfigurationError' && !accepted.has(name),
  );

  test('there are enough of them', () => {
    expect(faulty.length).toBeGreaterThan(65);
  });

  test.each(faulty)('$name: the same text', ({ config, message }) => {
    expect(parse(config).diagnostics.map((diagnostic) => diagnostic.message)).toEqual([message]);
  });

  test.each(messages.filter((row) => !faulty.includes(row)))('$name: parses', ({ name, config }) => {
    const expected = refusedHere.get(name) ?? afterParsing.get(name);
    expect(parse(config).diagnostics.map(({ code }) => code)).toEqual(expected ? [expected] : []);
  });
});

describe('configurations of the recorded language cases', () => {
  const parseFault = /^LogStash::ConfigurationError: (Expected .* at line (\d+), column (\d+) \(byte (\d+)\))/s;
  /** The recording put an output behind the text, which these faults reach into. */
  const reachesOutput = new Set(['gram-mut-050', 'gram-hand-064', 'codec-conf-10']);
  const laterErrors = /Unexpected operator|undefined method `call'|BigInteger/;
  /** Method calls and lists looked for in a field: accepted by Logstash, never of use. */
  const refused = new Set(['LST104', 'LST106']);

  test.each(language)('$name', ({ name, config, error }) => {
    const { diagnostics } = parse(config);
    const fault = parseFault.exec(error ?? '');
    if (!fault) {
      const codes = diagnostics
        .map(({ code }) => code)
        .filter((code) => !refused.has(code) || laterErrors.test(error ?? ''));
      expect(codes.length).toBe(laterErrors.test(error ?? '') ? 1 : 0);
      return;
    }
    const [, phrase = '', line, column, byte] = fault;
    if (reachesOutput.has(name)) {
      expect(diagnostics).toHaveLength(1);
      return;
    }
    const here = `at line ${Number(line) - 1}, column ${column} (byte ${Number(byte) - 32})`;
    const expected = phrase.replace(/at line \d+, column \d+ \(byte \d+\)$/, here);
    expect(diagnostics[0]?.message.startsWith(expected), `${diagnostics[0]?.message}\n${expected}`).toBe(true);
  });
});

import { describe, expect, test } from 'vitest';
import type { Diagnostic } from '../../../src/config/diagnostic.ts';
import { renderDiagnostics, summarize } from '../../../src/config/render.ts';
import { parse } from './support.ts';

const plain = { color: false };

function diagnosticAt(text: string, word: string, more: Partial<Diagnostic> = {}): Diagnostic {
  const start = text.indexOf(word);
  return {
    code: 'LST302',
    severity: 'error',
    message: 'unknown option `sorce` for filter `geoip`',
    file: { path: 'conf.d/20-filter.conf', text },
    span: { start, end: start + word.length },
    ...more,
  };
}

const text = 'filter {\n  geoip {\n    target => "remote_geoip"\n    sorce => "remote"\n  }\n}\n';

test('place, severity, message, two lines before, the caret with the hint, one line after', () => {
  expect(renderDiagnostics([diagnosticAt(text, 'sorce', { hint: 'did you mean `source`?' })], plain)).toBe(
    [
      'conf.d/20-filter.conf:4:5  error LST302  unknown option `sorce` for filter `geoip`',
      '    2 |   geoip {',
      '    3 |     target => "remote_geoip"',
      '    4 |     sorce => "remote"',
      '      |     ^^^^^ did you mean `source`?',
      '    5 |   }',
    ].join('\n'),
  );
});

test('lines just shown are not shown again', () => {
  const first = diagnosticAt(text, 'sorce', { hint: 'did you mean `source`?' });
  const second = { ...diagnosticAt(text, 'geoip', { message: 'filter `geoip` needs `source`' }), file: first.file };
  expect(renderDiagnostics([first, second], plain).split('\n').slice(6)).toEqual([
    'conf.d/20-filter.conf:2:3  error LST302  filter `geoip` needs `source`',
  ]);
});

test('colour marks severity and caret only', () => {
  const rendered = renderDiagnostics([diagnosticAt(text, 'sorce')], { color: true });
  expect(rendered).toContain('\u001B[31merror\u001B[0m');
  expect(rendered.split('\u001B[31m')).toHaveLength(3);
  expect(renderDiagnostics([diagnosticAt(text, 'sorce', { severity: 'warning' })], { color: true })).toContain(
    '\u001B[33mwarning',
  );
});

/** The caret row of the only diagnostic. */
function caretRow(source: string): string | undefined {
  return renderDiagnostics(parse(source).diagnostics, plain)
    .split('\n')
    .find((line) => /^ {6}\| .*\^/.test(line));
}

describe('the caret stands under its character', () => {
  test.each([
    ['filter {\n\tmutate {\n\t\tadd_tag = "x"\n}}', '      | \t\t        ^'],
    ['filter { m { a => "한글" = } }', `      | ${' '.repeat(25)}^`],
    ['\uFEFFfilter { }', '      | ^'],
    ['filter {\r\n  m { a = 1 }\r\n}', '      |         ^'],
  ])('%j', (source, row) => {
    expect(caretRow(source)?.startsWith(row)).toBe(true);
  });

  test('in lines that are cut around it', () => {
    const source = `filter { m { a => "${'x'.repeat(300)}" = "${'y'.repeat(300)}" } }`;
    const lines = renderDiagnostics(parse(source).diagnostics, plain).split('\n');
    const shown = lines.find((line) => line.includes('1 | ')) ?? '';
    const caret = lines.find((line) => line.startsWith('      | '))?.indexOf('^') ?? -1;
    expect(shown.length).toBeLessThan(130);
    expect(shown[8]).toBe('…');
    expect(shown.at(-1)).toBe('…');
    expect(shown[caret]).toBe('=');
  });
});

test('of Logstash’s excerpt only the last line is shown, and no secret', () => {
  const source = 'output {\n  s3 {\n    secret_access_key => "hush" bucket = "b"\n  }\n}\n';
  const { diagnostics } = parse(source);
  expect(diagnostics[0]?.message).toContain('after output {\n  s3 {\n    secret_access_key => "hush" bucket ');
  const rendered = renderDiagnostics(diagnostics, plain);
  expect(rendered.split('\n')[0]).toBe(
    'test.conf:3:40  error LST101  Expected one of [ \\t\\r\\n], "#", "=>" at line 3, column 40 (byte 56) after secret_access_key => "****" bucket ',
  );
  expect(rendered).not.toContain('hush');
});

test('a far opening is shown with its own lines', () => {
  const source = `filter {\n  mutate { add_tag => "x }\n${'\n'.repeat(5)}}\n`;
  expect(renderDiagnostics(parse(source).diagnostics, plain).split('\n').slice(1)).toEqual([
    '    2 |   mutate { add_tag => "x }',
    '      |                       ^ opened here',
    '      …',
    '    7 |',
    '    8 | }',
    '    9 |',
    '      | ^ the string is never closed: `"` is missing',
  ]);
});

test.each([
  [['a', 'a', 'b'], [], 3, '3 errors in 2 of 3 files. Nothing was started.'],
  [['a'], [], 1, '1 error in 1 file. Nothing was started.'],
  [['a'], ['a', 'b'], 2, '1 error and 2 warnings in 2 of 2 files. Nothing was started.'],
  [[], ['a'], 4, '1 warning in 1 of 4 files.'],
  [[], [], 4, 'No faults found.'],
])('summary of %j and %j', (errors, warnings, fileCount, expected) => {
  const all = [
    ...errors.map((path) => diagnosticAt('x', 'x', { file: { path, text: 'x' } })),
    ...warnings.map((path) => diagnosticAt('x', 'x', { file: { path, text: 'x' }, severity: 'warning' })),
  ];
  expect(summarize(all, fileCount)).toBe(expected);
});

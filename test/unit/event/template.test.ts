import { describe, expect, it } from 'vitest';
import { compileTemplate } from '../../../src/event/template.ts';
import { eventOf, WHEN_MS } from './support.ts';

const EVENT = `{"s":"text","i":7,"big":12345678901234567890,"f":1.5,"whole":1.0,"large":1e10,"huge":1e21,"small":0.00005,"t":true,
  "no":false,"nil":null,"list":["a",1,null,["b",2],true],"maps":[{"k":"v","n":1.5}],"map":{"k":"v","n":[1,2.0]},"empty":[],
  "a":{"b":{"c":"deep"}},"{x":"brace","":"nameless","sp ace":"blank"}`;

function filled(template: string, timestampMs: number | undefined = WHEN_MS): string {
  return compileTemplate(template).apply(eventOf(EVENT, timestampMs));
}

describe('sprintf', () => {
  it.each([
    ['plain', 'plain'],
    ['', ''],
    ['%{s}', 'text'],
    ['<%{s}%{i}>', '<text7>'],
    ['%{[s]}', 'text'],
    ['%{[a][b][c]}', 'deep'],
    ['%{sp ace}', 'blank'],
    ['%{i}', '7'],
    ['%{big}', '12345678901234567890'],
    ['%{f}', '1.5'],
    ['%{whole}', '1.0'],
    ['%{large}', '1.0E10'],
    ['%{huge}', '1.0E21'],
    ['%{small}', '5.0E-5'],
    ['%{t}%{no}', 'truefalse'],
    ['%{@timestamp}', '2020-10-20T03:06:08.009Z'],
    ['%{list}', 'a,1,,b,2,true'],
    ['%{maps}', '{k=v, n=1.5}'],
    ['%{map}', '{"k":"v","n":[1,2.0]}'],
    ['%{empty}', ''],
    ['%{[list][0]}', 'a'],
  ])('%j gives %j', (template, text) => {
    expect(filled(template)).toBe(text);
  });

  it('is filled in anew for each event, however much of it stays', () => {
    const { apply } = compileTemplate('%{a}-%{b}/');
    const texts = ['{"a":"","b":""}', '{"a":"1","b":"2"}', '{"a":"1","b":"2"}', '{"a":"1","b":"3"}', '{"a":"","b":""}'];
    expect(texts.map((text) => apply(eventOf(text)))).toEqual(['-/', '1-2/', '1-2/', '1-3/', '-/']);
  });

  it.each([
    '%{missing}',
    '%{nil}',
    '%{[a][x]}',
    '%{[s][x]}',
    '%{',
    '%{s',
    'a%{s b',
    '%{missing}-%{nil}',
    '%s',
    '{s}',
    '%%{',
  ])('%j stays as written', (template) => {
    expect(filled(template)).toBe(template);
  });

  it('does not nest: a name runs to the first brace', () => {
    expect(filled('%{a%{b}}')).toBe('%{a%{b}}');
    expect(filled('%{{x}')).toBe('brace');
    expect(filled('%{{yyyy}}')).toBe('%{{yyyy}}');
  });

  it.each([
    ['%{+%s}', '1603163168'],
    ['%{+%}', '1603163168'],
    ['%{+}', '1603163168'],
    ['%{}', '1603163168'],
    ['%{+%ss}', '%08'],
    ['%{+YYYY.MM.dd}', '2020.10.20'],
    ['accesslog-%{+YYYYMM}', 'accesslog-202010'],
    ['%{+[a]}', '[AM]'],
  ])('of dates %j gives %j', (template, text) => {
    expect(filled(template)).toBe(text);
  });

  it('of dates without @timestamp gives nothing', () => {
    const apply = (template: string) => compileTemplate(template).apply(eventOf('{}'));
    expect(apply('a-%{+YYYY}-%{+%s}-%{}-b')).toBe('a----b');
    expect(apply('%{@timestamp}')).toBe('%{@timestamp}');
  });

  it.each(['%{a[b]}', '%{[a}', '%{[]}', '%{+b}', "%{+'}"])(
    '%j fails per event, not when it is compiled',
    (template) => {
      const { apply, isConstant } = compileTemplate(template);
      expect(isConstant).toBe(false);
      expect(() => apply(eventOf('{}', WHEN_MS))).toThrow(/Invalid FieldReference|Invalid date pattern/);
    },
  );

  it('knows whether there is anything to fill in', () => {
    expect(['', 'x', '%{', '%{x}', '%{+Y}'].map((text) => compileTemplate(text).isConstant)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});

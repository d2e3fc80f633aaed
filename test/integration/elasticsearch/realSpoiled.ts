/** Requests that a real server refuses as a whole: for one event in them, or whatever is in them. */
import { expect, it } from 'vitest';
import type { Value } from '../../../src/event/value.ts';
import type { ConfigValue } from '../../../src/plugin-api/index.ts';
import { numbered, TestBatch } from '../../support/outputHarness.ts';
import type { FaultRule } from '../../support/servers/index.ts';
import { type Lab, openOutput, readIndex, until } from './suite.ts';

type Fields = Readonly<Record<string, Value>>;

const VERSIONED = { document_id: '%{n}', version: '%{v}', version_type: 'external' };
const UPSERT = { document_id: '%{n}', action: 'update', doc_as_upsert: 'true' };

function nested(depth: number): Value {
  let value: Value = 1;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

/** What makes the request or, on some servers, only the item fail; where nothing is said, its reason differs among them. */
const SPOILERS: [string, Readonly<Record<string, ConfigValue>>, Fields, RegExp?][] = [
  ['a version that is not there', VERSIONED, { kind: 'external' }, /^400 illegal_argument_exception: .*%\{v\}/],
  ['a version that is no number', VERSIONED, { kind: 'external', v: '' }, /^400 illegal_argument_exception/],
  ['a version out of range', VERSIONED, { kind: 'external', v: 10n ** 20n }, /^400 illegal_argument_exception/],
  ['a negative version', VERSIONED, { kind: 'external', v: -5 }, /^400 action_request_validation_exception/],
  ['an index name of unknown date math', { index: '%{where}' }, { where: '<a-{now/x}>' }, /^400 parse_exception/],
  ['an index name with an open brace', { index: '%{where}' }, { where: '<a-{>' }, /^400 parse_exception/],
  ['no index name', { index: '%{where}' }, { where: '' }, /^its index has no name/],
  ['an update with a number of 1,200 digits', UPSERT, { text: 10n ** 1200n }],
  ['an update that nests too deep', UPSERT, { deep: nested(1100) }],
  ['an empty id of an update', { ...UPSERT, document_id: '%{id}' }, { id: '' }, /^400 action_request_validation/],
];

export function describeSpoiled(lab: () => Lab): void {
  it.each(SPOILERS)(
    'for %s: it goes to the dead letter queue, the others are written',
    async (what, given, spoiler, reason) => {
      const { server, place, writeAll } = lab();
      const { proxy, index } = await place();
      const good = { text: 1, deep: [1], v: 7, kind: 'external', where: index };
      const batch = new TestBatch(numbered(20).map((_event, n) => ({ ...good, id: String(n), n })));
      const first = new TestBatch([{ n: 100, ...(what.includes('update') ? good : { where: index }), ...spoiler }]);
      const events = [...first.events, ...batch.events];
      const { context } = await writeAll({ hosts: proxy.url, index, manage_template: 'false', ...given }, events);
      expect([first.settled, batch.settled]).toEqual([1, 20]);
      const written = (await readIndex(server.url, index)).map(({ _source }) => Number(_source['n']));
      expect(written.filter((n) => n < 100)).toHaveLength(20);
      // Some servers take it.
      if (reason === undefined && written.includes(100)) return;
      expect(context.deadLetters).toMatchObject([
        { reason: expect.stringMatching(reason ?? /^400 /), event: { data: { n: 100 } } },
      ]);
    },
  );

  it('for what the configuration puts into every line: all is kept and sent again', async () => {
    const { place } = lab();
    const mended = { yes: false };
    const rule: FaultRule = ({ url }) =>
      url.startsWith('/_bulk') && mended.yes ? { kind: 'answer', status: 200, body: '{"errors":false}' } : undefined;
    const { proxy, index } = await place(rule);
    const given = { hosts: proxy.url, index, manage_template: 'false', parent: 'a' };
    const { output, context, lines } = await openOutput(given);
    const batch = new TestBatch(numbered(10));
    await output.write(batch.events);
    const tries = () => context.counters.get('bulk_requests.responses.400')?.value ?? 0;
    await until(() => tries() > 30);
    expect(lines.filter((line) => line.includes('contains an unknown parameter [parent]'))).toHaveLength(1);
    expect([batch.settled, context.deadLetters]).toEqual([0, []]);
    mended.yes = true;
    await output.close();
    expect([batch.settled, context.deadLetters]).toEqual([10, []]);
  });
}

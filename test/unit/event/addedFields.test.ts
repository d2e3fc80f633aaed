import { describe, expect, it } from 'vitest';
import { pick, seededRandom } from '../../../scripts/geoip/random.ts';
import { AddedFields } from '../../../src/event/addedFields.ts';
import type { Value } from '../../../src/event/value.ts';
import { JsonEventDecoder } from '../../../src/plugins/codecs/jsonEvents.ts';
import { TextBuffer } from '../../../src/util/textBuffer.ts';

function entriesOf(fields: AddedFields): [string, Value][] {
  const entries: [string, Value][] = [];
  for (let field = fields.first; field !== undefined; field = field.next)
    entries.push([field.key, field.value as Value]);
  return entries;
}

describe('added fields', () => {
  it('are those of a map to which the same was done, in its order', () => {
    const random = seededRandom(5);
    const keys = Array.from({ length: 12 }, (_, n) => `k${n}`);
    const fields = new AddedFields();
    const map = new Map<string, Value>();
    for (let step = 0; step < 2000; step++) {
      const key = pick(random, keys);
      if (random() < 0.4) {
        fields.remove(key);
        map.delete(key);
      } else {
        fields.set(key, step);
        map.set(key, step);
      }
      expect(entriesOf(fields)).toEqual([...map]);
      for (const name of keys) expect(fields.find(name)?.value).toBe(map.get(name));
    }
  });

  it('are full with 32', () => {
    const fields = new AddedFields();
    for (let n = 0; n < 32; n++) {
      expect(fields.isFull).toBe(false);
      fields.set(`k${n}`, n);
    }
    expect(fields.isFull).toBe(true);
    fields.remove('k31');
    expect(fields.isFull).toBe(false);
  });

  it('go on to be added where they are full', () => {
    const [event] = new JsonEventDecoder({ failures: { value: 0 }, trailing: { value: 0 } }).decode(
      Buffer.from('{"a":1,"@version":"1"}'),
      0,
    );
    const names = Array.from({ length: 40 }, (_, n) => `k${n}`);
    for (const name of names) event?.setField(name, name);
    event?.setField('@timestamp', 'late');
    const out = new TextBuffer();
    event?.writeJson(out);
    const added = names.map((name) => `,"${name}":"${name}"`).join('');
    expect(out.take().toString()).toBe(`{"a":1,"@version":"1","@timestamp":"late"${added}}`);
  });
});

import { type Codec, defineCodec, string } from '../../plugin-api/index.ts';
import { asBuffer, DelimitedText, isUtf8Charset, LineBlocks } from '../../util/text.ts';
import { charset } from './charset.ts';
import { decodeJsonEvents, type JsonEventCounters, JsonEventDecoder } from './jsonEvents.ts';

export const jsonLines = defineCodec({
  name: 'json_lines',
  summary: 'One JSON text a line.',
  options: {
    charset,
    delimiter: string({ doc: 'Ends each line, in both directions.', default: '\n' }),
  },
  delimiter: ({ charset: encoding, delimiter }) => (isUtf8Charset(encoding) ? delimiter : undefined),
  create({ charset: encoding, delimiter }, context) {
    const counters = { failures: context.counter('decode_failures'), trailing: context.counter('trailing_json') };
    const end = Buffer.from(delimiter);
    const encode: Codec['encode'] = (event, out) => {
      event.writeJson(out);
      out.appendBytes(end, 0, end.length);
    };
    if (delimiter === '\n' && isUtf8Charset(encoding)) return () => ({ ...lineDecoder(counters), encode });
    return () => {
      const lines = new DelimitedText(encoding, delimiter);
      return {
        decode: (data, arrivalMs) => lines.push(data).flatMap((line) => decodeJsonEvents(line, arrivalMs, counters)),
        flush: (arrivalMs) => decodeJsonEvents(lines.flush(), arrivalMs, counters),
        encode,
      };
    };
  },
});

/** Lines as nearly all are: their end cannot stand inside of a text. */
function lineDecoder(counters: JsonEventCounters): Pick<Codec, 'decode' | 'flush'> {
  const blocks = new LineBlocks();
  const decoder = new JsonEventDecoder(counters);
  return {
    decode(data, arrivalMs) {
      const [first, ...others] = blocks.push(asBuffer(data));
      if (first === undefined) return [];
      const events = decoder.decodeLines(first, arrivalMs);
      for (const block of others) for (const event of decoder.decodeLines(block, arrivalMs)) events.push(event);
      return events;
    },
    flush: (arrivalMs) => decoder.decode(blocks.flush(), arrivalMs),
  };
}

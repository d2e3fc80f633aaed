import { encodeJson } from '../../event/json.ts';
import { defineCodec, string } from '../../plugin-api/index.ts';
import { DelimitedText, textDecoder } from '../../util/text.ts';
import { charset } from './charset.ts';
import { decodeJsonEvents } from './jsonEvents.ts';

export const jsonLines = defineCodec({
  name: 'json_lines',
  summary: 'One JSON text a line.',
  options: {
    charset,
    delimiter: string({ doc: 'Ends each line, in both directions.', default: '\n' }),
  },
  create({ charset: encoding, delimiter }, context) {
    const toText = textDecoder(encoding);
    const counters = { failures: context.counter('decode_failures'), trailing: context.counter('trailing_json') };
    return () => {
      const lines = new DelimitedText(delimiter);
      return {
        decode: (data, arrivalMs) =>
          lines.push(toText(data)).flatMap((line) => decodeJsonEvents(line, arrivalMs, counters)),
        flush: (arrivalMs) => decodeJsonEvents(lines.flush(), arrivalMs, counters),
        encode: (event) => encodeJson(event.data) + delimiter,
      };
    };
  },
});

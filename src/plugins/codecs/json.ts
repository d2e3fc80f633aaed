import { defineCodec } from '../../plugin-api/index.ts';
import { asBuffer, isUtf8Charset, textDecoder } from '../../util/text.ts';
import { charset } from './charset.ts';
import { decodeJsonEvents, JsonEventDecoder } from './jsonEvents.ts';

export const json = defineCodec({
  name: 'json',
  summary: 'JSON objects, or lists of them, as events; an event as one JSON text without a line end.',
  options: { charset },
  create(options, context) {
    const toText = textDecoder(options.charset);
    const counters = { failures: context.counter('decode_failures'), trailing: context.counter('trailing_json') };
    return () => {
      const decoder = new JsonEventDecoder(counters);
      return {
        decode: isUtf8Charset(options.charset)
          ? (data, arrivalMs) => decoder.decode(asBuffer(data), arrivalMs)
          : (data, arrivalMs) => decodeJsonEvents(toText(data), arrivalMs, counters),
        flush: () => [],
        encode: (event, out) => event.writeJson(out),
      };
    };
  },
});

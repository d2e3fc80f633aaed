import { encodeJson } from '../../event/json.ts';
import { defineCodec } from '../../plugin-api/index.ts';
import { textDecoder } from '../../util/text.ts';
import { charset } from './charset.ts';
import { decodeJsonEvents } from './jsonEvents.ts';

export const json = defineCodec({
  name: 'json',
  summary: 'JSON objects, or lists of them, as events; an event as one JSON text without a line end.',
  options: { charset },
  create(options, context) {
    const toText = textDecoder(options.charset);
    const counters = { failures: context.counter('decode_failures'), trailing: context.counter('trailing_json') };
    return () => ({
      decode: (data, arrivalMs) => decodeJsonEvents(toText(data), arrivalMs, counters),
      flush: () => [],
      encode: (event) => encodeJson(event.data),
    });
  },
});

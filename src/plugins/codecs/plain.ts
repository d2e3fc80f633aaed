import { Event } from '../../event/event.ts';
import { defineCodec, string } from '../../plugin-api/index.ts';
import { textDecoder } from '../../util/text.ts';
import { charset } from './charset.ts';
import { eventPrinter } from './eventText.ts';

export const plain = defineCodec({
  name: 'plain',
  summary: 'The whole text as one event.',
  options: {
    charset,
    format: string({ doc: 'Text of an encoded event, with `%{field}`; else `<timestamp> <host> <message>`.' }),
  },
  create(options) {
    const toText = textDecoder(options.charset);
    const print = eventPrinter(options.format);
    return () => ({
      decode: (data, arrivalMs) => [Event.fromMap({ message: toText(data) }, arrivalMs)],
      flush: () => [],
      encode: (event, out) => {
        out.append(print(event));
      },
    });
  },
});

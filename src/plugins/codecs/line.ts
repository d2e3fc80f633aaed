import { Event } from '../../event/event.ts';
import { defineCodec, string } from '../../plugin-api/index.ts';
import { DelimitedText, isUtf8Charset } from '../../util/text.ts';
import { charset } from './charset.ts';
import { eventPrinter } from './eventText.ts';

export const line = defineCodec({
  name: 'line',
  summary: 'One event a line.',
  options: {
    charset,
    delimiter: string({ doc: 'Ends each line, in both directions.', default: '\n' }),
    format: string({ doc: 'Text of an encoded event, with `%{field}`; else `<timestamp> <host> <message>`.' }),
  },
  delimiter: ({ charset: encoding, delimiter }) => (isUtf8Charset(encoding) ? delimiter : undefined),
  create({ charset: encoding, delimiter, format }) {
    const print = eventPrinter(format);
    return () => {
      const lines = new DelimitedText(encoding, delimiter);
      return {
        decode: (data, arrivalMs) => lines.push(data).map((message) => Event.fromMap({ message }, arrivalMs)),
        flush: (arrivalMs) => {
          const message = lines.flush();
          return message === '' ? [] : [Event.fromMap({ message }, arrivalMs)];
        },
        encode: (event, out) => {
          out.append(print(event));
          out.append(delimiter);
        },
      };
    };
  },
});

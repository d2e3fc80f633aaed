import { Burial } from '../../delivery/burial.ts';
import type { Event } from '../../event/event.ts';
import { defineOutput, encodeWhole } from '../../plugin-api/index.ts';
import { TextBuffer } from '../../util/textBuffer.ts';

export const stdout = defineOutput({
  name: 'stdout',
  summary: 'Prints events.',
  defaultCodec: 'rubydebug',
  options: {},
  create(options, context) {
    const codec = options.codec.open();
    const burial = new Burial(context);
    const unwritable = context.counter('unwritable_events');

    /** Gives whether the event is in the text. */
    function append(event: Event, text: TextBuffer): boolean {
      try {
        encodeWhole(codec, event, text);
        return true;
      } catch (error) {
        unwritable.value += 1;
        void burial.isolate(event, 'cannot be written', error);
        return false;
      }
    }

    function print(text: Uint8Array): Promise<void> {
      return new Promise((resolve, reject) => {
        process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
      });
    }

    return {
      async write(events) {
        const text = new TextBuffer();
        const batches = events.filter((event) => append(event, text)).map(({ batch }) => batch);
        await print(text.take());
        for (const batch of batches) batch.settle();
        await burial.room();
      },
      close: () => burial.close(),
    };
  },
});

import { Burial } from '../../delivery/burial.ts';
import type { Event } from '../../event/event.ts';
import { defineOutput } from '../../plugin-api/index.ts';

export const stdout = defineOutput({
  name: 'stdout',
  summary: 'Prints events.',
  defaultCodec: 'rubydebug',
  options: {},
  create(options, context) {
    const codec = options.codec.open();
    const burial = new Burial(context);
    const unwritable = context.counter('unwritable_events');

    function encode(event: Event): string | undefined {
      try {
        return codec.encode(event);
      } catch (error) {
        unwritable.value += 1;
        void burial.isolate(event, 'cannot be written', error);
        return undefined;
      }
    }

    function print(text: string): Promise<void> {
      return new Promise((resolve, reject) => {
        process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
      });
    }

    return {
      async write(events) {
        const encoded = events.map((event) => ({ batch: event.batch, text: encode(event) }));
        await print(encoded.map(({ text }) => text ?? '').join(''));
        for (const { batch, text } of encoded) if (text !== undefined) batch.settle();
        await burial.room();
      },
      close: () => burial.close(),
    };
  },
});

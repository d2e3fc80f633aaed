import { defineOutput } from '../../plugin-api/index.ts';

export const stdout = defineOutput({
  name: 'stdout',
  summary: 'Prints events.',
  defaultCodec: 'rubydebug',
  options: {},
  create(options) {
    const codec = options.codec.open();

    function print(text: string): Promise<void> {
      return new Promise((resolve, reject) => {
        process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
      });
    }

    return {
      async write(events) {
        const batches = events.map((event) => event.batch);
        await print(events.map((event) => codec.encode(event)).join(''));
        for (const batch of batches) batch.settle();
      },
      async close() {},
    };
  },
});

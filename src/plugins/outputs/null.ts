import { defineOutput } from '../../plugin-api/index.ts';

export const nullOutput = defineOutput({
  name: 'null',
  summary: 'Takes events and forgets them.',
  options: {},
  create() {
    return {
      write(events) {
        for (const event of events) event.batch.settle();
      },
      async close() {},
    };
  },
});

import { defineFilter, number } from '../../plugin-api/index.ts';

export const drop = defineFilter({
  name: 'drop',
  summary: 'Drops events; put it inside a conditional.',
  options: { percentage: number({ doc: 'Share of the events to drop, chosen at random.', default: 100 }) },
  examples: [
    { title: 'Drop debug logs', config: 'if [level] == "debug" { drop { } }', in: { level: 'debug' }, out: null },
  ],
  create({ percentage }) {
    return {
      apply(event) {
        event.cancelled = percentage >= 100 || Math.random() * 100 < percentage;
        return false;
      },
      emitCode(code) {
        code.line(`e.cancelled = ${percentage >= 100 ? true : `Math.random() * 100 < ${code.constant(percentage)}`};`);
      },
    };
  },
});
